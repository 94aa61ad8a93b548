#include <palaestra/bindings/bind.h>
#include <palaestra/core/error.h>

PYBIND11_MODULE(_palaestra, module) {
  using namespace palaestra::python;
  module.doc() = "Native part of the palaestra package.";
  module.attr("__version__") = PALAESTRA_VERSION;
  auto error = py::register_exception<palaestra::UserError>(module, "UserError", PyExc_ValueError);
  error.attr("__module__") = "palaestra";
  error.attr("__doc__") =
      "Something the caller can mend: a bad argument, file, setting or environment id.";
  bind_spaces(module);
  bind_vector_env(module);
  bind_datasets(module);
  bind_replay(module);
  bind_agents(module);
}
