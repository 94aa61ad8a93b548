#include <palaestra/agents/sequence/history.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::agents::sequence {

History::History(Index rows, Index length, Index observation_width, Index action_width)
    : rows_(rows),
      length_(length),
      observation_{observation_width, {}},
      action_{action_width, {}},
      reward_{1, {}},
      asked_{1, {}} {
  require(rows >= 1 && length >= 1 && observation_width >= 1 && action_width >= 1,
          "History: rows is ", rows, ", length ", length, ", observation_width ", observation_width,
          ", action_width ", action_width, "; accepted: 1 and up");
  steps_.assign(static_cast<std::size_t>(rows), 0);
  newest_.assign(static_cast<std::size_t>(rows), 0.0f);
  for (Column* column : {&observation_, &action_, &reward_, &asked_}) {
    column->values.assign(static_cast<std::size_t>(rows * length * column->width), 0.0f);
  }
}

std::span<float> History::at(Column& column, Index row, Index step) const {
  return std::span(column.values)
      .subspan(static_cast<std::size_t>((row * length_ + step) * column.width),
               static_cast<std::size_t>(column.width));
}

void History::require_row(Index row) const {
  require(row >= 0 && row < rows_, "History: row is ", row, "; accepted: 0 to ", rows_ - 1);
}

void History::begin(Index row) {
  require_row(row);
  steps_[static_cast<std::size_t>(row)] = 0;
  newest_[static_cast<std::size_t>(row)] = 0;
  for (Column* column : {&observation_, &action_, &reward_, &asked_}) {
    for (Index step = 0; step < length_; ++step) std::ranges::fill(at(*column, row, step), 0.0f);
  }
}

void History::forget_oldest(Column& column, Index row) const {
  for (Index step = 1; step < length_; ++step) {
    std::ranges::copy(at(column, row, step), at(column, row, step - 1).begin());
  }
  std::ranges::fill(at(column, row, length_ - 1), 0.0f);
}

void History::set_newest(Column& column, Index row, std::span<const float> values,
                         const char* what) const {
  require_row(row);
  require(std::ssize(values) == column.width, "History: ", what, " has ", values.size(),
          " numbers, expected ", column.width);
  const Index steps = steps_[static_cast<std::size_t>(row)];
  require(steps > 0, "History: ", what, " of row ", row, " before its first observation");
  std::ranges::copy(values, at(column, row, steps - 1).begin());
}

void History::observe(Index row, std::span<const float> observation, float asked) {
  require_row(row);
  require(std::ssize(observation) == observation_.width, "History: observation has ",
          observation.size(), " numbers, expected ", observation_.width);
  Index& steps = steps_[static_cast<std::size_t>(row)];
  if (steps == length_) {
    for (Column* column : {&observation_, &action_, &reward_, &asked_}) {
      forget_oldest(*column, row);
    }
  } else {
    ++steps;
  }
  newest_[static_cast<std::size_t>(row)] = static_cast<float>(steps - 1);
  set_newest(observation_, row, observation, "observation");
  set_newest(asked_, row, {&asked, 1}, "return");
}

void History::act(Index row, std::span<const float> action) {
  set_newest(action_, row, action, "action");
}

void History::reward(Index row, float reward) { set_newest(reward_, row, {&reward, 1}, "reward"); }

void History::save(ArchiveWriter& archive, std::string_view prefix) const {
  archive.put(concat(prefix, "steps"), steps_);
  archive.put(concat(prefix, "observation"), observation_.values);
  archive.put(concat(prefix, "action"), action_.values);
  archive.put(concat(prefix, "reward"), reward_.values);
  archive.put(concat(prefix, "asked"), asked_.values);
}

void History::load(const ArchiveReader& archive, std::string_view prefix) {
  History other(rows_, length_, observation_.width, action_.width);
  archive.get(concat(prefix, "steps"), other.steps_);
  archive.get(concat(prefix, "observation"), other.observation_.values);
  archive.get(concat(prefix, "action"), other.action_.values);
  archive.get(concat(prefix, "reward"), other.reward_.values);
  archive.get(concat(prefix, "asked"), other.asked_.values);
  for (const Column* column :
       {&other.observation_, &other.action_, &other.reward_, &other.asked_}) {
    for (const float x : column->values) {
      require(std::isfinite(x), "History: \"", prefix, "\" holds ", x,
              "; accepted: finite numbers");
    }
  }
  for (std::size_t row = 0; row < other.steps_.size(); ++row) {
    const Index steps = other.steps_[row];
    require(steps >= 0 && steps <= length_, "History: \"", prefix, "steps\" holds ", steps,
            "; accepted: 0 to ", length_);
    other.newest_[row] = static_cast<float>(std::max<Index>(steps - 1, 0));
  }
  // copies: programs have the addresses of the numbers
  steps_ = other.steps_;
  std::ranges::copy(other.newest_, newest_.begin());
  const auto take = [](Column& to, const Column& from) {
    std::ranges::copy(from.values, to.values.begin());
  };
  take(observation_, other.observation_);
  take(action_, other.action_);
  take(reward_, other.reward_);
  take(asked_, other.asked_);
}

}  // namespace palaestra::agents::sequence
