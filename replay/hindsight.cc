#include <palaestra/replay/hindsight.h>

#include <algorithm>
#include <limits>

#include <palaestra/core/error.h>
#include <palaestra/replay/neighbours.h>

namespace palaestra::replay {
namespace {

constexpr std::string_view kName = "HindsightSampler";
constexpr std::string_view kSample = "HindsightSampler::sample";
constexpr std::size_t kAhead = 12;      // rows between prefetch and copy
constexpr std::size_t kAtOnce = 1024;   // goals whose lines fit beside the rows in a second cache
constexpr Index kStepsPerBlock = 4096;  // of a parallel block

}  // namespace

HindsightSampler::HindsightSampler(const WeightedReplayBuffer& buffer, Relabel reward,
                                   const GoalColumns& columns)
    : gather_(buffer.storage()),
      achieved_(buffer.storage(), columns.achieved, kName),
      desired_(buffer.storage(), columns.desired, kName),
      reward_(std::move(reward)) {
  require(achieved_.state(), kName, ": column \"", columns.achieved, "\" is no state");
  require(achieved_.width() == desired_.width(), kName, ": column \"", columns.achieved, "\" has ",
          achieved_.width(), " numbers, \"", columns.desired, "\" has ", desired_.width());
  require(static_cast<bool>(reward_), kName, ": no function gives the rewards of new goals");
}

const HindsightBatch& HindsightSampler::sample(const WeightedReplayBuffer& buffer, Stream& random,
                                               const HindsightRequest& request) {
  require_law(request.goals, kSample);
  require_neighbours(buffer.storage(), kSample);
  Stream stream = random;
  buffer.draw(stream, request.choice, draw_);
  draw_goals(buffer.storage(), buffer.episodes(), request.goals, stream, draw_, goals_);
  const HindsightBatch& batch = gather(buffer, request, false);
  random = stream;
  return batch;
}

const HindsightBatch& HindsightSampler::sample_arrivals(const WeightedReplayBuffer& buffer,
                                                        const ReachedRows& reached, Stream& random,
                                                        const HindsightRequest& request) {
  constexpr std::string_view kCaller = "HindsightSampler::sample_arrivals";
  require_law(request.goals, kCaller);
  require_neighbours(buffer.storage(), kCaller);
  require(reached.size() > 0 || request.goals.relabel == 1.0, kCaller,
          ": no stored state satisfies its own goal, so that none can be kept");
  Stream stream = random;
  buffer.draw(stream, request.choice, draw_);
  draw_goals(buffer.storage(), buffer.episodes(), request.goals, stream, draw_, goals_);
  move_to_arrivals(buffer.storage(), reached, stream);
  const HindsightBatch& batch = gather(buffer, request, true);
  random = stream;
  return batch;
}

void HindsightSampler::move_to_arrivals(const Storage& storage, const ReachedRows& reached,
                                        Stream& random) {
  for (std::size_t i = 0; i < draw_.id.size(); ++i) {
    if (goals_.row[i] >= 0) {
      draw_.id[i] = goals_.row[i];
      draw_.slot[i] = goals_.slot[i];
      goals_.offset[i] = 1;
      continue;
    }
    const RowId row = reached.at(random.below(reached.size()));
    require(storage.presence(row) == Storage::Presence::kStored, kName,
            "::sample_arrivals: row id ", row,
            " of those that reached their goal is not stored any more; follow() the buffer");
    draw_.id[i] = row;
    draw_.slot[i] = goals_.slot[i] = storage.slot_of(storage.place_of(row));
  }
  std::fill(draw_.probability.begin(), draw_.probability.end(),
            std::numeric_limits<double>::quiet_NaN());
}

/// The goals of the rows. Their records may be anywhere: they are fetched ahead.
void HindsightSampler::gather_goals(const Storage& storage, bool arrivals) {
  const auto width = static_cast<std::size_t>(achieved_.width());
  const std::size_t rows = draw_.id.size();
  goal_.resize(rows * width);
  relabelled_.resize(rows);
  for (std::size_t i = 0; i < std::min(kAhead, rows); ++i) {
    achieved_.fetch_next(storage, goals_.slot[i]);
  }
  for (std::size_t i = 0; i < rows; ++i) {
    if (i + kAhead < rows) {
      achieved_.fetch_next(storage, goals_.slot[i + kAhead]);
    }
    float* const to = &goal_[i * width];
    relabelled_[i] = goals_.row[i] >= 0 ? 1 : 0;
    if (goals_.row[i] >= 0) {
      achieved_.next(storage, goals_.row[i], goals_.slot[i], to);
    } else if (arrivals && desired_.state()) {
      desired_.next(storage, draw_.id[i], draw_.slot[i], to);
    } else {
      desired_.now(storage, draw_.slot[i], to);
    }
  }
}

/// Calls the function of rewards, and puts back what rows that keep their goal had.
void HindsightSampler::relabel(const StepBatch& steps) {
  stored_reward_.assign(steps.reward.begin(), steps.reward.end());
  stored_discount_.assign(steps.discount.begin(), steps.discount.end());
  reward_(steps);
  for (std::size_t k = 0; k < stored_reward_.size(); ++k) {
    if (relabelled_[static_cast<std::size_t>(steps.row[k])] == 0) {
      steps.reward[k] = stored_reward_[k];
      steps.discount[k] = stored_discount_[k];
    }
  }
}

const HindsightBatch& HindsightSampler::gather(const WeightedReplayBuffer& buffer,
                                               const HindsightRequest& request, bool arrivals) {
  const Storage& storage = buffer.storage();
  const Fold fold{request.choice.n_step, request.choice.discount};
  const Threads threads = buffer.options().threads;
  const auto width = static_cast<std::size_t>(achieved_.width());
  const std::size_t rows = draw_.id.size();
  for (std::size_t i = 0; i < std::min(kAtOnce, rows); ++i) {  // arrive while the rows are copied
    achieved_.fetch_next(storage, goals_.slot[i]);
  }
  StepBatch steps = gather_.begin(storage, draw_, fold, threads, steps_, memory_);
  gather_goals(storage, arrivals);

  const std::size_t count = steps.id.size();
  const bool single = fold.n_step == 1;
  std::vector<float>& before = single ? achieved_goal_ : step_achieved_;
  std::vector<float>& after = single ? next_achieved_goal_ : step_next_achieved_;
  const std::span<const Index> slots = single ? draw_.slot : steps_.draw.slot;
  const std::size_t room = std::max(count, static_cast<std::size_t>(steps_.room));
  for (std::vector<float>* values : {&before, &after, &step_goal_}) {
    values->reserve(room * width);
    values->resize(count * width);
  }
  stored_reward_.reserve(room);
  stored_discount_.reserve(room);
  parallel_for(threads, std::ssize(steps.id), kStepsPerBlock, [&](Index begin, Index end, int) {
    for (auto k = static_cast<std::size_t>(begin); k < static_cast<std::size_t>(end); ++k) {
      achieved_.now(storage, slots[k], &before[k * width]);
      achieved_.next(storage, steps.id[k], slots[k], &after[k * width]);
      if (!single) {
        std::copy_n(&goal_[static_cast<std::size_t>(steps.row[k]) * width], width,
                    &step_goal_[k * width]);
      }
    }
  });
  steps.achieved_goal = before;
  steps.next_achieved_goal = after;
  steps.goal = single ? goal_ : step_goal_;
  relabel(steps);
  gather_.finish(fold, threads, steps_, memory_);
  if (!single) {
    achieved_goal_.resize(rows * width);
    next_achieved_goal_.resize(rows * width);
    for (std::size_t i = 0; i < rows; ++i) {
      const auto first = static_cast<std::size_t>(steps_.begin[i]);
      const std::size_t last = first + static_cast<std::size_t>(memory_.steps[i]) - 1;
      std::copy_n(&before[first * width], width, &achieved_goal_[i * width]);
      std::copy_n(&after[last * width], width, &next_achieved_goal_[i * width]);
    }
  }
  batch_ = {.minibatch = memory_.view(draw_),
            .goal_size = achieved_.width(),
            .goal = goal_,
            .achieved_goal = achieved_goal_,
            .next_achieved_goal = next_achieved_goal_,
            .relabelled = relabelled_,
            .goal_row = goals_.row,
            .offset = goals_.offset};
  return batch_;
}

}  // namespace palaestra::replay
