// Agents that act from the history of each row: what they are told, by whom, and that it is saved.

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/envs/registry.h>
#include <palaestra/rollout/collector.h>
#include <palaestra/rollout/evaluator.h>
#include <palaestra/rollout/online_trainer.h>

#include "tests/core/scratch.h"

using namespace palaestra;
using namespace palaestra::rollout;

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// What a row has come to: a number that depends on everything since its episode began, in order.
double add(double so_far, float observation, float reward) {
  return std::sin(2 * so_far + static_cast<double>(observation) + static_cast<double>(reward));
}

struct Sums final : RowMemory {
  explicit Sums(Index rows) : sum(at(rows)), first(at(rows)) {}
  std::span<const double> promised() const override { return first; }
  void save(ArchiveWriter& archive, std::string_view prefix) const override {
    archive.put(concat(prefix, "sum"), sum);
  }
  void load(const ArchiveReader& archive, std::string_view prefix) override {
    archive.get(concat(prefix, "sum"), sum);
  }
  std::vector<double> sum;
  std::vector<double> first;  // not saved: of no consequence for what is done
};

/// Chooses by that number: a torque, or whether it is above 0.
class Rememberer final : public Agent {
 public:
  explicit Rememberer(const envs::EnvSpec& spec)
      : width_(spec.observation.size()), choices_(spec.action.count) {}

  std::string_view name() const override { return "rememberer"; }
  Index observation_size() const override { return width_; }
  Index action_size() const override { return 1; }
  Index choices() const override { return choices_; }
  float action(double sum) const {
    return choices_ > 0 ? (sum > 0 ? 1.0f : 0.0f) : static_cast<float>(2 * std::tanh(sum));
  }
  void act(std::span<const float> observations, Index rows, Index, Index, ActMode, int,
           std::span<float> actions) override {
    for (Index row = 0; row < rows; ++row) {
      actions[at(row)] = action(add(0, observations[at(row * width_)], 0));
    }
  }
  std::unique_ptr<RowMemory> make_memory(Index rows) const override {
    return std::make_unique<Sums>(rows);
  }
  void act_from(RowMemory& memory, const Past& past, std::span<const float> observations,
                Index rows, Index first_row, Index, ActMode, int,
                std::span<float> actions) override {
    auto& sums = dynamic_cast<Sums&>(memory);
    for (Index row = 0; row < rows; ++row) {
      double& mine = sums.sum[at(first_row + row)];
      const bool begins = past.begins[at(row)] != 0;
      if (begins) sums.first[at(first_row + row)] = observations[at(row * width_)];
      mine =
          add(begins ? 0 : mine, observations[at(row * width_)], begins ? 0 : past.reward[at(row)]);
      actions[at(row)] = action(mine);
    }
  }
  void update(const replay::Minibatch&) override { updates_ += 1; }
  std::span<const Metric> metrics() override { return {}; }
  Index updates() const override { return updates_; }
  void save(ArchiveWriter& archive, std::string_view prefix) const override {
    archive.put_scalar(concat(prefix, "updates"), updates_);
  }
  void load(const ArchiveReader& archive, std::string_view prefix) override {
    updates_ = archive.get_index(concat(prefix, "updates"));
  }

 private:
  Index width_, choices_, updates_ = 0;
};

/// One row by itself, its history kept by hand: actions of `steps` steps, resets included.
std::vector<float> by_hand(const std::string& env, std::uint64_t seed, Index row, Index rows,
                           Index steps, envs::AutoresetMode mode) {
  const auto batch = envs::make(env, {.size = rows, .autoreset = mode, .seed = seed});
  const Rememberer agent(batch->spec());
  const auto& columns = batch->columns();
  const auto* observation = static_cast<const float*>(columns.observation);
  const Index width = batch->spec().observation.size();
  std::vector<double> sum(at(rows));
  std::vector<std::uint8_t> begins(at(rows), 1);
  std::vector<float> numbers(at(rows)), result;
  std::vector<std::int64_t> choices(at(rows));
  for (Index step = 0; step < steps; ++step) {
    for (Index i = 0; i < rows; ++i) {
      const bool fresh = begins[at(i)] != 0;
      sum[at(i)] = add(fresh ? 0 : sum[at(i)], observation[i * width],
                       fresh ? 0 : static_cast<float>(columns.reward[i]));
      numbers[at(i)] = agent.action(sum[at(i)]);
      choices[at(i)] = static_cast<std::int64_t>(numbers[at(i)]);
    }
    result.push_back(numbers[at(row)]);
    if (agent.choices() > 0) {
      batch->step(choices);
    } else {
      batch->step(numbers);
    }
    for (Index i = 0; i < rows; ++i) {
      const bool ended = (columns.terminated[i] | columns.truncated[i]) != 0;
      begins[at(i)] = mode == envs::AutoresetMode::kNextStep ? columns.reset[i] : (ended ? 1 : 0);
    }
    if (mode == envs::AutoresetMode::kDisabled) {
      batch->reset({}, begins);
    }
  }
  return result;
}

}  // namespace

TEST_CASE("a collector tells where episodes begin and what was earned, in every reset mode") {
  for (const char* env : {"CartPole-v1", "Pendulum-v1"}) {
    for (const auto mode : {envs::AutoresetMode::kSameStep, envs::AutoresetMode::kNextStep,
                            envs::AutoresetMode::kDisabled}) {
      for (const int threads : {1, 2, 3, 7}) {
        CAPTURE(env);
        CAPTURE(threads);
        const auto batch = envs::make(
            env, {.size = 70, .autoreset = mode, .threads = Threads(threads), .seed = 5});
        Rememberer agent(batch->spec());
        AgentPolicy policy(agent, ActMode::kMean, batch->spec(), 70);
        Collector collector(*batch);
        std::vector<float> first, last;
        for (Index step = 0; step < 230; ++step) {
          const auto& t = collector.step(policy, step);
          first.push_back(t.action[0]);
          last.push_back(t.action[69]);
        }
        CHECK(first == by_hand(env, 5, 0, 70, 230, mode));
        CHECK(last == by_hand(env, 5, 69, 70, 230, mode));
      }
    }
  }
}

TEST_CASE("an evaluation begins with empty histories, each time") {
  Evaluator evaluator("CartPole-v1", {}, 5, Threads(2));
  Rememberer agent(evaluator.spec());
  AgentPolicy policy(agent, ActMode::kMean, evaluator.spec(), 5);
  const Evaluation result = evaluator.run(policy, 1, 0);
  CHECK(evaluator.run(policy, 1, 0).returns == result.returns);
  // each episode by itself, from its seed
  for (std::size_t e = 0; e < 5; ++e) {
    const auto batch =
        envs::make("CartPole-v1", {.size = 1, .autoreset = envs::AutoresetMode::kDisabled});
    const std::uint64_t seed[] = {result.seeds[e]};
    batch->reset(seed);
    double sum = 0;
    Index length = 0;
    const auto& columns = batch->columns();
    while ((columns.terminated[0] | columns.truncated[0]) == 0) {
      sum = add(sum, static_cast<const float*>(columns.observation)[0],
                length == 0 ? 0 : static_cast<float>(columns.reward[0]));
      const std::int64_t action[] = {static_cast<std::int64_t>(agent.action(sum))};
      batch->step(std::span<const std::int64_t>(action));
      length += 1;
    }
    CHECK(length == result.lengths[e]);
  }
}

TEST_CASE("an evaluation keeps what was promised when each episode began") {
  Evaluator evaluator("CartPole-v1", {}, 5, Threads(2));
  Rememberer agent(evaluator.spec());
  AgentPolicy policy(agent, ActMode::kMean, evaluator.spec(), 5);
  const Evaluation result = evaluator.run(policy, 1, 0);
  REQUIRE(result.promised.size() == 5);
  double gap = 0;
  for (std::size_t e = 0; e < 5; ++e) {
    // this agent promises the first number of the first observation
    const auto batch = envs::make("CartPole-v1", {.size = 1});
    const std::uint64_t seed[] = {result.seeds[e]};
    batch->reset(seed);
    CHECK(result.promised[e] == double{static_cast<const float*>(batch->columns().observation)[0]});
    gap += (result.promised[e] - result.returns[e]) / 5;
  }
  CHECK(result.gap() == doctest::Approx(gap));
  // nothing is promised by what acts from observations alone
  RandomPolicy random(evaluator.spec().action, 1);
  CHECK(evaluator.run(random, 1, 0).promised.empty());
}

TEST_CASE("histories are part of a checkpoint") {
  const Scratch scratch;
  TrainConfig config;
  config.env = "Pendulum-v1";
  config.n = 3;
  config.steps = 1500;
  config.learning_starts = 0;
  const auto spec = envs::find("Pendulum-v1").spec({});
  const auto state = [&](OnlineTrainer& trainer) {
    ArchiveWriter archive;
    trainer.save(archive);
    archive.save(scratch / "state");
    return read_text(scratch / "state");
  };
  const auto run_to = [](OnlineTrainer& trainer, Index steps) {
    while (trainer.steps() < steps) trainer.advance();
  };
  Rememberer agent(spec);
  OnlineTrainer whole(config, agent, {4, 0.9}, Threads(1));
  run_to(whole, 1500);
  const std::string expected = state(whole);
  for (const Index cut : {3, 300, 600, 603, 999}) {
    Rememberer one(spec), two(spec);
    OnlineTrainer first(config, one, {4, 0.9}, Threads(2)),
        second(config, two, {4, 0.9}, Threads(3));
    run_to(first, cut);
    state(first);
    second.load(ArchiveReader(scratch / "state"));
    run_to(second, 1500);
    CHECK(state(second) == expected);
  }
}

TEST_CASE("who cannot tell a history is refused") {
  const auto spec = envs::find("Pendulum-v1").spec({});
  Rememberer agent(spec);
  CHECK_THROWS_WITH_AS(AgentPolicy(agent, ActMode::kMean, spec),
                       doctest::Contains("agent rememberer acts from the history of an episode"),
                       UserError);
  AgentPolicy policy(agent, ActMode::kMean, spec, 2);
  Actions actions(spec.action, 2);
  const std::vector<float> observations(6);
  CHECK_THROWS_WITH_AS(
      policy.act({.begin = 0, .end = 2, .step = 0, .thread = 0}, observations, actions),
      doctest::Contains("which nobody tells it"), UserError);
}
