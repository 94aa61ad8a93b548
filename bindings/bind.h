#pragma once

// What the binding sources share: one function per topic, called by module.cc, and array views.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <memory>
#include <vector>

#include <palaestra/core/space.h>

namespace palaestra::python {

namespace py = pybind11;

void bind_spaces(py::module_& module);
void bind_vector_env(py::module_& module);
void bind_replay(py::module_& module);

/// NumPy's dtype object for an element type.
py::dtype to_dtype(DType dtype);

/// An array over `data`, row-major with the given shape, that keeps `owner` alive. No copy.
py::array view(DType dtype, std::vector<py::ssize_t> shape, void* data,
               const std::shared_ptr<void>& owner);
/// The same with explicit strides in bytes.
py::array view(DType dtype, std::vector<py::ssize_t> shape, std::vector<py::ssize_t> strides,
               void* data, const std::shared_ptr<void>& owner);

/// `[64, 6]`
std::string shape_text(const py::ssize_t* dims, py::ssize_t count);
std::string shape_text(const std::vector<py::ssize_t>& dims);

}  // namespace palaestra::python
