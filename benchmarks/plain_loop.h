#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include <palaestra/benchmarks/row.h>
#include <palaestra/core/random.h>
#include <palaestra/envs/registry.h>
#include <palaestra/envs/stochastic/tabular_task.h>

/// Batches of environments without an engine beside the same task in a plain loop.
namespace palaestra::benchmarks {

inline constexpr Purpose kPurpose = purpose("benchmarks/envs");
inline constexpr int kBlocks = 32;                // different action blocks, used in turn
inline constexpr Index kStepsPerBurst = 1 << 18;  // environment steps: some 10 ms

/// Random actions for n rows, `kBlocks` times over.
template <class Action>
std::vector<Action> random_blocks(const Space& space, Index n) {
  std::vector<Action> actions(static_cast<std::size_t>(kBlocks * n * space.size()));
  Stream random(1, kPurpose);
  for (Action& action : actions) {
    if constexpr (std::is_same_v<Action, std::int64_t>) {
      action = random.below(space.count);
    } else {
      action = static_cast<float>(random.uniform(space.low[0], space.high[0]));
    }
  }
  return actions;
}

/// A batch of the registry and the actions it is stepped with.
template <class Action>
class Lane {
 public:
  Lane(const std::string& id, Index n, int threads)
      : batch_(envs::make(id, {.size = n, .threads = Threads(threads), .seed = 1})),
        block_(static_cast<std::size_t>(n * batch_->spec().action.size())),
        actions_(random_blocks<Action>(batch_->spec().action, n)) {}

  void step() {
    batch_->step(std::span<const Action>(actions_).subspan(at_ * block_, block_));
    at_ = (at_ + 1) % kBlocks;
  }

 private:
  std::unique_ptr<envs::AnyBatch> batch_;
  std::size_t block_;
  std::vector<Action> actions_;
  std::size_t at_ = 0;
};

/// The same task and actions with nothing around them but the time limit and the observation.
template <class E>
class Plain {
 public:
  Plain(Index n)
      : limit_(env_.spec().time_limit),
        width_(static_cast<std::size_t>(env_.spec().observation.size())),
        action_width_(static_cast<std::size_t>(env_.spec().action.size())),
        rows_(static_cast<std::size_t>(n)),
        observations_(rows_.size() * width_),
        actions_(random_blocks<typename E::Action>(env_.spec().action, n)) {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if constexpr (kOwnStreams) {
        rows_[i].own = Stream(2, kPurpose, i);
      }
      env_.reset(rows_[i].state, random_of(rows_[i]));
    }
  }

  void step() {
    const typename E::Action* action = &actions_[at_ * rows_.size() * action_width_];
    typename E::Observation* out = observations_.data();
    for (Row& row : rows_) {
      const envs::Transition t = env_.step(row.state, {action, action_width_}, random_of(row));
      action += action_width_;
      sum_ += t.reward;
      if (t.terminated || ++row.length >= limit_) {
        env_.reset(row.state, random_of(row));
        row.length = 0;
      }
      env_.observe(row.state, {out, width_});
      out += width_;
    }
    at_ = (at_ + 1) % kBlocks;
  }

 private:
  /// Where every step draws, one stream for all rows would make each wait for the one before.
  static constexpr bool kOwnStreams = std::is_base_of_v<envs::TabularTask, E>;
  struct Nothing {};
  struct Row {
    typename E::State state{};
    Index length = 0;
    [[no_unique_address]] std::conditional_t<kOwnStreams, Stream, Nothing> own{};
  };
  Stream& random_of(Row& row) {
    if constexpr (kOwnStreams) {
      return row.own;
    } else {
      return random_;
    }
  }
  E env_;
  Index limit_;
  std::size_t width_, action_width_, at_ = 0;
  Stream random_{2, kPurpose};
  std::vector<Row> rows_;
  std::vector<typename E::Observation> observations_;
  std::vector<typename E::Action> actions_;
  double sum_ = 0;
};

template <class Runner>
Contender contender(const std::string& name, std::shared_ptr<Runner> runner, Index n) {
  const Index calls = std::max<Index>(1, kStepsPerBurst / n);
  return {name, static_cast<double>(calls * n), [runner, calls] {
            for (Index k = 0; k < calls; ++k) {
              runner->step();
            }
          }};
}

/// Steps of one thread per second beside the plain loop's; `family` is what the row is filed under.
template <class E>
Row step_row(const std::string& family, const std::string& id, Index n) {
  const std::vector<double> seconds =
      interleave({contender("palaestra", std::make_shared<Lane<typename E::Action>>(id, n, 1), n),
                  contender("plain loop", std::make_shared<Plain<E>>(n), n)},
                 /*rounds=*/15);
  Row row;
  row.name = family + "/" + id + "/step";
  row.value = 1 / seconds[0];
  row.unit = "steps/s";
  row.n = n;
  row.limit = 1 / seconds[1];
  row.limit_name = "plain loop";
  return row;
}

}  // namespace palaestra::benchmarks
