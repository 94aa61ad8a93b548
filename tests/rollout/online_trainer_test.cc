#include <palaestra/rollout/online_trainer.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/envs/random_actions.h>
#include <palaestra/envs/registry.h>
#include <palaestra/rollout/keywords.h>

#include "tests/core/scratch.h"
#include "tests/rollout/forged.h"
#include "tests/rollout/probe_agent.h"

using namespace palaestra;
using namespace palaestra::rollout;
using rollout::testing::ProbeAgent;

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

TrainConfig config_for(const std::string& env, Index n = 1) {
  TrainConfig config;
  config.env = env;
  config.n = n;
  config.seed = 3;
  config.steps = 600;
  config.learning_starts = 50;
  config.capacity = 500;
  return config;
}

/// Trainer and agent together.
struct Lab {
  explicit Lab(const TrainConfig& config, int threads = 1, Index rows = 8, double discount = 0.9)
      : spec(envs::find(config.env).spec(parse_keywords(config.env_options))),
        agent(spec.observation, spec.action, static_cast<std::uint64_t>(config.seed)),
        trainer(config, agent, {.batch_size = rows, .discount = discount}, Threads(threads)) {}

  void step() {
    trainer.collect();
    trainer.update();
  }
  void run_to(Index steps) {
    while (trainer.steps() < steps) {
      step();
    }
  }
  std::string state(const Scratch& scratch) {
    ArchiveWriter archive;
    trainer.save(archive);
    archive.save(scratch / "state.safetensors");
    return read_text(scratch / "state.safetensors");
  }

  envs::EnvSpec spec;
  ProbeAgent agent;
  OnlineTrainer trainer;
};

/// Every transition that was collected, found again by its observation.
class Diary {
 public:
  explicit Diary(Lab& lab) : lab_(lab), lanes_(at(lab.trainer.config().n)) {}

  void write() {
    const Transitions& t = lab_.trainer.collector().last();
    for (std::size_t lane = 0; lane < at(t.rows); ++lane) {
      const auto part = [&](std::span<const float> column) {
        const std::size_t width = column.size() / at(t.rows);
        const auto row = column.subspan(lane * width, width);
        return std::vector<float>(row.begin(), row.end());
      };
      place_[part(t.observation)] = {lane, lanes_[lane].size()};
      lanes_[lane].push_back({part(t.next_observation), part(t.action), t.reward[lane],
                              t.terminated[lane] != 0, t.truncated[lane] != 0});
      ends_ += t.terminated[lane] | t.truncated[lane];
    }
  }

  Index ends() const { return ends_; }

  /// Checks every row of a minibatch against what the n-step return of that transition must be.
  void check(const replay::Minibatch& b, Index n_step, double discount) const {
    for (std::size_t row = 0; row < at(b.rows); ++row) {
      const auto part = [&](std::span<const float> block) {
        const std::size_t width = block.size() / at(b.rows);
        const auto values = block.subspan(row * width, width);
        return std::vector<float>(values.begin(), values.end());
      };
      const auto found = place_.find(part(b.observation));
      REQUIRE(found != place_.end());
      const auto& lane = lanes_[found->second.first];
      std::size_t i = found->second.second;
      CHECK(part(b.action) == lane[i].action);
      double sum = 0, factor = 1;
      for (Index k = 0;; ++i) {
        sum += factor * static_cast<double>(lane[i].reward);
        factor *= discount;
        k += 1;
        if (k == n_step || lane[i].terminated || lane[i].truncated || i + 1 == lane.size()) {
          break;
        }
      }
      CHECK(static_cast<double>(b.reward[row]) == doctest::Approx(sum).epsilon(1e-5));
      CHECK(static_cast<double>(b.discount[row]) ==
            doctest::Approx(lane[i].terminated ? 0.0 : factor).epsilon(1e-6));
      CHECK(part(b.next_observation) == lane[i].next);
    }
  }

 private:
  struct Entry {
    std::vector<float> next, action;
    float reward;
    bool terminated, truncated;
  };
  Lab& lab_;
  std::vector<std::vector<Entry>> lanes_;
  std::map<std::vector<float>, std::pair<std::size_t, std::size_t>> place_;
  Index ends_ = 0;
};

}  // namespace

TEST_CASE("the first transitions come from random actions, the others from the agent") {
  TrainConfig config = config_for("Pendulum-v1", 3);
  SUBCASE("as many as are collected before the first update") { config.learning_starts = 30; }
  SUBCASE("fewer") { config.random_steps = 30; }
  SUBCASE("more") {
    config.learning_starts = 12;
    config.random_steps = 30;
  }
  config.updates_per_step = 0;
  Lab lab(config);
  const auto oracle = envs::make(
      "Pendulum-v1", {.size = 3, .autoreset = envs::AutoresetMode::kSameStep, .seed = 3});
  envs::RandomActions random(lab.spec, 3, 3);
  for (Index step = 0; step < 20; ++step) {
    lab.trainer.collect();
    const auto& t = lab.trainer.collector().last();
    for (Index row = 0; row < 3; ++row) {
      random.draw(row, row, step);
      const float expected = lab.trainer.previous_steps() < 30
                                 ? random.numbers()[at(row)]
                                 : lab.agent.action(t.observation.subspan(at(3 * row), 3), row,
                                                    step, ActMode::kSample);
      CHECK(t.action[at(row)] == expected);
    }
  }
  CHECK(lab.trainer.steps() == 60);
  CHECK(lab.trainer.previous_steps() == 57);
}

TEST_CASE("as many updates are made as are owed after each step") {
  struct Case {
    Index n, learning_starts;
    double ratio;
  };
  for (const Case c : {Case{1, 0, 1}, Case{1, 10, 0}, Case{1, 10, 0.25}, Case{1, 7, 3},
                       Case{3, 10, 1}, Case{4, 9, 0.3}, Case{5, 0, 2.5}}) {
    CAPTURE(c.n);
    CAPTURE(c.ratio);
    TrainConfig config = config_for("Pendulum-v1", c.n);
    config.learning_starts = c.learning_starts;
    config.updates_per_step = c.ratio;
    Lab lab(config);
    Index seen = 0, made = 0;
    lab.agent.on_update = [&](const replay::Minibatch& b) {
      seen += 1;
      CHECK(b.rows == 8);
    };
    for (int k = 0; k < 60; ++k) {
      lab.trainer.collect();
      made += lab.trainer.update();
      const double learnt_from =
          static_cast<double>(std::max<Index>(lab.trainer.steps() - c.learning_starts, 0));
      // the very first transitions cannot be drawn before their successor is known, but are owed
      CHECK(lab.trainer.updates() == static_cast<Index>(learnt_from * c.ratio));
    }
    CHECK(seen == made);
    CHECK(seen == lab.trainer.updates());
    CHECK(lab.agent.updates() == seen);
  }
}

TEST_CASE("minibatches hold n-step returns of what was collected, over ends of every kind") {
  // Hopper soon falls, which terminates; Pendulum is cut after 200 steps
  for (const char* env : {"Hopper-v5", "Pendulum-v1"}) {
    for (const Index n_step : {1, 2, 5}) {
      CAPTURE(env);
      CAPTURE(n_step);
      TrainConfig config = config_for(env, 2);
      config.n_step = n_step;
      config.learning_starts = 100;
      config.updates_per_step = 0.2;
      config.capacity = 10'000;
      Lab lab(config, 1, 64, 0.95);
      Diary diary(lab);
      lab.agent.on_update = [&](const replay::Minibatch& b) { diary.check(b, n_step, 0.95); };
      while (lab.trainer.steps() < 900) {
        lab.trainer.collect();
        diary.write();
        lab.trainer.update();
      }
      CHECK(lab.trainer.updates() == 160);
      CHECK(diary.ends() >= 4);
    }
  }
}

TEST_CASE("the same bits for any number of threads") {
  const Scratch scratch;
  for (const char* env : {"Pendulum-v1", "HalfCheetah-v5"}) {
    for (const Index n : {1, 24}) {
      CAPTURE(env);
      CAPTURE(n);
      TrainConfig config = config_for(env, n);
      config.learning_starts = 48;
      const auto run = [&](int threads) {
        Lab lab(config, threads);
        lab.run_to(240);
        return lab.state(scratch);
      };
      const std::string one = run(1);
      for (const int threads : {2, 3, 7}) {
        CHECK(run(threads) == one);
      }
    }
  }
}

TEST_CASE("a trainer that is saved and loaded at any step goes on to the same bits") {
  const Scratch scratch;
  TrainConfig config = config_for("Pendulum-v1", 2);
  config.n_step = 3;
  config.capacity = 300;  // the ring has gone round by the end
  config.updates_per_step = 0.7;
  Lab whole(config);
  whole.run_to(600);
  const std::string expected = whole.state(scratch);
  Stream random(1, purpose("tests/cuts"));
  for (int trial = 0; trial < 6; ++trial) {
    const Index cut = trial == 0 ? 2 : 2 * (1 + random.below(299));
    CAPTURE(cut);
    Lab first(config, 1 + trial % 3);
    first.run_to(cut);
    const std::string at_cut = first.state(scratch);
    Lab second(config, 3 - trial % 3);
    second.trainer.load(ArchiveReader(scratch / "state.safetensors"));
    CHECK(second.trainer.metrics()[1].value == first.trainer.metrics()[1].value);
    CHECK(second.state(scratch) == at_cut);
    second.run_to(600);
    CHECK(second.state(scratch) == expected);
  }
}

TEST_CASE("every update draws rows of its own") {
  TrainConfig config = config_for("Pendulum-v1");
  config.updates_per_step = 20;
  Lab lab(config, 1, 32);
  std::set<std::vector<Index>> draws;
  lab.agent.on_update = [&](const replay::Minibatch& b) {
    draws.emplace(b.index.begin(), b.index.end());
  };
  lab.run_to(65);
  CHECK(lab.trainer.updates() == 300);
  CHECK(draws.size() == 300);
}

TEST_CASE("another seed gives another run") {
  const Scratch scratch;
  TrainConfig config = config_for("Pendulum-v1");
  Lab a(config);
  config.seed = 4;
  Lab b(config);
  a.run_to(60);
  b.run_to(60);
  CHECK(a.agent.gain() != b.agent.gain());
}

TEST_CASE("a loss that is not finite is reported with its step and update") {
  TrainConfig config = config_for("Pendulum-v1");
  Lab lab(config);
  lab.agent.on_update = [&](const replay::Minibatch&) {
    if (lab.agent.updates() == 5) {
      throw std::runtime_error("critic loss is nan");
    }
  };
  CHECK_THROWS_WITH_AS(lab.run_to(100),
                       "training diverged at step 56, update 5: critic loss is nan", UserError);
}

TEST_CASE("settings that cannot work are refused by name") {
  const auto refused = [](auto change) {
    TrainConfig config = config_for("Pendulum-v1", 4);
    change(config);
    const auto spec = envs::find("Pendulum-v1").spec({});
    ProbeAgent agent(spec.observation, spec.action, 0);
    try {
      OnlineTrainer(config, agent, {8, 0.9}, Threads(1));
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refused([](TrainConfig&) {}).empty());
  CHECK(refused([](TrainConfig& c) { c.capacity = 3; }).find("capacity") != std::string::npos);
  CHECK(refused([](TrainConfig& c) { c.n = 0; }).find("n is 0") != std::string::npos);
  CHECK(refused([](TrainConfig& c) { c.steps = 0; }).find("steps") != std::string::npos);
  CHECK(refused([](TrainConfig& c) { c.updates_per_step = -1; }).find("updates_per_step") !=
        std::string::npos);
  CHECK(refused([](TrainConfig& c) { c.env = "Pendulum-v2"; }).find("\"Pendulum-v1\"") !=
        std::string::npos);
  CHECK(refused([](TrainConfig& c) { c.env_options = "gg=1"; }).find("gg") != std::string::npos);
  CHECK(refused([](TrainConfig& c) { c.env = "Hopper-v5"; }).find("Hopper-v5") !=
        std::string::npos);
}

TEST_CASE("a checkpoint of another environment is refused") {
  const Scratch scratch;
  Lab pendulum(config_for("Pendulum-v1"));
  pendulum.run_to(60);
  pendulum.state(scratch);
  Lab car(config_for("MountainCarContinuous-v0"));
  CHECK_THROWS_WITH_AS(car.trainer.load(ArchiveReader(scratch / "state.safetensors")),
                       "the checkpoint is of a run on Pendulum-v1, not on MountainCarContinuous-v0",
                       UserError);
  CHECK(car.trainer.steps() == 0);
}

TEST_CASE("counters that no run comes to are refused by name") {
  const Scratch scratch;
  TrainConfig config = config_for("Pendulum-v1", 4);
  config.steps = 602;
  Lab lab(config);
  lab.run_to(602);
  REQUIRE(lab.trainer.steps() == 604);  // the last step may go beyond
  lab.state(scratch);
  const auto refused = [&](const char* counter, Index value) {
    testing::forge(scratch / "state.safetensors", counter, value, scratch / "forged");
    Lab other(config);
    try {
      other.trainer.load(ArchiveReader(scratch / "forged"));
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refused("trainer.steps", 604).empty());
  constexpr Index kLowest = std::numeric_limits<Index>::min(), kHuge = Index{1} << 62;
  for (const Index value : {kLowest, Index{-1}, kHuge}) {
    CAPTURE(value);
    const auto says = [&](const char* counter, const char* most) {
      CHECK(refused(counter, value)
                .starts_with(concat('"', counter, "\" is ", value, "; accepted: 0 ", most)));
    };
    says("trainer.steps", "to 605");
    says("trainer.previous_steps", "to 604");
    says("trainer.updates", value < 0 ? "and up" : "to 554, which 604 steps come to");
    says("trainer.episodes", "to 604");
    CHECK(refused("trainer.batch_steps", value) ==
          concat("\"trainer.batch_steps\" is ", value, "; accepted: 151 to 151"));
  }
  CHECK(refused("trainer.updates", 555).find("accepted: 0 to 554") != std::string::npos);

  config.steps = 2'000;  // a run that was given more
  CHECK(refused("trainer.steps", 604).empty());
}

TEST_CASE("environment options are numbers and text by name") {
  CHECK(parse_keywords("").empty());
  CHECK(parse_keywords(" g = 9.81 ") == envs::Keywords{{"g", 9.81}});
  CHECK(parse_keywords("a=1,b=-2e3,c=true,d=false") ==
        envs::Keywords{{"a", 1.0}, {"b", -2000.0}, {"c", 1.0}, {"d", 0.0}});
  CHECK(parse_keywords("map_name=8x8, desc=SF/FG") ==
        envs::Keywords{{"map_name", std::string("8x8")}, {"desc", std::string("SF/FG")}});
  // whether text is accepted, the environment knows
  for (const char* bad : {"g=1x", "g=1e999x", "g=heavy"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(rollout::find_spec("Pendulum-v1", bad), UserError);
  }
  for (const char* bad : {"g", "g=", "=1", "g=1,g=2", "g=nan", "g=1e999", "g=1,,h=2"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_keywords(bad), UserError);
  }
}
