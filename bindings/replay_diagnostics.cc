// palaestra._palaestra.ReplayBuffer: what draws were made of.

#include <palaestra/bindings/replay_buffer.h>
#include <palaestra/replay/diagnostics.h>

namespace palaestra::python {
namespace {

py::array counts(const std::vector<Index>& values) {
  return py::array_t<std::int64_t>(static_cast<py::ssize_t>(values.size()), values.data());
}

py::array group_histogram(const ReplayBuffer& buffer, const Ids& ids) {
  return counts(replay::group_histogram(buffer.idle(), numbers(ids)));
}

py::tuple age_summary(const ReplayBuffer& buffer, const Ids& ids) {
  const replay::AgeSummary ages = replay::age_summary(buffer.idle(), numbers(ids));
  return py::make_tuple(ages.youngest, ages.oldest, ages.mean, ages.median, counts(ages.tenths));
}

py::tuple priority_summary(const ReplayBuffer& buffer) {
  const replay::PrioritySummary summary = replay::priority_summary(buffer.idle());
  return py::make_tuple(summary.rows, summary.never, summary.smallest, summary.largest,
                        summary.mean, summary.effective_rows);
}

}  // namespace

void bind_replay_diagnostics(py::class_<ReplayBuffer>& type) {
  type.def("group_histogram", &group_histogram, py::arg("index"))
      .def("_age_summary", &age_summary)
      .def("_priority_summary", &priority_summary)
      .def("footprint", &ReplayBuffer::footprint)
      .def(
          "set_limit",
          [](ReplayBuffer& b, Index min_size, double samples_per_insert, double slack) {
            b.idle().set_limit({min_size, samples_per_insert, slack});
          },
          py::kw_only(), py::arg("min_size") = 1, py::arg("samples_per_insert") = 0.0,
          py::arg("slack") = 0.0)
      .def_property_readonly("may_sample",
                             [](const ReplayBuffer& b) { return b.idle().may_sample(); })
      .def_property_readonly("may_insert",
                             [](const ReplayBuffer& b) { return b.idle().may_insert(); });
}

}  // namespace palaestra::python
