#include <palaestra/benchmarks/box2d.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/envs/box2d/bipedal_walker.h>
#include <palaestra/envs/box2d/car_racing.h>
#include <palaestra/envs/box2d/lunar_lander.h>
#include <palaestra/envs/registry.h>

namespace palaestra::benchmarks {
namespace {

using namespace envs::box2d;
using envs::Transition;

constexpr Index kRows = 16;
constexpr std::size_t kBlocks = 200;  // different actions for all rows, used in turn
constexpr int kRounds = 15;

/// Random actions for all rows, kBlocks times over.
template <class Action>
std::vector<Action> random_actions(const Space& space) {
  std::vector<Action> actions(kBlocks * static_cast<std::size_t>(kRows * space.size()));
  Stream random(1, purpose("benchmarks/box2d"));
  for (std::size_t k = 0; k < actions.size(); ++k) {
    if constexpr (std::is_same_v<Action, std::int64_t>) {
      actions[k] = random.below(space.count);
    } else {
      const std::size_t element = k % static_cast<std::size_t>(space.size());
      actions[k] = static_cast<float>(random.uniform(space.low[element], space.high[element]));
    }
  }
  return actions;
}

/// What a bare loop does with a world before it lets the engine step: the controls alone.
template <class Action>
void press(const LunarLander<Action>& task, LunarLanderTask::State& s,
           std::span<const Action> action) {
  const auto thrust = task.thrust(action);
  b2Body& hull = s.body(0);
  if (thrust.main > 0.0) {
    hull.ApplyLinearImpulse(13.0f * hull.GetWorldVector(b2Vec2(0.0f, 4.0f / 30.0f)),
                            hull.GetPosition(), true);
  }
  if (thrust.side > 0.0) {
    const auto away = static_cast<float>(-thrust.direction * 12.0 / 30.0);
    hull.ApplyLinearImpulse(0.6f * hull.GetWorldVector(b2Vec2(away, 0.0f)),
                            hull.GetWorldPoint(b2Vec2(0.0f, 14.0f / 30.0f)), true);
  }
}

void press(const BipedalWalker&, BipedalWalker::State& s, std::span<const float> action) {
  std::size_t k = 0;
  for (b2Joint* joint = s.body(0).GetWorld()->GetJointList(); joint != nullptr;
       joint = joint->GetNext(), ++k) {
    auto& hinge = static_cast<b2RevoluteJoint&>(*joint);
    hinge.SetMotorSpeed(action[k] > 0.0f ? 4.0f : -4.0f);
    hinge.SetMaxMotorTorque(80.0f * std::abs(action[k]));
  }
}

void press(const CarRacing<float>& task, CarRacingTask::State& s, std::span<const float> action) {
  s.car().control(task.controls(action));
  s.car().push(task.tuning);
}

b2World& world_of(LunarLanderTask::State& s) { return *s.body(0).GetWorld(); }
b2World& world_of(BipedalWalker::State& s) { return *s.body(0).GetWorld(); }
b2World& world_of(CarRacingTask::State& s) { return *s.car().hull().GetWorld(); }

/// Worlds of a task without a batch, started anew every `limit` steps or where they end.
template <class E, bool kBare>
class Worlds {
 public:
  explicit Worlds(Index limit, E task = {})
      : task_(std::move(task)),
        limit_(limit),
        actions_(random_actions<typename E::Action>(task_.spec().action)) {
    for (Index i = 0; i < kRows; ++i) {
      states_.push_back(std::make_unique<typename E::State>());
      streams_.emplace_back(1, purpose("benchmarks/box2d/worlds"), static_cast<std::uint64_t>(i));
      task_.reset(*states_.back(), streams_.back());
    }
  }
  void step() {
    const auto width = actions_.size() / kBlocks / states_.size();
    const auto* action = &actions_[at_ * width * states_.size()];
    const bool ends = ++length_ >= limit_;
    for (std::size_t i = 0; i < states_.size(); ++i, action += width) {
      auto& state = *states_[i];
      bool over = ends;
      if constexpr (kBare) {
        press(task_, state, std::span<const typename E::Action>(action, width));
        world_of(state).Step(0.02f, kVelocityIterations, kPositionIterations);
      } else {
        over = task_.step(state, {action, width}, streams_[i]).terminated || over;
      }
      if (over) {
        task_.reset(state, streams_[i]);
      }
    }
    length_ = ends ? 0 : length_;
    at_ = (at_ + 1) % kBlocks;
  }
  const E& task() const { return task_; }
  auto& state(std::size_t i) { return *states_[i]; }

 private:
  E task_;
  Index limit_, length_ = 0;
  std::size_t at_ = 0;
  std::vector<std::unique_ptr<typename E::State>> states_;
  std::vector<Stream> streams_;
  std::vector<typename E::Action> actions_;
};

/// A batch of the registry under the same actions.
template <class Action>
class Batched {
 public:
  Batched(const std::string& id, Index limit)
      : batch_(envs::make(id, {.size = kRows,
                               .autoreset = envs::AutoresetMode::kSameStep,
                               .seed = 1,
                               .time_limit = limit})),
        actions_(random_actions<Action>(batch_->spec().action)) {}
  void step() {
    const auto block = actions_.size() / kBlocks;
    batch_->step(std::span<const Action>(actions_).subspan(at_ * block, block));
    at_ = (at_ + 1) % kBlocks;
  }

 private:
  std::unique_ptr<envs::AnyBatch> batch_;
  std::vector<Action> actions_;
  std::size_t at_ = 0;
};

template <class Runner>
Contender contender(const std::string& name, std::shared_ptr<Runner> runner, int calls) {
  return {name, static_cast<double>(calls * kRows), [runner, calls] {
            for (int k = 0; k < calls; ++k) {
              runner->step();
            }
          }};
}

Row against_bare(const std::string& name, const std::vector<double>& seconds) {
  Row row;
  row.name = "box2d/" + name;
  row.value = 1 / seconds[0];
  row.unit = "steps/s";
  row.n = kRows;
  row.limit = 1 / seconds[1];
  row.limit_name = "bare engine";
  return row;
}

/// `limit`: steps of an episode, few enough that random actions seldom end one before.
template <class E>
Row step_row(const std::string& id, Index limit, int calls, E task = {}) {
  return against_bare(
      id + "/step",
      interleave(
          {contender("palaestra", std::make_shared<Batched<typename E::Action>>(id, limit), calls),
           contender("bare engine", std::make_shared<Worlds<E, true>>(limit, task), calls)},
          kRounds));
}

/// The car with its picture, which the bare engine goes without.
Row pixels_row(const std::string& id, int calls) {
  const Index limit = 1000;
  Row row = against_bare(
      id + "/step",
      interleave({contender("palaestra", std::make_shared<Batched<float>>(id, limit), calls),
                  contender("bare engine", std::make_shared<Worlds<CarRacing<float>, true>>(limit),
                            calls)},
                 kRounds));
  row.limit_name = "bare engine, no picture";
  return row;
}

/// One picture of cars that are under way.
Row frame_row(const std::string& id, Index side, bool panel) {
  auto worlds = std::make_shared<Worlds<CarRacing<float>, false>>(1000);
  for (int t = 0; t < 80; ++t) {
    worlds->step();
  }
  CarRacing<float> task;
  task.side = side;
  task.panel = panel;
  std::vector<std::uint8_t> picture(static_cast<std::size_t>(side * side * 3));
  constexpr int kRepeats = 20;
  const auto seconds = interleave({{"palaestra", double{kRepeats} * kRows,
                                    [worlds, task, picture]() mutable {
                                      for (int k = 0; k < kRepeats; ++k) {
                                        for (std::size_t i = 0; i < std::size_t{kRows}; ++i) {
                                          task.observe(worlds->state(i), picture);
                                        }
                                      }
                                    }}},
                                  kRounds);
  Row row;
  row.name = "box2d/" + id + "/frame";
  row.value = 1e6 * seconds[0];
  row.unit = "us";
  row.higher_is_better = false;
  row.limit = 100;
  row.limit_name = "100 us";
  return row;
}

}  // namespace

std::vector<Row> bench_box2d() {
  using Car = CarRacing<float>;
  BipedalWalker hard;
  hard.hardcore = true;
  return {
      step_row<LunarLander<std::int64_t>>("LunarLander-v3", 60, 60),
      step_row<LunarLander<float>>("LunarLanderContinuous-v3", 60, 60),
      step_row<BipedalWalker>("BipedalWalker-v3", 40, 40),
      step_row<BipedalWalker>("BipedalWalkerHardcore-v3", 40, 40, hard),
      pixels_row("CarRacing-v3", 20),
      pixels_row("CarRacingFixed289-v0", 20),
      against_bare(
          "CarRacing-v3/drive",
          interleave({contender("palaestra", std::make_shared<Worlds<Car, false>>(1000), 30),
                      contender("bare engine", std::make_shared<Worlds<Car, true>>(1000), 30)},
                     kRounds)),
      frame_row("CarRacing-v3", 96, true),
      frame_row("CarRacingFixed289-v0", 64, false),
  };
}

}  // namespace palaestra::benchmarks
