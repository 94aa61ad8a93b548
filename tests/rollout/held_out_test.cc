#include <palaestra/rollout/held_out.h>

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/rollout/normalized_agent.h>
#include <palaestra/rollout/offline_trainer.h>

#include "tests/core/scratch.h"
#include "tests/rollout/probe_agent.h"
#include "tests/rollout/recorded.h"

using namespace palaestra;
using namespace palaestra::rollout;
using rollout::testing::record;
namespace fs = std::filesystem;

namespace {

using Losses = std::map<Index, double>;

constexpr Sampling kSampling = {.batch_size = 64, .discount = 0.9};

/// Has the losses that it is given, by its number of updates, and acts by the number of updates
/// that it was told to keep.
class ScriptedAgent final : public Agent {
 public:
  explicit ScriptedAgent(Losses losses) : losses_(std::move(losses)) {}

  std::string_view name() const override { return "scripted"; }
  Index observation_size() const override { return 3; }
  Index action_size() const override { return 1; }
  void act(std::span<const float>, Index rows, Index, Index, ActMode, int,
           std::span<float> actions) override {
    std::fill_n(actions.begin(), rows, static_cast<float>(kept));
  }
  void update(const replay::Minibatch& batch) override {
    learnt.insert(learnt.end(), batch.observation.begin(), batch.observation.end());
    ++updates_;
  }
  double held_out_loss(const replay::Minibatch& rows) override {
    shown.insert(shown.end(), rows.observation.begin(), rows.observation.end());
    pieces.push_back(rows.rows);
    for (const float weight : rows.weight) CHECK(weight == 1);
    return losses_.at(updates_);
  }
  void keep() override { kept = updates_; }
  std::span<const Metric> metrics() override { return {}; }
  Index updates() const override { return updates_; }
  void save(ArchiveWriter& archive, std::string_view prefix) const override {
    archive.put(concat(prefix, "counts"), std::vector<Index>{updates_, kept});
  }
  void load(const ArchiveReader& archive, std::string_view prefix) override {
    std::vector<Index> counts(2);
    archive.get(concat(prefix, "counts"), counts);
    updates_ = counts[0];
    kept = counts[1];
  }

  std::vector<float> learnt, shown;  // observations
  std::vector<Index> pieces;         // rows of every call
  Index kept = -1;

 private:
  Losses losses_;
  Index updates_ = 0;
};

TrainConfig config_for(const fs::path& data, double share) {
  TrainConfig config;
  config.data = data.string();
  config.steps = 60;
  config.held_out = share;
  config.held_out_every = 10;
  config.held_out_patience = 2;
  return config;
}

/// First observations of the episodes of a data set, [3] each.
std::vector<std::vector<float>> first_observations(const fs::path& path) {
  const replay::DataSet file(path);
  std::vector<std::vector<float>> firsts;
  for (Index e = 0; e < file.episodes(); ++e) {
    firsts.push_back(file.read_vector<float>("observation", e, 0, 1));
  }
  return firsts;
}

bool holds(const std::vector<float>& rows, const std::vector<float>& row) {
  for (std::size_t i = 0; i + 3 <= rows.size(); i += 3) {
    if (std::equal(row.begin(), row.end(), rows.begin() + static_cast<std::ptrdiff_t>(i))) {
      return true;
    }
  }
  return false;
}

struct Lab {
  Lab(TrainConfig config, Losses losses)
      : data(config),
        agent(std::move(losses)),
        trainer(config, agent, kSampling, data, Threads(1)) {}

  void run() {
    while (!trainer.done()) trainer.advance();
  }
  std::string state(const Scratch& scratch) {
    ArchiveWriter archive;
    trainer.save(archive);
    archive.save(scratch / "state");
    return read_text(scratch / "state");
  }

  TrainingData data;
  ScriptedAgent agent;
  OfflineTrainer trainer;
};

}  // namespace

TEST_CASE("held-out episodes are spread over the data set, as many as the share rounds down to") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.episodes = 10});
  const auto held_out = [&](double share, Index episodes = 0, double best = 1) {
    TrainConfig config = config_for(path, share);
    config.data_episodes = episodes;
    config.best_share = best;
    const TrainingData data(config);
    // together they are the chosen ones
    std::vector<Index> all = data.episodes();
    all.insert(all.end(), data.held_out().begin(), data.held_out().end());
    CHECK(all.size() == static_cast<std::size_t>(episodes > 0 ? episodes : best < 1 ? 5 : 10));
    CHECK(data.steps() == 200 * std::ssize(data.episodes()));
    CHECK(data.held_out_steps() == 200 * std::ssize(data.held_out()));
    return data.held_out();
  };
  using List = std::vector<Index>;
  CHECK(held_out(0.2) == List{4, 9});
  CHECK(held_out(0.3) == List{2, 5, 9});
  CHECK(held_out(0.29) == List{4, 9});
  CHECK(held_out(0.5) == List{1, 3, 5, 7, 9});
  CHECK(held_out(0.2, 5) == List{4});
  CHECK(held_out(0.2, 4).empty());
  CHECK(held_out(0.2, 1).empty());
  CHECK(held_out(0.4, 0, 0.5).size() == 2);
}

TEST_CASE("all held-out rows are looked at, in order, before the first update and every so many") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.episodes = 5});
  TrainConfig config = config_for(path, 0.4);
  config.steps = 25;
  Lab lab(config, {{0, 3}, {10, 2}, {20, 1}});
  CHECK(lab.agent.pieces == std::vector<Index>{64, 64, 64, 64, 64, 64, 16});
  lab.run();
  CHECK(lab.agent.pieces.size() == 3 * 7);
  CHECK(lab.agent.shown.size() == 3 * 400 * 3);
  const auto firsts = first_observations(path);
  // episodes 1 and 4, each from its beginning; and nothing of them is learnt from
  const auto at = [&](std::size_t row) {
    const auto begin = lab.agent.shown.begin() + static_cast<std::ptrdiff_t>(3 * row);
    return std::vector<float>(begin, begin + 3);
  };
  CHECK(at(0) == firsts[1]);
  CHECK(at(200) == firsts[4]);
  CHECK(at(400) == firsts[1]);
  for (const std::size_t e : {1u, 4u}) CHECK_FALSE(holds(lab.agent.learnt, firsts[e]));
  for (const std::size_t e : {0u, 2u, 3u}) CHECK(holds(lab.agent.learnt, firsts[e]));
}

TEST_CASE("the agent acts by the smallest loss, and the run stops when it has long been larger") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.episodes = 5});
  const Losses losses = {{0, 5}, {10, 3}, {20, 4}, {30, 2}, {40, 2}, {50, 7}, {60, 1}};
  Lab lab(config_for(path, 0.2), losses);
  CHECK(lab.agent.kept == 0);
  CHECK(lab.trainer.held_out_loss() == 5);
  lab.run();
  CHECK(lab.trainer.steps() == 50);  // an equal loss is no smaller one
  CHECK(lab.trainer.updates() == 50);
  CHECK(lab.agent.kept == 30);
  CHECK(lab.trainer.held_out_loss() == 7);

  TrainConfig patient = config_for(path, 0.2);
  patient.held_out_patience = 0;
  Lab longer(patient, losses);
  longer.run();
  CHECK(longer.trainer.steps() == 60);
  CHECK(longer.agent.kept == 60);

  Lab without(config_for(path, 0.1), {});
  without.run();
  CHECK(without.trainer.steps() == 60);
  CHECK(without.agent.kept == -1);
  CHECK_FALSE(without.trainer.held_out_loss().has_value());
}

TEST_CASE("a run that is cut goes on to the same stop") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.episodes = 5});
  const Losses losses = {{0, 5}, {10, 3}, {20, 4}, {30, 3.5}, {40, 1}};
  Lab whole(config_for(path, 0.2), losses);
  whole.run();
  CHECK(whole.trainer.steps() == 30);
  for (const Index cut : {0, 9, 10, 25, 30}) {
    CAPTURE(cut);
    Lab first(config_for(path, 0.2), losses);
    while (first.trainer.steps() < cut) first.trainer.advance();
    static_cast<void>(first.state(scratch));
    Lab second(config_for(path, 0.2), losses);
    second.trainer.load(ArchiveReader(scratch / "state"));
    CHECK(second.agent.kept == first.agent.kept);
    second.run();
    CHECK(second.state(scratch) == whole.state(scratch));
  }
}

TEST_CASE("a scaled agent's held-out rows are scaled too") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.episodes = 5});
  TrainConfig config = config_for(path, 0.2);
  config.normalize_observations = true;
  const TrainingData data(config);
  auto inner = std::make_unique<ScriptedAgent>(Losses{{0, 1}});
  ScriptedAgent& scripted = *inner;
  NormalizedAgent agent(std::move(inner), Threads(1));
  const OfflineTrainer trainer(config, agent, kSampling, data, Threads(1));
  const auto first = first_observations(path)[4];
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(scripted.shown[k] == (first[k] - agent.mean()[k]) / agent.deviation()[k]);
  }
  CHECK(scripted.kept == 0);
}

TEST_CASE("what cannot be held out is refused by name") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.episodes = 5});
  const auto refusal = [&](auto change) {
    TrainConfig config = config_for(path, 0.2);
    change(config);
    CHECK_THROWS_AS(validate(config), UserError);
    try {
      validate(config);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const auto has = [](const std::string& text, const std::string& part) {
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  has(refusal([](TrainConfig& c) { c.offline_steps = 0; }), "held_out is 0.2; accepted: 0");
  has(refusal([](TrainConfig& c) { c.data = ""; }), "held_out is 0.2; accepted: 0");
  has(refusal([](TrainConfig& c) { c.held_out = 0; }), "held_out_every is 10; accepted: 500");
  has(refusal([](TrainConfig& c) { c.held_out = 0.6; }), "held_out is 0.6");
  has(refusal([](TrainConfig& c) { c.held_out = NAN; }), "held_out is nan");
  has(refusal([](TrainConfig& c) { c.held_out_every = 0; }), "held_out_every is 0");

  TrainConfig config = config_for(path, 0.2);
  const TrainingData data(config);
  rollout::testing::ProbeAgent probe(data.spec().observation, data.spec().action, 3);
  CHECK_THROWS_WITH_AS(OfflineTrainer(config, probe, kSampling, data, Threads(1)),
                       doctest::Contains("agent probe has no loss of rows"), UserError);
  ScriptedAgent infinite(Losses{{0, INFINITY}});
  CHECK_THROWS_WITH_AS(OfflineTrainer(config, infinite, kSampling, data, Threads(1)),
                       doctest::Contains("diverged at step 0, update 0: the loss of the held-out"),
                       UserError);
  Lab later(config, {{0, 1}, {10, NAN}});
  CHECK_THROWS_WITH_AS(later.run(), doctest::Contains("diverged at step 10, update 10"), UserError);
}

TEST_CASE("numbers that cannot be are not taken from a checkpoint") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.episodes = 5});
  TrainConfig config = config_for(path, 0.2);
  const TrainingData data(config);
  ScriptedAgent agent(Losses{{0, 1}});
  HeldOut held_out(data, config, kSampling, agent, Threads(1));
  const auto refused = [&](std::vector<double> losses, Index failures) {
    ArchiveWriter archive;
    archive.put("held_out.losses", losses);
    archive.put_scalar("held_out.failures", failures);
    archive.save(scratch / "state");
    CHECK_THROWS_AS(held_out.load(ArchiveReader(scratch / "state")), UserError);
    CHECK(held_out.loss() == 1);
  };
  refused({NAN, 0}, 0);
  refused({1, 2}, 0);
  refused({2, 1}, -1);
  refused({2}, 0);
}
