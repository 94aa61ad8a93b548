#include <palaestra/rollout/demonstrations.h>

#include <algorithm>
#include <span>
#include <string_view>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <palaestra/rollout/absorbing.h>
#include <palaestra/rollout/observations.h>

namespace palaestra::rollout {
namespace {

constexpr Purpose kFirst = purpose("rollout/demonstrations/first");

constexpr std::uint8_t kNo[] = {0}, kYes[] = {1};

using replay::WeightedReplayBuffer;

std::vector<replay::ColumnSpec> columns_of(const envs::EnvSpec& spec, bool absorbing) {
  const Space observation = learnt_space(spec.observation);
  return replay::transition_columns(absorbing ? absorbing_observation(observation) : observation,
                                    spec.action);
}

/// The data set as it is.
WeightedReplayBuffer load(const TrainingData& data) {
  WeightedReplayBuffer buffer(columns_of(data.spec(), false), {.capacity = data.steps()});
  data.load_into(buffer, /*pinned=*/false);
  return buffer;
}

/// Moves chosen rows of one buffer to another. Each is an episode of its own there, since its
/// neighbours need not be there.
class Mover {
 public:
  Mover(const WeightedReplayBuffer& from, WeightedReplayBuffer& to, const Space& action,
        bool absorbing)
      : from_(from.storage()),
        to_(to),
        absorbing_(absorbing),
        source_bytes_(column(from_, "observation").bytes()),
        observation_(column(to.storage(), "observation").bytes()),
        next_(observation_.size()),
        action_(column(from_, "action").bytes()),
        reward_(column(from_, "reward").bytes()) {
    if (!absorbing) return;
    absorbing_action_ = absorbing_action(action);
    absorbing_state_.assign(observation_.size() / sizeof(float), 0.0f);
    absorbing_state_.back() = 1;
  }

  bool terminates(replay::RowId row) const {
    return from_.link(from_.slot_of(from_.place_of(row))).terminated();
  }

  void move(replay::RowId row) {
    const std::span<const replay::RowId> id(&row, 1);
    const bool terminated = terminates(row);
    // behind the source's bytes is the indicator, 0
    std::ranges::fill(next_, std::byte{0});
    from_.read("observation", id, std::span(observation_).first(source_bytes_));
    from_.read_next("observation", id, std::span(next_).first(source_bytes_));
    from_.read("action", id, action_);
    from_.read("reward", id, reward_);
    if (absorbing_ && terminated) {
      std::ranges::copy(std::as_bytes(std::span(absorbing_state_)), next_.begin());
    }
    append(observation_, action_, reward_, next_, terminated && !absorbing_);
  }

  /// The step from the absorbing state to itself.
  void stay() {
    constexpr float kNoReward[] = {0};
    const auto state = std::as_bytes(std::span(absorbing_state_));
    append(state, std::as_bytes(std::span(absorbing_action_)), std::as_bytes(std::span(kNoReward)),
           state, false);
  }

 private:
  using Bytes = std::span<const std::byte>;

  static const replay::ColumnSpec& column(const replay::Storage& storage, std::string_view name) {
    const auto& columns = storage.columns();
    return columns[replay::find_column(columns, name, "Demonstrations")];
  }

  void append(Bytes observation, Bytes action, Bytes reward, Bytes next, bool terminated) {
    const auto named = [&](std::string_view name, Bytes bytes) {
      const replay::ColumnSpec& spec = column(to_.storage(), name);
      return replay::NamedValues{name, {spec.dtype, bytes.data(), spec.width()}};
    };
    const replay::NamedValues columns[] = {named("observation", observation),
                                           named("action", action), named("reward", reward)};
    const replay::NamedValues last[] = {named("observation", next)};
    to_.extend(0, {.columns = columns,
                   .terminated = terminated ? kYes : kNo,
                   .truncated = terminated ? kNo : kYes,
                   .skip = {},
                   .next = {},
                   .last = last});
  }

  const replay::Storage& from_;
  WeightedReplayBuffer& to_;
  bool absorbing_;
  std::size_t source_bytes_;  // of an observation without indicator
  std::vector<std::byte> observation_, next_, action_, reward_;
  std::vector<float> absorbing_state_, absorbing_action_;
};

}  // namespace

Demonstrations::Demonstrations(const TrainingData& data, const DemonstrationSampling& how,
                               bool absorbing, std::uint64_t seed, Threads threads)
    : how_(how), weight_(static_cast<std::size_t>(how.rows), 1.0f) {
  require(how.rows >= 1 && how.every >= 1, "demonstrations: rows is ", how.rows, ", every is ",
          how.every, "; accepted: 1 and up");
  const WeightedReplayBuffer source = load(data);
  const auto& episodes = source.episodes();
  // one more row per episode for the absorbing state
  const Index room = source.size() + (absorbing ? episodes.size() : 0);
  buffer_ = std::make_unique<WeightedReplayBuffer>(
      columns_of(data.spec(), absorbing),
      replay::BufferOptions{.capacity = room, .threads = threads});
  Mover mover(source, *buffer_, data.spec().action, absorbing);
  for (Index k = 0; k < episodes.size(); ++k) {
    const replay::Episode episode = episodes.at(source.storage(), k);
    const Index length = episode.length();
    const Index first =
        Stream(seed, kFirst, static_cast<std::uint64_t>(k)).below(std::min(how.every, length));
    buffer_->begin_group(/*tag=*/k);
    for (Index i = first; i < length; i += how.every) {
      mover.move(episode.row(i));
      row_weight_.push_back(1);
    }
    if (absorbing && mover.terminates(episode.row(length - 1))) {
      mover.stay();
      row_weight_.push_back(1 / static_cast<float>(how.every));
    }
    buffer_->end_group();
  }
}

const replay::Minibatch& Demonstrations::sample(Stream& random, double discount) {
  minibatch_ = buffer_->sample(random, {.rows = how_.rows,
                                        .selection = replay::Selection::kGroup,
                                        .discount = discount,
                                        .scale = replay::WeightScale::kNone});
  for (std::size_t i = 0; i < weight_.size(); ++i) {
    weight_[i] = row_weight_[static_cast<std::size_t>(replay::sequence_of(minibatch_.index[i]))];
  }
  minibatch_.weight = weight_;
  return minibatch_;
}

}  // namespace palaestra::rollout
