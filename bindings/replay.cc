// palaestra._palaestra.ReplayBuffer: what Python sees of it.

#include <palaestra/bindings/replay_buffer.h>
#include <palaestra/replay/diagnostics.h>

namespace palaestra::python {
namespace {

using replay::PriorityKind;
using replay::SampleRequest;

constexpr std::pair<const char*, PriorityKind> kPriorities[] = {
    {"none", PriorityKind::kNone},
    {"proportional", PriorityKind::kProportional},
    {"ranked", PriorityKind::kRanked}};

constexpr std::pair<const char*, replay::Removal> kRemovals[] = {
    {"oldest", replay::Removal::kOldest}, {"lowest_priority", replay::Removal::kLowestPriority}};

std::unique_ptr<ReplayBuffer> make(const std::vector<ReplayBuffer::Column>& columns, Index capacity,
                                   Index lanes, Index tail, Index pinned, const std::string& file,
                                   const std::string& priorities, double priority_exponent,
                                   const std::string& removal, std::uint64_t seed, int threads,
                                   bool one_observation) {
  std::vector<replay::ColumnSpec> specs;
  specs.reserve(columns.size());
  for (const auto& [name, dtype, shape, state] : columns) {
    specs.push_back({name, from_dtype(dtype, "ReplayBuffer"), shape, state});
  }
  return std::make_unique<ReplayBuffer>(
      std::move(specs),
      replay::BufferOptions{
          .capacity = capacity,
          .lanes = lanes,
          .tail = tail,
          .pinned = pinned,
          .file = file,
          .priorities = named(kPriorities, priorities, "ReplayBuffer: priorities"),
          .priority_exponent = priority_exponent,
          .removal = named(kRemovals, removal, "ReplayBuffer: removal"),
          .threads = Threads(threads)},
      seed, one_observation);
}

py::dict sample(ReplayBuffer& buffer, Index rows, const std::string& selection, Index recent,
                Index n_step, double discount, double importance_exponent, const std::string& scale,
                bool stratified, bool stored) {
  const Selection chosen = named(kSelections, selection, "ReplayBuffer.sample: selection");
  return buffer.sample({{.rows = rows,
                         .selection = chosen.value_or(replay::Selection::kUniform),
                         .recent = recent,
                         .n_step = n_step,
                         .discount = discount,
                         .importance_exponent = importance_exponent,
                         .scale = named(kScales, scale, "ReplayBuffer.sample: weight_scale"),
                         .stratified = stratified},
                        !chosen.has_value()},
                       stored);
}

py::tuple draw(ReplayBuffer& buffer, Index rows, const std::string& selection, Index recent,
               double importance_exponent, const std::string& scale, bool stratified) {
  const Selection chosen = named(kSelections, selection, "ReplayBuffer.draw: selection");
  return buffer.draw({{.rows = rows,
                       .selection = chosen.value_or(replay::Selection::kUniform),
                       .recent = recent,
                       .importance_exponent = importance_exponent,
                       .scale = named(kScales, scale, "ReplayBuffer.draw: weight_scale"),
                       .stratified = stratified},
                      !chosen.has_value()});
}

GivenSteps given(const py::dict& columns, const Flags& terminated, const Flags& truncated,
                 const std::optional<Flags>& skip, const py::dict& next, const py::dict& last,
                 const std::optional<Priorities>& priority) {
  return {columns, terminated, truncated, skip, next, last, priority};
}

}  // namespace

std::vector<Index> shape_of(const ReplayBuffer& buffer, std::string_view column) {
  const auto& specs = buffer.idle().storage().columns();
  return specs[replay::find_column(specs, column, "ReplayBuffer")].shape;
}

replay::SampleRequest request_of(const ReplayBuffer& buffer, const py::dict& options, Index rows,
                                 const std::string& caller) {
  const bool by_priority = buffer.idle().options().priorities != PriorityKind::kNone;
  replay::SampleRequest request{
      .rows = rows,
      .selection = by_priority ? replay::Selection::kPriority : replay::Selection::kUniform};
  for (const auto& [key, value] : options) {
    const auto name = py::cast<std::string>(key);
    if (name == "selection") {
      if (value.is_none()) continue;
      const auto text = py::cast<std::string>(value);
      const Selection chosen = named(kSelections, text, caller + ": selection");
      require(chosen.has_value(), caller, ": selection is \"epoch\", which only sample() knows");
      request.selection = *chosen;
    } else if (name == "recent") {
      request.recent = py::cast<Index>(value);
    } else if (name == "n_step") {
      request.n_step = py::cast<Index>(value);
    } else if (name == "discount") {
      request.discount = py::cast<double>(value);
    } else if (name == "importance_exponent") {
      request.importance_exponent = py::cast<double>(value);
    } else if (name == "weight_scale") {
      request.scale = named(kScales, py::cast<std::string>(value), caller + ": weight_scale");
    } else if (name == "stratified") {
      request.stratified = py::cast<bool>(value);
    } else {
      throw UserError(concat(caller, ": there is no argument \"", name,
                             "\"; accepted: selection, recent, n_step, discount, "
                             "importance_exponent, weight_scale, stratified"));
    }
  }
  return request;
}

void bind_replay(py::module_& module) {
  module.def(
      "effective_sample_size",
      [](const py::array_t<double, py::array::c_style | py::array::forcecast>& weights) {
        return replay::effective_sample_size(
            std::span<const double>(weights.data(), static_cast<std::size_t>(weights.size())));
      },
      py::arg("weights"));
  py::class_<ReplayBuffer> type(module, "ReplayBuffer");
  type.def(py::init(&make), py::arg("columns"), py::arg("capacity"), py::arg("lanes"),
           py::arg("tail"), py::arg("pinned"), py::arg("file"), py::arg("priorities"),
           py::arg("priority_exponent"), py::arg("removal"), py::arg("seed"), py::arg("threads"),
           py::arg("one_observation"))
      .def("_add",
           [](ReplayBuffer& b, const py::dict& columns, const Flags& terminated,
              const Flags& truncated, const std::optional<Flags>& skip, const py::dict& next,
              const py::dict& last, const std::optional<Priorities>& priority) {
             b.add(given(columns, terminated, truncated, skip, next, last, priority));
           })
      .def("_extend",
           [](ReplayBuffer& b, Index lane, const py::dict& columns, const Flags& terminated,
              const Flags& truncated, const py::dict& after,
              const std::optional<Priorities>& priority) {
             b.extend(lane, given(columns, terminated, truncated, {}, after, after, priority));
           })
      .def("_pin",
           [](ReplayBuffer& b, const py::dict& columns, const Flags& terminated,
              const Flags& truncated, const py::dict& after,
              const std::optional<Priorities>& priority) {
             b.pin(given(columns, terminated, truncated, {}, after, after, priority));
           })
      .def("write", &ReplayBuffer::write, py::arg("column"), py::arg("index"), py::arg("values"))
      .def(
          "cut", [](ReplayBuffer& b, Index lane) { b.idle().cut(lane); }, py::arg("lane"))
      .def("mark", [](ReplayBuffer& b) { b.idle().mark(); })
      .def("roll_back", [](ReplayBuffer& b) { b.idle().roll_back(); })
      .def_property_readonly("marked",
                             [](const ReplayBuffer& b) { return b.idle().storage().marked(); });
  type.def("_sample", &sample)
      .def("_draw", &draw)
      .def("_gather",
           [](const ReplayBuffer& b, const Ids& ids, Index n_step, double discount, bool stored) {
             return b.gather(ids, {n_step, discount}, stored);
           })
      .def("update_priorities", &ReplayBuffer::update_priorities, py::arg("index"),
           py::arg("priorities"))
      .def("weights", &ReplayBuffer::weights, py::arg("index"))
      .def("_read", &ReplayBuffer::read)
      .def("column", &ReplayBuffer::column, py::arg("name"))
      .def("ids", &ReplayBuffer::ids)
      .def("slots", &ReplayBuffer::slots, py::arg("index") = py::none())
      .def("_episodes", &ReplayBuffer::episodes)
      .def("_save", [](ReplayBuffer& b, const std::string& file) { b.save(file); })
      .def("_load", [](ReplayBuffer& b, const std::string& file) { b.load(file); });
  type.def("__len__", [](const ReplayBuffer& b) { return b.idle().size(); })
      .def_property_readonly("capacity", [](const ReplayBuffer& b) { return b.idle().capacity(); })
      .def_property_readonly("lanes",
                             [](const ReplayBuffer& b) { return b.idle().options().lanes; })
      .def_property_readonly("priorities", [](const ReplayBuffer& b) -> std::optional<std::string> {
        const PriorityKind kind = b.idle().options().priorities;
        for (const auto& [name, value] : kPriorities) {
          if (value == kind && kind != PriorityKind::kNone) {
            return name;
          }
        }
        return std::nullopt;
      });
  bind_replay_groups(type);
  bind_replay_diagnostics(type);
  bind_replay_load(type);
  bind_replay_windows(module);
  bind_replay_follow(module);
  bind_replay_relabel(module);
  bind_replay_mixture(module);
}

}  // namespace palaestra::python
