// palaestra._palaestra.VectorEnv: the native vector environment.

#include <palaestra/bindings/vector_env.h>

#include <pybind11/stl.h>

#include <numeric>
#include <optional>

#include <palaestra/bindings/wrappers.h>
#include <palaestra/core/error.h>
#include <palaestra/envs/adapters/record_statistics.h>
#include <palaestra/envs/registry.h>

namespace palaestra::python {

namespace {

using Seeds = py::array_t<std::uint64_t, py::array::c_style>;
using Mask = py::array_t<bool, py::array::c_style>;
using Rows = py::array_t<std::int64_t, py::array::c_style>;
using Bytes = py::array_t<std::uint8_t, py::array::c_style>;
using Numbers = py::array_t<double, py::array::c_style | py::array::forcecast>;

template <class T>
std::span<const T> contents(const py::array& array) {
  return {static_cast<const T*>(array.data()), static_cast<std::size_t>(array.size())};
}

std::vector<py::ssize_t> batch_shape(Index rows, const Space& space) {
  std::vector<py::ssize_t> shape{rows};
  shape.insert(shape.end(), space.shape.begin(), space.shape.end());
  return shape;
}

envs::AutoresetMode autoreset_mode(const std::string& name) {
  if (name == "NextStep") return envs::AutoresetMode::kNextStep;
  if (name == "SameStep") return envs::AutoresetMode::kSameStep;
  if (name == "Disabled") return envs::AutoresetMode::kDisabled;
  throw UserError(
      concat("autoreset_mode is \"", name, "\"; accepted: NextStep, SameStep, Disabled"));
}

std::string name_of_mode(envs::AutoresetMode mode) {
  switch (mode) {
    case envs::AutoresetMode::kNextStep:
      return "NextStep";
    case envs::AutoresetMode::kSameStep:
      return "SameStep";
    case envs::AutoresetMode::kDisabled:
      return "Disabled";
  }
  throw std::logic_error("unknown autoreset mode");
}

/// The given rows, or all of them.
std::vector<Index> chosen_rows(const std::optional<Rows>& rows, Index size) {
  if (!rows) {
    std::vector<Index> all(static_cast<std::size_t>(size));
    std::iota(all.begin(), all.end(), Index{0});
    return all;
  }
  const auto values = contents<std::int64_t>(*rows);
  for (const Index row : values) {
    require(row >= 0 && row < size, "rows contains ", row, "; accepted: 0 to ", size - 1);
  }
  return {values.begin(), values.end()};
}

py::array get_state(VectorEnv& env, const std::optional<Rows>& rows) {
  auto& batch = env.batch();
  const auto chosen = chosen_rows(rows, batch.size());
  Bytes out({static_cast<py::ssize_t>(chosen.size()), py::ssize_t{batch.state_bytes()}});
  batch.get_state(chosen, std::as_writable_bytes(
                              std::span(out.mutable_data(), static_cast<std::size_t>(out.size()))));
  return out;
}

void set_state(VectorEnv& env, const std::optional<Rows>& rows, const Bytes& states) {
  auto& batch = env.batch();
  const auto chosen = chosen_rows(rows, batch.size());
  const std::vector<py::ssize_t> expected{static_cast<py::ssize_t>(chosen.size()),
                                          batch.state_bytes()};
  require(states.ndim() == 2 && states.shape(0) == expected[0] && states.shape(1) == expected[1],
          "set_state: states has shape ", shape_text(states.shape(), states.ndim()), ", expected ",
          shape_text(expected), "; nothing was set");
  batch.set_state(chosen, std::as_bytes(contents<std::uint8_t>(states)));
}

py::array get_physics(VectorEnv& env, Index row) {
  auto& batch = env.batch();
  require(row >= 0 && row < batch.size(), "row is ", row, "; accepted: 0 to ", batch.size() - 1);
  Numbers out(batch.physics_size());
  batch.get_physics(row, std::span(out.mutable_data(), static_cast<std::size_t>(out.size())));
  return out;
}

void set_physics(VectorEnv& env, Index row, const Numbers& values) {
  auto& batch = env.batch();
  require(row >= 0 && row < batch.size(), "row is ", row, "; accepted: 0 to ", batch.size() - 1);
  batch.set_physics(row, contents<double>(values));
}

void set_goal(VectorEnv& env, Index row, const Numbers& goal) {
  env.batch().set_goal(row, contents<double>(goal));
}

/// `achieved` and `desired` are [rows, goal width].
template <class T, class Function>
py::array_t<T> judge(VectorEnv& env, const Numbers& achieved, const Numbers& desired,
                     Function function) {
  py::array_t<T> out(achieved.shape(0));
  const std::span<T> results(out.mutable_data(), static_cast<std::size_t>(out.size()));
  const auto a = contents<double>(achieved), d = contents<double>(desired);
  env.run_unlocked([&](const envs::AnyBatch& batch) { function(batch, a, d, results); });
  return out;
}

std::unique_ptr<VectorEnv> make(const std::string& id, Index num_envs, std::uint64_t seed,
                                int threads, const std::string& autoreset,
                                std::optional<Index> time_limit, bool copy,
                                const envs::Keywords& keywords,
                                const std::vector<NamedWrapper>& wrappers) {
  const envs::BatchOptions options{.size = num_envs,
                                   .autoreset = autoreset_mode(autoreset),
                                   .threads = Threads(threads),
                                   .seed = seed,
                                   .time_limit = time_limit};
  return std::make_unique<VectorEnv>(envs::make(id, options, keywords, to_wrappers(wrappers)),
                                     copy);
}

py::array get_statistics(VectorEnv& env) {
  auto& batch = env.batch();
  Numbers out(batch.shared_size());
  batch.get_shared(std::span(out.mutable_data(), static_cast<std::size_t>(out.size())));
  return out;
}

void set_statistics(VectorEnv& env, const Numbers& values) {
  env.batch().set_shared(contents<double>(values));
}

/// How many episodes there were; returns, lengths and seconds of the last ones.
py::tuple recorded_episodes(VectorEnv& env) {
  const envs::EpisodeRecord record = envs::recorded_episodes(env.batch());
  const auto count = static_cast<py::ssize_t>(record.last.size());
  py::array_t<double> returns(count), seconds(count);
  py::array_t<Index> lengths(count);
  for (py::ssize_t e = 0; e < count; ++e) {
    const auto& episode = record.last[static_cast<std::size_t>(e)];
    returns.mutable_at(e) = episode.episode_return;
    lengths.mutable_at(e) = episode.episode_length;
    seconds.mutable_at(e) = episode.seconds;
  }
  return py::make_tuple(record.episodes, returns, lengths, seconds);
}

}  // namespace

VectorEnv::VectorEnv(std::unique_ptr<envs::AnyBatch> batch, bool copy)
    : batch_(std::move(batch)),
      copy_(copy),
      discrete_(batch_->spec().action.kind == Space::Kind::kDiscrete),
      action_dtype_(to_dtype(discrete_ ? DType::kInt64 : DType::kFloat32)),
      action_shape_(batch_shape(batch_->size(), batch_->spec().action)) {
  const auto& columns = batch_->columns();
  const py::ssize_t n = batch_->size();
  const auto observation = make_observation(columns.observation, batch_);
  const auto info = make_info(batch_);
  step_views_ = py::make_tuple(observation, view(DType::kFloat64, {n}, columns.reward, batch_),
                               view(DType::kBool, {n}, columns.terminated, batch_),
                               view(DType::kBool, {n}, columns.truncated, batch_), info);
  reset_views_ = py::make_tuple(observation, info);
}

/// A column of observations: one array, or the parts of a goal task's rows as a dict of arrays.
py::object VectorEnv::make_observation(void* column, const std::shared_ptr<void>& owner) const {
  const auto& spec = batch_->spec();
  const Space& space = spec.observation;
  const py::ssize_t n = batch_->size();
  if (!spec.goal) {
    return view(space.dtype, batch_shape(n, space), column, owner);
  }
  const auto element = static_cast<py::ssize_t>(size_of(space.dtype));
  const auto row = static_cast<py::ssize_t>(space.bytes());
  py::dict parts;
  auto* first = static_cast<std::byte*>(column);
  for (const auto& [name, width] : {std::pair("observation", spec.goal->observation),
                                    std::pair("achieved_goal", spec.goal->achieved),
                                    std::pair("desired_goal", spec.goal->desired)}) {
    parts[name] = view(space.dtype, {n, width}, {row, element}, first, owner);
    first += width * element;
  }
  return parts;
}

py::dict VectorEnv::make_info(const std::shared_ptr<void>& owner) const {
  const auto& columns = batch_->columns();
  const auto& spec = batch_->spec();
  const py::ssize_t n = batch_->size();
  py::dict info;
  info["final_obs"] = make_observation(columns.final_observation, owner);
  info["reset"] = view(DType::kBool, {n}, columns.reset, owner);
  info["status"] = view(DType::kUint8, {n}, columns.status, owner);
  info["episode_return"] = view(DType::kFloat64, {n}, columns.episode_return, owner);
  info["episode_length"] = view(DType::kInt64, {n}, columns.episode_length, owner);
  const auto width = static_cast<py::ssize_t>(spec.info.size() * sizeof(double));
  for (std::size_t i = 0; i < spec.info.size();) {
    const std::string& first = spec.info[i];
    const std::string name = first.substr(0, first.find('['));
    const bool array = name != first;
    std::size_t count = 1;
    while (array && i + count < spec.info.size() && spec.info[i + count].starts_with(name + "[")) {
      ++count;
    }
    std::vector<py::ssize_t> shape{n}, strides{width};
    if (array) {
      shape.push_back(static_cast<py::ssize_t>(count));
      strides.push_back(sizeof(double));
    }
    info[py::str(name)] = view(DType::kFloat64, shape, strides, columns.info + i, owner);
    i += count;
  }
  return info;
}

void VectorEnv::close() {
  if (batch_ != nullptr) {
    batch();  // refuses while another thread is inside
    step_views_ = py::tuple();
    reset_views_ = py::tuple();
    batch_.reset();
  }
}

void bind_vector_env(py::module_& module) {
  py::class_<VectorEnv> vector_env(module, "VectorEnv");
  vector_env
      .def(py::init(&make), py::arg("id"), py::arg("num_envs"), py::kw_only(), py::arg("seed") = 0,
           py::arg("threads") = 0, py::arg("autoreset_mode") = "NextStep",
           py::arg("time_limit") = std::nullopt, py::arg("copy") = false,
           py::arg("keywords") = envs::Keywords{},
           py::arg("wrappers") = std::vector<NamedWrapper>{})
      .def(
          "_reset",
          [](VectorEnv& env, const std::optional<Seeds>& seeds, const std::optional<Mask>& mask,
             const envs::Keywords& options) {
            std::span<const std::uint8_t> rows;
            if (mask) {
              rows = {reinterpret_cast<const std::uint8_t*>(mask->data()),
                      static_cast<std::size_t>(mask->size())};
            }
            return env.reset(
                seeds ? contents<std::uint64_t>(*seeds) : std::span<const std::uint64_t>{}, rows,
                options);
          },
          py::arg("seeds"), py::arg("mask"), py::arg("options") = envs::Keywords{})
      .def("_columns", &VectorEnv::columns)
      .def("get_state", &get_state, py::arg("rows") = std::nullopt)
      .def("set_state", &set_state, py::arg("rows"), py::arg("states"))
      .def("get_physics", &get_physics, py::arg("row"))
      .def("set_physics", &set_physics, py::arg("row"), py::arg("values"))
      .def("get_statistics", &get_statistics)
      .def("set_statistics", &set_statistics, py::arg("values"))
      .def("_recorded_episodes", &recorded_episodes)
      .def("_render", &VectorEnv::render, py::arg("row"))

      .def("set_goal", &set_goal, py::arg("row"), py::arg("goal"))
      .def("_compute_reward",
           [](VectorEnv& env, const Numbers& achieved, const Numbers& desired) {
             return judge<double>(env, achieved, desired, [](auto& batch, auto... goals) {
               batch.compute_reward(goals...);
             });
           })
      .def("_compute_terminated",
           [](VectorEnv& env, const Numbers& achieved, const Numbers& desired) {
             return judge<std::uint8_t>(env, achieved, desired, [](auto& batch, auto... goals) {
               batch.compute_terminated(goals...);
             });
           })
      .def("close", &VectorEnv::close)
      .def_property_readonly("closed", &VectorEnv::closed)
      .def_property_readonly("native_spec", [](VectorEnv& e) { return e.batch().spec(); })
      .def_property_readonly("num_envs", [](VectorEnv& e) { return e.batch().size(); })
      .def_property_readonly("state_bytes", [](VectorEnv& e) { return e.batch().state_bytes(); })
      .def_property_readonly("physics_size", [](VectorEnv& e) { return e.batch().physics_size(); })
      .def_property_readonly("position_size",
                             [](VectorEnv& e) { return e.batch().position_size(); })
      .def_property_readonly("threads",
                             [](VectorEnv& e) { return e.batch().options().threads.count(); })
      .def_property_readonly(
          "autoreset_mode",
          [](VectorEnv& e) { return name_of_mode(e.batch().options().autoreset); })
      .def_property_readonly("copies", &VectorEnv::copies);

  // The table entry must outlive the type.
  static PyMethodDef step{"step", step_function, METH_O,
                          "step(actions)\n--\n\nAdvance every environment by one step."};
  auto* type = reinterpret_cast<PyTypeObject*>(vector_env.ptr());
  vector_env.attr("step") = py::reinterpret_steal<py::object>(PyDescr_NewMethod(type, &step));
}

}  // namespace palaestra::python
