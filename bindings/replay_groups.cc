// palaestra._palaestra.ReplayBuffer: groups of rows.

#include <palaestra/bindings/replay_buffer.h>

namespace palaestra::python {
namespace {

using replay::GroupWeights;

void set_kind(ReplayBuffer& buffer, const std::string& kind, double discount,
              const std::string& eviction) {
  constexpr std::string_view kCaller = "ReplayBuffer.set_group_weights: ";
  GroupWeights weights;
  if (kind == "equal") {
    weights.kind = GroupWeights::Kind::kEqual;
  } else if (kind == "geometric") {
    weights.kind = GroupWeights::Kind::kGeometric;
  } else {
    throw UserError(concat(kCaller, "weights is \"", kind,
                           "\"; accepted: equal, geometric, or one number for each group"));
  }
  weights.discount = discount;
  if (eviction == "renormalise") {
    weights.eviction = GroupWeights::Eviction::kRenormalise;
  } else {
    require(eviction == "inherit", kCaller, "eviction is \"", eviction,
            "\"; accepted: inherit, renormalise");
  }
  buffer.idle().set_group_weights(weights);
}

using Weights = py::array_t<double, py::array::c_style | py::array::forcecast>;

void set_given(ReplayBuffer& buffer, const Weights& weights) {
  buffer.idle().set_group_weights(
      std::span<const double>(weights.data(), static_cast<std::size_t>(weights.size())));
}

/// Id, tag, rows and probability of each closed group, oldest first.
py::list groups(const ReplayBuffer& buffer) {
  const replay::Groups& groups = buffer.idle().groups();
  py::list result;
  for (Index k = 0; k < groups.size(); ++k) {
    const replay::GroupInfo info = groups.info(k);
    result.append(py::make_tuple(info.id, info.tag, info.rows, groups.probability(k)));
  }
  return result;
}

py::array group_of(const ReplayBuffer& buffer, const Ids& ids) {
  const auto& native = buffer.idle();
  py::array_t<std::int64_t> out(ids.size());
  std::int64_t* to = out.mutable_data();
  for (const replay::RowId id : numbers(ids)) {
    require(native.storage().presence(id) == replay::Storage::Presence::kStored,
            "ReplayBuffer.group_of: row id ", id, " is not stored");
    *to++ = native.groups().group_of(id);
  }
  return out;
}

}  // namespace

void bind_replay_groups(py::class_<ReplayBuffer>& type) {
  type.def(
          "begin_group", [](ReplayBuffer& b, Index tag) { return b.idle().begin_group(tag); },
          py::arg("tag") = 0)
      .def("end_group", [](ReplayBuffer& b) { b.idle().end_group(); })
      .def(
          "drop_group", [](ReplayBuffer& b, Index id) { b.idle().drop_group(id); }, py::arg("id"))
      .def("_set_group_kind", &set_kind)
      .def("_set_group_weights", &set_given)
      .def("_groups", &groups)
      .def("group_of", &group_of, py::arg("index"))
      .def_property_readonly("group_open",
                             [](const ReplayBuffer& b) { return b.idle().groups().open(); });
}

}  // namespace palaestra::python
