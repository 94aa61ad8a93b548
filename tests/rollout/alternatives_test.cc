#include <palaestra/rollout/agent.h>

#include <doctest/doctest.h>

#include <array>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/envs/registry.h>
#include <palaestra/rollout/normalized_agent.h>
#include <palaestra/rollout/online_trainer.h>
#include <palaestra/rollout/train.h>

#include "tests/core/scratch.h"
#include "tests/rollout/probe_agent.h"

using namespace palaestra;
using namespace palaestra::rollout;
using rollout::testing::ProbeAgent;
using Json = nlohmann::json;

namespace {

/// Plays a constant, and shows what it saw.
class Constant final : public Actor {
 public:
  Constant(Index observations, float action) : observations_(observations), action_(action) {}
  std::string_view name() const override { return "constant"; }
  Index observation_size() const override { return observations_; }
  Index action_size() const override { return 1; }
  void act(std::span<const float> observations, Index, Index, Index, ActMode, int,
           std::span<float> actions) override {
    seen.assign(observations.begin(), observations.end());
    std::fill(actions.begin(), actions.end(), action_);
  }

  std::vector<float> seen;

 private:
  Index observations_;
  float action_;
};

/// The probe with another policy beside its own.
class TwoPolicies final : public Agent {
 public:
  TwoPolicies(const envs::EnvSpec& spec, std::uint64_t seed)
      : probe(spec.observation, spec.action, seed), constant(spec.observation.size(), 0.25f) {}
  std::string_view name() const override { return "two"; }
  Index observation_size() const override { return probe.observation_size(); }
  Index action_size() const override { return probe.action_size(); }
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           ActMode mode, int thread, std::span<float> actions) override {
    probe.act(observations, rows, first_row, step, mode, thread, actions);
  }
  std::span<const NamedActor> alternatives() override { return others; }
  void update(const replay::Minibatch& batch) override { probe.update(batch); }
  std::span<const Metric> metrics() override { return probe.metrics(); }
  Index updates() const override { return probe.updates(); }
  void save(ArchiveWriter& archive, std::string_view prefix) const override {
    probe.save(archive, prefix);
  }
  void load(const ArchiveReader& archive, std::string_view prefix) override {
    probe.load(archive, prefix);
  }

  ProbeAgent probe;
  Constant constant;
  std::array<NamedActor, 1> others{{{"steady", &constant}}};
};

std::vector<Json> evaluations_of(Agent& agent, const Scratch& scratch, const std::string& name,
                                 bool sampled = false) {
  const TrainConfig config{.env = "Pendulum-v1",
                           .steps = 90,
                           .seed = 5,
                           .learning_starts = 10,
                           .capacity = 200,
                           .evaluate_every = 40,
                           .evaluate_episodes = 3,
                           .evaluate_sampled = sampled};
  OnlineTrainer trainer(config, agent, {8, 0.99}, Threads(1));
  const auto run = RunDirectory::create(scratch / name, Existing::kRefuse);
  train(trainer, run, {"", "{}"}, Threads(2), {});
  std::vector<Json> lines;
  std::istringstream text(read_text(run.evaluations()));
  for (std::string line; std::getline(text, line);) {
    lines.push_back(Json::parse(line));
  }
  return lines;
}

}  // namespace

TEST_CASE("another policy of an agent is evaluated from the same first states, in the same line") {
  const Scratch scratch;
  const auto spec = envs::find("Pendulum-v1").spec({});
  TwoPolicies two(spec, 5);
  ProbeAgent one(spec.observation, spec.action, 5);
  const auto lines = evaluations_of(two, scratch, "two");
  const auto plain = evaluations_of(one, scratch, "one");
  REQUIRE(lines.size() == 3);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // what the agent's own policy did is what it does without another one
    for (const auto& [key, value] : plain[i].items()) CHECK(lines[i][key] == value);
    CHECK(plain[i].size() == 7);
    CHECK(lines[i].size() == plain[i].size() + 5);
    CHECK(lines[i]["steady/returns"].size() == 3);
    CHECK(lines[i]["steady/returns"] != lines[i]["returns"]);
    // the oracle: the environment itself, from the seeds that are written there
    const std::vector<std::uint64_t> seeds = lines[i]["seeds"];
    const auto batch = envs::make("Pendulum-v1", {.size = 3});
    batch->reset(seeds);
    std::vector<double> returns(3);
    const std::vector<float> action(3, 0.25f);
    for (int step = 0; step < 200; ++step) {
      batch->step_rows(0, 3, 0, std::span<const float>(action));
      for (std::size_t row = 0; row < 3; ++row) returns[row] += batch->columns().reward[row];
    }
    for (std::size_t row = 0; row < 3; ++row) {
      CHECK(lines[i]["steady/returns"][row].get<double>() ==
            doctest::Approx(returns[row]).epsilon(1e-12));
    }
  }
}

TEST_CASE("drawn actions are evaluated beside mean ones, of every policy, from the same states") {
  const Scratch scratch;
  const auto spec = envs::find("Pendulum-v1").spec({});
  TwoPolicies both(spec, 5), alone(spec, 5);
  const auto lines = evaluations_of(both, scratch, "both", true);
  const auto plain = evaluations_of(alone, scratch, "plain");
  REQUIRE(lines.size() == 3);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    // neither what is learnt nor what the mean actions earn is touched
    for (const auto& [key, value] : plain[i].items()) CHECK(lines[i][key] == value);
    CHECK(lines[i].size() == plain[i].size() + 10);
    CHECK(lines[i]["sampled/returns"].size() == 3);
    CHECK(lines[i]["sampled/returns"] != lines[i]["returns"]);
    // this policy draws nothing: its first states are the same ones
    CHECK(lines[i]["steady/sampled/returns"] == lines[i]["steady/returns"]);
  }
}

TEST_CASE("policies are found by name, and the agent's own without one") {
  const auto spec = envs::find("Pendulum-v1").spec({});
  TwoPolicies two(spec, 0);
  CHECK(&find_actor(two, "") == &two);
  CHECK(&find_actor(two, "steady") == &two.constant);
  CHECK_THROWS_WITH_AS(find_actor(two, "stead"), doctest::Contains("did you mean \"steady\"?"),
                       UserError);
  ProbeAgent one(spec.observation, spec.action, 0);
  CHECK_THROWS_WITH_AS(find_actor(one, "steady"), doctest::Contains("no policy \"steady\""),
                       UserError);
}

TEST_CASE("the other policies of an agent that sees normalised observations see them as well") {
  const auto spec = envs::find("Pendulum-v1").spec({});
  auto owned = std::make_unique<TwoPolicies>(spec, 0);
  Constant& constant = owned->constant;
  NormalizedAgent agent(std::move(owned), Threads{1});
  replay::WeightedReplayBuffer buffer(replay::transition_columns(spec.observation, spec.action),
                                      {.capacity = 10});
  const std::vector<float> rows = {1, 2, 3, 3, 4, 7}, action(2), reward(2), next(6);
  const std::vector<std::uint8_t> terminated = {1, 1}, truncated = {0, 0};
  const replay::NamedValues columns[] = {
      {"observation", rows}, {"action", action}, {"reward", reward}};
  const replay::NamedValues last[] = {{"observation", next}};
  buffer.extend(0, {.columns = columns,
                    .terminated = terminated,
                    .truncated = truncated,
                    .skip = {},
                    .next = {},
                    .last = last});
  agent.prepare(buffer.storage());
  std::vector<float> out(1);
  REQUIRE(agent.alternatives().size() == 1);
  CHECK(agent.alternatives()[0].name == "steady");
  agent.alternatives()[0].actor->act(std::vector<float>{3, 3, 9}, 1, 0, 0, ActMode::kMean, 0, out);
  CHECK(out[0] == 0.25f);
  CHECK(constant.seen == std::vector<float>{1, 0, 2});  // means 2, 3, 5; deviations 1, 1, 2
}
