#include <palaestra/agents/doc/task.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>

#include <palaestra/core/error.h>
#include <palaestra/replay/as_float.h>

namespace palaestra::agents::doc {

namespace {

constexpr double kSmallestDeviation = 1e-2;
constexpr Index kMostOutcomes = 4096;

/// Mean and deviation of numbers that come one row at a time.
class Moments {
 public:
  explicit Moments(Index width) : sum_(as_size(width)), squares_(as_size(width)) {}

  void add(std::span<const float> x) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      sum_[i] += double{x[i]};
      squares_[i] += double{x[i]} * double{x[i]};
    }
    ++rows_;
  }

  Scale scale() const {
    Scale scale;
    const auto n = static_cast<double>(rows_);
    for (std::size_t i = 0; i < sum_.size(); ++i) {
      const double mean = sum_[i] / n;
      const double variance = std::max(squares_[i] / n - mean * mean, 0.0);
      scale.mean.push_back(static_cast<float>(mean));
      scale.deviation.push_back(
          static_cast<float>(std::max(std::sqrt(variance), kSmallestDeviation)));
    }
    return scale;
  }

 private:
  std::vector<double> sum_, squares_;
  Index rows_ = 0;
};

/// Reads one column of a record as floats.
struct Reader {
  std::size_t offset;
  DType dtype;
  std::vector<float> value;

  Reader(const replay::Storage& data, std::string_view name, Index width) {
    const std::size_t i = replay::find_column(data.columns(), name, "doc");
    const replay::ColumnSpec& column = data.columns()[i];
    require(column.width() == width, "doc: column \"", name, "\" has ", column.width(),
            " numbers per row, the space has ", width);
    offset = data.layout().offset[i];
    dtype = column.dtype;
    value.resize(as_size(width));
  }

  const std::vector<float>& read(const std::byte* record) {
    replay::copy_as_float(dtype, record + offset, value.data(), std::ssize(value));
    return value;
  }
};

void require_numbers(std::span<const float> values, std::string_view name) {
  for (const float x : values) {
    require(std::isfinite(x), "doc: column \"", name, "\" holds ", x, "; accepted: finite numbers");
  }
}

/// A number of a choice, below `count`.
Index choice(float x, Index count, std::string_view name) {
  const auto number = static_cast<Index>(x);
  require(x >= 0 && number < count && static_cast<float>(number) == x, "doc: column \"", name,
          "\" holds ", x, "; accepted: whole numbers from 0 to ", count - 1);
  return number;
}

void one_hot(float x, std::span<float> out, std::string_view name) {
  const Index number = choice(x, std::ssize(out), name);
  std::fill(out.begin(), out.end(), 0.0f);
  out[as_size(number)] = 1;
}

void standardise(std::span<const float> x, const Scale& scale, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = scale.to(x[i], i);
}

void require_space(const Space& space, std::string_view what) {
  require(space.kind != Space::Kind::kDiscrete || space.count >= 1, "doc: the ", what, " space is ",
          to_string(space), "; it has nothing to choose from");
}

void save_scale(const Scale& scale, ArchiveWriter& archive, const std::string& name) {
  if (scale.size() == 0) return;
  archive.put(name + ".mean", scale.mean);
  archive.put(name + ".deviation", scale.deviation);
}

Scale load_scale(const ArchiveReader& archive, const std::string& name, Index width) {
  Scale scale;
  scale.mean.resize(as_size(width));
  scale.deviation.resize(as_size(width));
  if (width == 0) return scale;
  archive.get(name + ".mean", scale.mean);
  archive.get(name + ".deviation", scale.deviation);
  require_numbers(scale.mean, name);
  for (const float x : scale.deviation) {
    require(std::isfinite(x) && x > 0, "doc: block \"", name, ".deviation\" holds ", x,
            "; accepted: above 0");
  }
  return scale;
}

}  // namespace

Index Outcomes::find(const Outcome& wanted) const {
  const auto found = std::lower_bound(outcome.begin(), outcome.end(), wanted);
  require(found != outcome.end() && *found == wanted, "doc: the reward ", wanted.reward,
          " with next state ", wanted.next, " does not occur in the data of the task");
  return found - outcome.begin();
}

void Task::encode_observation(std::span<const float> x, std::span<float> out) const {
  if (counts_states()) {
    one_hot(x[0], out, "observation");
  } else {
    standardise(x, observation_scale, out);
  }
}

void Task::encode_action(std::span<const float> x, std::span<float> out) const {
  if (counts_actions()) {
    one_hot(x[0], out, "action");
  } else {
    standardise(x, action_scale, out);
  }
}

void encode_observations(const Task& task, std::span<const float> observations, Index rows,
                         std::span<float> out) {
  const auto stored = as_size(task.observation.size()), width = as_size(task.observation_width());
  for (std::size_t row = 0; row < as_size(rows); ++row) {
    task.encode_observation(observations.subspan(row * stored, stored),
                            out.subspan(row * width, width));
  }
}

void decode_actions(const Task& task, std::span<const float> head, std::span<float> out) {
  if (task.counts_actions()) {
    std::copy(head.begin(), head.end(), out.begin());
    return;
  }
  const auto width = as_size(task.action_width());
  for (std::size_t i = 0; i < head.size(); ++i) {
    out[i] = task.action_scale.from(head[i], i % width);
  }
}

Task task_of(const replay::Storage& data, const Space& observation, const Space& action) {
  require_space(observation, "observation");
  require_space(action, "action");
  require(data.size() >= 1, "doc: the data hold no rows that can be drawn");
  Task task{.observation = observation, .action = action};
  Reader states(data, "observation", observation.size());
  Reader next(data, "observation", observation.size());
  Reader actions(data, "action", action.size());
  Reader rewards(data, "reward", 1);
  Reader returns(data, kReturnColumn, 1);
  Moments state_moments(observation.size()), action_moments(action.size());
  Moments reward_moments(1), return_moments(1);
  std::map<Outcomes::Outcome, Index> counts;
  task.best_return = -std::numeric_limits<double>::infinity();
  Index lane = -1;
  bool begins = true;
  for (Index k = 0; k < data.size(); ++k) {
    const replay::Storage::Place place = data.locate(k);
    const std::byte* record = data.record(data.slot_of(place));
    begins = begins || place.lane != lane;
    const auto& s = states.read(record);
    const auto& a = actions.read(record);
    const auto& after = next.read(data.next_states(place));
    const float reward = rewards.read(record)[0];
    require_numbers(s, "observation");
    require_numbers(after, "observation");
    require_numbers(a, "action");
    require_numbers({&reward, 1}, "reward");
    require_numbers(returns.read(record), kReturnColumn);
    if (task.counts_actions()) choice(a[0], action.count, "action");
    if (task.counts_states()) {
      choice(s[0], observation.count, "observation");
      if (std::ssize(counts) <= kMostOutcomes) {
        ++counts[{reward, choice(after[0], observation.count, "observation")}];
      }
    }
    state_moments.add(s);
    action_moments.add(a);
    reward_moments.add({&reward, 1});
    return_moments.add(returns.value);
    if (begins) task.best_return = std::max(task.best_return, double{returns.value[0]});
    lane = place.lane;
    begins = data.link(data.slot_of(place)).ends();
  }
  if (!task.counts_states()) task.observation_scale = state_moments.scale();
  if (!task.counts_actions()) task.action_scale = action_moments.scale();
  task.reward_scale = reward_moments.scale();
  task.return_scale = return_moments.scale();
  if (std::ssize(counts) <= kMostOutcomes) {
    for (const auto& [outcome, count] : counts) {
      task.outcomes.outcome.push_back(outcome);
      task.outcomes.log_share.push_back(static_cast<float>(
          std::log(static_cast<double>(count) / static_cast<double>(data.size()))));
    }
  }
  return task;
}

void Task::save(ArchiveWriter& archive, std::string_view prefix) const {
  archive.put_text(concat(prefix, "observation"), to_string(observation));
  archive.put_text(concat(prefix, "action"), to_string(action));
  save_scale(observation_scale, archive, concat(prefix, "observation_scale"));
  save_scale(action_scale, archive, concat(prefix, "action_scale"));
  save_scale(reward_scale, archive, concat(prefix, "reward_scale"));
  save_scale(return_scale, archive, concat(prefix, "return_scale"));
  archive.put_scalar(concat(prefix, "best_return"), best_return);
  archive.put_scalar(concat(prefix, "outcomes"), outcomes.size());
  if (outcomes.size() == 0) return;
  std::vector<float> reward;
  std::vector<Index> state;
  for (const Outcomes::Outcome& outcome : outcomes.outcome) {
    reward.push_back(outcome.reward);
    state.push_back(outcome.next);
  }
  archive.put(concat(prefix, "outcomes.reward"), reward);
  archive.put(concat(prefix, "outcomes.next"), state);
  archive.put(concat(prefix, "outcomes.log_share"), outcomes.log_share);
}

Task Task::load(const ArchiveReader& archive, std::string_view prefix, const Space& observation,
                const Space& action) {
  Task task{.observation = observation, .action = action};
  for (const auto& [name, space] : {std::pair{"observation", observation}, {"action", action}}) {
    const std::string stored = archive.get_text(concat(prefix, name));
    require(stored == to_string(space), "doc: the saved ", name, " space is ", stored, ", not ",
            to_string(space));
  }
  const auto scale = [&](std::string_view name, Index width) {
    return load_scale(archive, concat(prefix, name), width);
  };
  task.observation_scale =
      scale("observation_scale", task.counts_states() ? 0 : observation.size());
  task.action_scale = scale("action_scale", task.counts_actions() ? 0 : action.size());
  task.reward_scale = scale("reward_scale", 1);
  task.return_scale = scale("return_scale", 1);
  task.best_return = archive.get_double(concat(prefix, "best_return"));
  require(std::isfinite(task.best_return), "doc: \"", prefix, "best_return\" is ", task.best_return,
          "; accepted: a finite number");
  const Index count = archive.get_index(concat(prefix, "outcomes"));
  require(count >= 0 && count <= kMostOutcomes && (count == 0 || task.counts_states()), "doc: \"",
          prefix, "outcomes\" is ", count, "; accepted: 0 to ", kMostOutcomes,
          ", and 0 where states are not counted");
  if (count == 0) return task;
  std::vector<float> reward(as_size(count));
  std::vector<Index> state(as_size(count));
  task.outcomes.log_share.resize(as_size(count));
  archive.get(concat(prefix, "outcomes.reward"), reward);
  archive.get(concat(prefix, "outcomes.next"), state);
  archive.get(concat(prefix, "outcomes.log_share"), task.outcomes.log_share);
  require_numbers(reward, concat(prefix, "outcomes.reward"));
  require_numbers(task.outcomes.log_share, concat(prefix, "outcomes.log_share"));
  for (std::size_t i = 0; i < reward.size(); ++i) {
    require(state[i] >= 0 && state[i] < observation.count, "doc: \"", prefix,
            "outcomes.next\" holds ", state[i], "; accepted: 0 to ", observation.count - 1);
    const Outcomes::Outcome outcome{reward[i], state[i]};
    require(i == 0 || task.outcomes.outcome.back() < outcome, "doc: \"", prefix,
            "outcomes\" are not in ascending order");
    task.outcomes.outcome.push_back(outcome);
  }
  return task;
}

}  // namespace palaestra::agents::doc
