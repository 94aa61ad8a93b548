#include <pybind11/stl.h>

#include <palaestra/bindings/bind.h>
#include <palaestra/core/error.h>
#include <palaestra/envs/registry.h>

namespace palaestra::python {

py::dtype to_dtype(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return py::dtype::of<float>();
    case DType::kFloat64:
      return py::dtype::of<double>();
    case DType::kInt64:
      return py::dtype::of<std::int64_t>();
    case DType::kInt32:
      return py::dtype::of<std::int32_t>();
    case DType::kUint8:
      return py::dtype::of<std::uint8_t>();
    case DType::kBool:
      return py::dtype::of<bool>();
  }
  throw std::logic_error("unknown element type");
}

DType from_dtype(const py::dtype& dtype, std::string_view caller) {
  for (const DType type : {DType::kFloat32, DType::kFloat64, DType::kInt64, DType::kInt32,
                           DType::kUint8, DType::kBool}) {
    if (to_dtype(type).equal(dtype)) {
      return type;
    }
  }
  throw UserError(concat(caller, ": dtype ", std::string(py::str(dtype)),
                         " is not accepted; accepted: float32, float64, int64, int32, uint8, "
                         "bool"));
}

py::array view(DType dtype, std::vector<py::ssize_t> shape, std::vector<py::ssize_t> strides,
               void* data, const std::shared_ptr<void>& owner) {
  const auto release = [](void* box) { delete static_cast<std::shared_ptr<void>*>(box); };
  const py::capsule keeper(new std::shared_ptr<void>(owner), release);
  return {to_dtype(dtype), std::move(shape), std::move(strides), data, keeper};
}

py::array view(DType dtype, std::vector<py::ssize_t> shape, void* data,
               const std::shared_ptr<void>& owner) {
  std::vector<py::ssize_t> strides(shape.size());
  auto step = static_cast<py::ssize_t>(size_of(dtype));
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = step;
    step *= shape[i];
  }
  return view(dtype, std::move(shape), std::move(strides), data, owner);
}

std::string shape_text(const py::ssize_t* dims, py::ssize_t count) {
  std::string text = "[";
  for (py::ssize_t i = 0; i < count; ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(dims[i]);
  }
  return text + "]";
}

std::string shape_text(const std::vector<py::ssize_t>& dims) {
  return shape_text(dims.data(), static_cast<py::ssize_t>(dims.size()));
}

namespace {

/// (start, table): a list of probabilities, and table[state][action] = list of (probability, next,
/// reward, terminated).
py::tuple to_python(const envs::TabularModel& model) {
  py::list table;
  for (Index state = 0; state < model.states; ++state) {
    py::list row;
    for (Index action = 0; action < model.actions; ++action) {
      py::list group;
      for (const envs::Outcome& o : model.at(state, action)) {
        group.append(py::make_tuple(o.probability, o.next, o.reward, o.terminated));
      }
      row.append(group);
    }
    table.append(row);
  }
  return py::make_tuple(model.start, table);
}

}  // namespace

void bind_spaces(py::module_& module) {
  py::class_<Space>(module, "Space")
      .def_property_readonly(
          "kind",
          [](const Space& s) { return s.kind == Space::Kind::kDiscrete ? "discrete" : "box"; })
      .def_property_readonly("dtype", [](const Space& s) { return to_dtype(s.dtype); })
      .def_property_readonly("shape", [](const Space& s) { return py::tuple(py::cast(s.shape)); })
      .def_readonly("low", &Space::low)
      .def_readonly("high", &Space::high)
      .def_readonly("count", &Space::count)
      .def_static("discrete", &Space::discrete, py::arg("count"))
      .def_static(
          "box",
          [](std::vector<double> low, std::vector<double> high, const py::dtype& dtype,
             std::vector<Index> shape) {
            auto space = Space::box(std::move(low), std::move(high), from_dtype(dtype, "Space"));
            space.shape = std::move(shape);
            return space;
          },
          py::arg("low"), py::arg("high"), py::arg("dtype"), py::arg("shape"))
      .def("__repr__", [](const Space& s) { return to_string(s); });

  using envs::EnvSpec;
  py::class_<EnvSpec>(module, "EnvSpec")
      .def_readonly("id", &EnvSpec::id)
      .def_readonly("family", &EnvSpec::family)
      .def_readonly("origin", &EnvSpec::origin)
      .def_readonly("summary", &EnvSpec::summary)
      .def_readonly("oracle", &EnvSpec::oracle)
      .def_readonly("observation", &EnvSpec::observation)
      .def_readonly("action", &EnvSpec::action)
      .def_readonly("time_limit", &EnvSpec::time_limit)
      .def_readonly("render_fps", &EnvSpec::render_fps)
      .def_readonly("tracking_camera", &EnvSpec::tracking_camera)
      .def_readonly("deterministic", &EnvSpec::deterministic)
      .def_readonly("distinct_starts", &EnvSpec::distinct_starts)
      .def_property_readonly("goal", [](const EnvSpec& s) { return s.goal.has_value(); })
      .def_property_readonly("goal_widths",
                             [](const EnvSpec& s) -> py::object {
                               return s.goal ? py::make_tuple(s.goal->observation, s.goal->achieved,
                                                              s.goal->desired)
                                             : py::object(py::none());
                             })
      .def_readonly("info", &EnvSpec::info)
      .def("__repr__", [](const EnvSpec& s) { return "<EnvSpec " + s.id + ">"; });

  module.def("env_ids", [] {
    std::vector<std::string> ids;
    for (const auto& registration : envs::registrations()) {
      ids.push_back(registration.id);
    }
    return ids;
  });
  module.def(
      "env_spec",
      [](const std::string& id, const envs::Keywords& keywords) {
        return envs::find(id).spec(keywords);
      },
      py::arg("id"), py::arg("keywords") = envs::Keywords{});
  module.def(
      "tabular_model",
      [](const std::string& id, const envs::Keywords& keywords) {
        return to_python(envs::tabular_model(id, keywords));
      },
      py::arg("id"), py::arg("keywords") = envs::Keywords{});
  module.def(
      "optimal_value",
      [](const std::string& id, std::optional<Index> horizon, const envs::Keywords& keywords) {
        return envs::optimal_value(id, keywords, horizon);
      },
      py::arg("id"), py::arg("horizon") = std::nullopt, py::arg("keywords") = envs::Keywords{});
}

}  // namespace palaestra::python
