#include <palaestra/benchmarks/envs.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <type_traits>

#include <palaestra/core/random.h>
#include <palaestra/envs/classic/acrobot.h>
#include <palaestra/envs/classic/cart_pole.h>
#include <palaestra/envs/classic/mountain_car.h>
#include <palaestra/envs/classic/mountain_car_continuous.h>
#include <palaestra/envs/classic/pendulum.h>
#include <palaestra/envs/registry.h>
#include <palaestra/envs/stochastic/bernoulli_bandit.h>
#include <palaestra/envs/stochastic/frozen_lake.h>
#include <palaestra/envs/stochastic/frozen_lake8x8.h>
#include <palaestra/envs/stochastic/gambling.h>
#include <palaestra/envs/stochastic/leaky_two_step.h>
#include <palaestra/envs/stochastic/rare_jackpot.h>

namespace palaestra::benchmarks {
namespace {

constexpr Purpose kPurpose = purpose("benchmarks/envs");
constexpr int kBlocks = 32;                // different action blocks, used in turn
constexpr Index kStepsPerBurst = 1 << 18;  // environment steps: some 10 ms

/// Random actions for n rows, `kBlocks` times over.
template <class Action>
std::vector<Action> random_blocks(const Space& space, Index n) {
  std::vector<Action> actions(static_cast<std::size_t>(kBlocks * n));
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
        actions_(random_blocks<Action>(batch_->spec().action, n)) {}

  void step() {
    const auto n = static_cast<std::size_t>(batch_->size());
    batch_->step(std::span<const Action>(actions_).subspan(at_ * n, n));
    at_ = (at_ + 1) % kBlocks;
  }

 private:
  std::unique_ptr<envs::AnyBatch> batch_;
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
    const typename E::Action* action = &actions_[at_ * rows_.size()];
    typename E::Observation* out = observations_.data();
    for (Row& row : rows_) {
      const envs::Transition t = env_.step(row.state, {action++, 1}, random_of(row));
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
  std::size_t width_, at_ = 0;
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

template <class E>
Row step_row(const std::string& id, Index n) {
  const std::vector<double> seconds =
      interleave({contender("palaestra", std::make_shared<Lane<typename E::Action>>(id, n, 1), n),
                  contender("plain loop", std::make_shared<Plain<E>>(n), n)},
                 /*rounds=*/15);
  Row row;
  row.name = "envs/" + id + "/step";
  row.value = 1 / seconds[0];
  row.unit = "steps/s";
  row.n = n;
  row.limit = 1 / seconds[1];
  row.limit_name = "plain loop";
  return row;
}

template <class E>
Row threads_row(const std::string& id) {
  constexpr Index kRows = 1 << 16;
  using Clock = std::chrono::steady_clock;
  Lane<typename E::Action> lanes[] = {{id, kRows, 1}, {id, kRows, 2}};
  std::vector<double> wall[2];
  for (int round = 0; round < 17; ++round) {
    for (std::size_t i = 0; i < 2; ++i) {
      const auto start = Clock::now();
      for (int k = 0; k < 6; ++k) {
        lanes[i].step();
      }
      wall[i].push_back(std::chrono::duration<double>(Clock::now() - start).count());
    }
  }
  for (auto& samples : wall) {
    std::nth_element(samples.begin(), samples.begin() + 8, samples.end());
  }
  Row row;
  row.name = "envs/" + id + "/threads2";
  row.value = wall[0][8] / wall[1][8];
  row.unit = "x one thread";
  row.threads = 2;
  row.n = kRows;
  row.limit = 2;
  row.limit_name = "linear";
  return row;
}

}  // namespace

std::vector<Row> bench_envs() {
  using namespace envs;
  return {step_row<CartPole>("CartPole-v1", 1024),
          step_row<CartPole>("CartPole-v1", 16),
          step_row<Pendulum>("Pendulum-v1", 1024),
          step_row<Pendulum>("Pendulum-v1", 16),
          step_row<MountainCar>("MountainCar-v0", 1024),
          step_row<MountainCarContinuous>("MountainCarContinuous-v0", 1024),
          step_row<Acrobot>("Acrobot-v1", 1024),
          step_row<BernoulliBandit>("BernoulliBandit-v0", 1024),
          step_row<FrozenLake>("FrozenLake-v1", 1024),
          step_row<FrozenLake8x8>("FrozenLake8x8-v1", 1024),
          step_row<Gambling>("Gambling-v0", 1024),
          step_row<LeakyTwoStep>("LeakyTwoStep-v0", 1024),
          step_row<RareJackpot>("RareJackpot-v0", 1024),
          threads_row<CartPole>("CartPole-v1"),
          threads_row<Acrobot>("Acrobot-v1")};
}

}  // namespace palaestra::benchmarks
