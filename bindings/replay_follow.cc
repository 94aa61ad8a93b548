// palaestra._palaestra.ReturnColumn, ReachedRows: what is kept up to date beside a replay buffer.

#include <palaestra/bindings/replay_follow.h>

#include <algorithm>
#include <limits>
#include <utility>

#include <palaestra/replay/returns.h>

namespace palaestra::python {
namespace {

using BoolArray = py::array_t<bool, py::array::c_style | py::array::forcecast>;

/// Calls a function of Python with goals of that shape, in new arrays.
replay::GoalReached reached_with(const py::function& function, const std::vector<Index>& shape) {
  return [function, shape](std::span<const float> achieved, std::span<const float> goal,
                           std::span<std::uint8_t> reached) {
    const Index rows = std::ssize(reached);
    const auto answer =
        BoolArray::ensure(function(copy_of(achieved, rows, shape), copy_of(goal, rows, shape)));
    if (!answer) {
      PyErr_Clear();
    }
    require(static_cast<bool>(answer) && answer.ndim() == 1 && answer.shape(0) == rows,
            "ReachedRows: reached returned ",
            answer ? concat("an array of shape ", shape_text(answer.shape(), answer.ndim()))
                   : std::string("no array"),
            ", expected [", rows, "]");
    std::copy_n(answer.data(), reached.size(), reached.begin());
  };
}

replay::Remainder remainder_of(const std::optional<double>& value) {
  return value ? replay::Remainder{replay::Remainder::Kind::kValue, *value}
               : replay::Remainder{replay::Remainder::Kind::kInvalid};
}

/// Begins anew when the buffer loads other rows.
class ReturnColumn {
 public:
  ReturnColumn(ReplayBuffer& buffer, std::string column, double discount,
               const std::optional<double>& truncated)
      : buffer_(buffer),
        column_(std::move(column)),
        options_{.discount = discount, .truncated = remainder_of(truncated)},
        loads_(buffer.loads()),
        returns_(fresh()) {}

  Index follow() {
    auto& buffer = buffer_.idle();
    if (loads_ != buffer_.loads()) {
      returns_ = fresh();
      loads_ = buffer_.loads();
    }
    return returns_.follow(buffer);
  }

 private:
  replay::ReturnColumn fresh() const { return {buffer_.idle().storage(), column_, options_}; }

  ReplayBuffer& buffer_;
  std::string column_;
  replay::ReturnOptions options_;
  Index loads_;
  replay::ReturnColumn returns_;
};

}  // namespace

ReachedRows::ReachedRows(ReplayBuffer& buffer, py::function reached, std::string achieved,
                         std::string desired)
    : buffer_(buffer),
      reached_(std::move(reached)),
      achieved_(std::move(achieved)),
      desired_(std::move(desired)),
      loads_(buffer.loads()),
      rows_(fresh()) {}

replay::ReachedRows ReachedRows::fresh() const {
  return {buffer_.idle().storage(),
          {achieved_, desired_},
          reached_with(reached_, shape_of(buffer_, achieved_))};
}

Index ReachedRows::follow() {
  const auto& storage = buffer_.idle().storage();
  if (loads_ != buffer_.loads()) {
    rows_ = fresh();
    loads_ = buffer_.loads();
  }
  const Closed closed(buffer_.busy());
  rows_.follow(storage);
  return rows_.size();
}

py::array ReachedRows::ids() const {
  py::array_t<std::int64_t> out(rows_.size());
  for (Index k = 0; k < rows_.size(); ++k) {
    out.mutable_at(k) = rows_.at(k);
  }
  return out;
}

void bind_replay_follow(py::module_& module) {
  py::class_<ReturnColumn>(module, "ReturnColumn")
      .def(py::init<ReplayBuffer&, std::string, double, const std::optional<double>&>(),
           py::arg("buffer"), py::arg("column"), py::arg("discount"), py::arg("truncated"),
           py::keep_alive<1, 2>())
      .def("follow", &ReturnColumn::follow,
           "Write the returns of the episodes that have closed since the last call; return how "
           "many rows got theirs.");
  py::class_<ReachedRows>(module, "ReachedRows")
      .def(py::init<ReplayBuffer&, py::function, std::string, std::string>(), py::arg("buffer"),
           py::arg("reached"), py::arg("achieved"), py::arg("desired"), py::keep_alive<1, 2>())
      .def("follow", &ReachedRows::follow,
           "Look at the rows that are new since the last call and forget evicted ones; return how "
           "many there are.")
      .def("ids", &ReachedRows::ids,
           "Ids of the rows as of the last call of follow, lane by lane and oldest first.")
      .def("__len__", [](const ReachedRows& reached) { return reached.rows().size(); });
}

}  // namespace palaestra::python
