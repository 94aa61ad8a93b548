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
void bind_datasets(py::module_& module);
void bind_agents(py::module_& module);

/// NumPy's dtype object for an element type.
py::dtype to_dtype(DType dtype);
/// The reverse. Throws UserError for other element types.
DType from_dtype(const py::dtype& dtype, std::string_view caller);

/// An array over `data`, row-major with the given shape, that keeps `owner` alive. No copy.
py::array view(DType dtype, std::vector<py::ssize_t> shape, void* data,
               const std::shared_ptr<void>& owner);
/// The same with explicit strides in bytes.
py::array view(DType dtype, std::vector<py::ssize_t> shape, std::vector<py::ssize_t> strides,
               void* data, const std::shared_ptr<void>& owner);

/// `[64, 6]`
std::string shape_text(const py::ssize_t* dims, py::ssize_t count);
std::string shape_text(const std::vector<py::ssize_t>& dims);

/// Marks an object as busy and lets other Python threads run, until the end of the scope. The flag
/// is guarded by the interpreter lock: check it before.
class Busy {
 public:
  explicit Busy(bool& flag) : flag_(flag), state_((flag = true, PyEval_SaveThread())) {}
  ~Busy() {
    PyEval_RestoreThread(state_);
    flag_ = false;
  }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  bool& flag_;
  PyThreadState* state_;
};

}  // namespace palaestra::python
