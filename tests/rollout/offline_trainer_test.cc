#include <palaestra/rollout/offline_trainer.h>

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/rollout/normalized_agent.h>

#include "tests/allocations.h"
#include "tests/core/scratch.h"
#include "tests/rollout/forged.h"
#include "tests/rollout/probe_agent.h"
#include "tests/rollout/recorded.h"
#include "tests/rollout/window_probe.h"

using namespace palaestra;
using namespace palaestra::rollout;
using rollout::testing::ProbeAgent;
using rollout::testing::record;
using rollout::testing::WindowProbe;
namespace fs = std::filesystem;

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

TrainConfig config_for(const fs::path& data) {
  TrainConfig config;
  config.data = data.string();
  config.seed = 3;
  config.steps = 60;
  return config;
}

constexpr Sampling kTransitions = {.batch_size = 8, .discount = 0.9};

Sampling windows(replay::WindowFit fit = replay::WindowFit::kPad, Index length = 5) {
  return {.batch_size = 6,
          .discount = 0.9,
          .windows = WindowSampling{
              .shape = {.length = length},
              .fit = fit,
              .columns = {{"observation", true}, {"action"}, {"reward"}, {"return_to_go"}}}};
}

/// Data, agent and trainer together.
template <class A>
struct Lab {
  template <class Make>
  Lab(TrainConfig config, const Sampling& sampling, int threads, const Make& make_agent)
      : data(config),
        agent(make_agent(data.spec())),
        trainer(config, *agent, sampling, data, Threads(threads)) {}

  void run_to(Index steps) {
    while (trainer.steps() < steps) {
      trainer.advance();
    }
  }
  std::string state(const Scratch& scratch) {
    ArchiveWriter archive;
    trainer.save(archive);
    archive.save(scratch / "state.safetensors");
    return read_text(scratch / "state.safetensors");
  }

  TrainingData data;
  std::unique_ptr<A> agent;
  OfflineTrainer trainer;
};

auto probe(const envs::EnvSpec& spec) {
  return std::make_unique<ProbeAgent>(spec.observation, spec.action, 3);
}
auto window_probe(const envs::EnvSpec& spec) {
  return std::make_unique<WindowProbe>(spec.observation.size(), spec.action.size(),
                                       spec.action.count);
}

}  // namespace

TEST_CASE("every step is an update on rows of the data set, every draw one of its own") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {});
  Lab<ProbeAgent> lab(config_for(path), kTransitions, 1, probe);
  // every row by its observation, read from the file by itself
  const replay::DataSet file(path);
  std::map<std::vector<float>, std::vector<float>> known;  // observation -> action, reward, next
  for (Index e = 0; e < file.episodes(); ++e) {
    const Index length = file.episode(e).length;
    const auto states = file.read_vector<float>("observation", e, 0, length + 1),
               actions = file.read_vector<float>("action", e, 0, length);
    const auto rewards = file.read_vector<double>("reward", e, 0, length);
    for (std::size_t t = 0; t < at(length); ++t) {
      const auto state = [&](std::size_t k) {
        return std::vector<float>{states[3 * k], states[3 * k + 1], states[3 * k + 2]};
      };
      std::vector<float> value = {actions[t], static_cast<float>(rewards[t])};
      for (const float x : state(t + 1)) value.push_back(x);
      known[state(t)] = value;
    }
  }
  std::set<std::vector<Index>> draws;
  lab.agent->on_update = [&](const replay::Minibatch& b) {
    REQUIRE(b.rows == 8);
    draws.emplace(b.index.begin(), b.index.end());
    for (std::size_t i = 0; i < at(b.rows); ++i) {
      const std::vector<float> state(b.observation.begin() + static_cast<Index>(3 * i),
                                     b.observation.begin() + static_cast<Index>(3 * i + 3));
      REQUIRE(known.count(state) == 1);
      const auto& value = known[state];
      CHECK(b.action[i] == value[0]);
      CHECK(b.reward[i] == value[1]);
      for (std::size_t k = 0; k < 3; ++k) CHECK(b.next_observation[3 * i + k] == value[2 + k]);
      CHECK(b.discount[i] == 0.9f);  // Pendulum is only ever cut short
    }
  };
  lab.run_to(60);
  CHECK(lab.trainer.done());
  CHECK(lab.trainer.updates() == 60);
  CHECK(lab.trainer.episodes() == 0);
  CHECK(draws.size() == 60);
}

TEST_CASE("windows hold pieces of episodes, and the returns to come") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.env = "CartPole-v1", .episodes = 6});
  Sampling sampling = windows();
  sampling.windows->return_discount = 0.5;
  sampling.windows->columns = {{"reward"}, {"return_to_go"}};
  Lab<WindowProbe> lab(config_for(path), sampling, 1, window_probe);
  CHECK(lab.agent->recorded() == lab.data.steps());
  Index ends = 0, padded = 0;
  lab.agent->on_update = [&](const replay::WindowBatch& b) {
    CHECK(b.windows == 6);
    CHECK(b.length == 5);
    const auto reward = b.column("reward").values<float>(),
               to_go = b.column("return_to_go").values<float>();
    for (std::size_t i = 0; i < reward.size(); ++i) {
      if (b.mask[i] == 0) {
        padded += 1;
        CHECK(to_go[i] == 0);
      } else if (b.terminated[i] != 0) {
        ends += 1;
        CHECK(to_go[i] == reward[i]);
      } else if (i % 5 < 4) {  // the next row is in the window
        CHECK(to_go[i] == doctest::Approx(reward[i] + 0.5f * to_go[i + 1]));
      }
    }
  };
  lab.run_to(60);
  CHECK(ends > 5);
  CHECK(padded > 5);
}

TEST_CASE("the same bits for any number of threads") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {});
  const auto check = [&](const Sampling& sampling, auto make_agent) {
    using A = typename decltype(make_agent(std::declval<envs::EnvSpec>()))::element_type;
    const auto run = [&](int threads) {
      Lab<A> lab(config_for(path), sampling, threads, make_agent);
      lab.run_to(40);
      return lab.state(scratch);
    };
    const std::string one = run(1);
    for (const int threads : {2, 3, 7}) {
      CHECK(run(threads) == one);
    }
  };
  check({.batch_size = 2000, .discount = 0.9}, probe);
  Sampling large = windows();
  large.batch_size = 900;
  check(large, window_probe);
}

TEST_CASE("a trainer that is saved and loaded at any step goes on to the same bits") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.env = "Hopper-v5", .episodes = 12});
  const auto check = [&](const Sampling& sampling, auto make_agent) {
    using A = typename decltype(make_agent(std::declval<envs::EnvSpec>()))::element_type;
    const auto make = [&](int threads) {
      TrainConfig config = config_for(path);
      config.n_step = sampling.windows ? 1 : 3;
      config.best_share = 0.5;
      return std::make_unique<Lab<A>>(config, sampling, threads, make_agent);
    };
    const auto whole = make(1);
    whole->run_to(60);
    const std::string expected = whole->state(scratch);
    for (const Index cut : {0, 1, 17, 42, 59}) {
      CAPTURE(cut);
      const auto first = make(2);
      first->run_to(cut);
      const std::string at_cut = first->state(scratch);
      const auto second = make(3);
      second->trainer.load(ArchiveReader(scratch / "state.safetensors"));
      CHECK(second->state(scratch) == at_cut);
      second->run_to(60);
      CHECK(second->state(scratch) == expected);
    }
    // no rows: they are read again
    CHECK(expected.size() < 20'000);
  };
  check(kTransitions, probe);
  check(windows(replay::WindowFit::kWhole), window_probe);
}

TEST_CASE("a checkpoint of another data set or environment is refused") {
  const Scratch scratch;
  Lab<ProbeAgent> first(config_for(record(scratch / "a-v0", {})), kTransitions, 1, probe);
  first.run_to(5);
  first.state(scratch);
  Lab<ProbeAgent> second(config_for(record(scratch / "b-v0", {.seed = 8})), kTransitions, 1, probe);
  CHECK_THROWS_WITH_AS(second.trainer.load(ArchiveReader(scratch / "state.safetensors")),
                       doctest::Contains("the checkpoint is of a run on the data set of SHA-256"),
                       UserError);
}

TEST_CASE("counters that no run comes to are refused by name") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {});
  Lab<ProbeAgent> lab(config_for(path), kTransitions, 1, probe);
  lab.run_to(30);
  lab.state(scratch);
  const auto loads = [&](const char* counter, Index value) {
    rollout::testing::forge(scratch / "state.safetensors", counter, value, scratch / "forged");
    Lab<ProbeAgent> other(config_for(path), kTransitions, 1, probe);
    other.trainer.load(ArchiveReader(scratch / "forged"));
  };
  CHECK_NOTHROW(loads("trainer.steps", 60));
  CHECK_THROWS_WITH_AS(loads("trainer.steps", 61), "\"trainer.steps\" is 61; accepted: 0 to 60",
                       UserError);
  CHECK_THROWS_WITH_AS(loads("trainer.updates", 31),
                       "\"trainer.updates\" is 31; accepted: 0 to 30, which 30 steps come to",
                       UserError);
}

TEST_CASE("updates allocate nothing in steady state") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {});
  const auto check = [&](const Sampling& sampling, auto make_agent) {
    using A = typename decltype(make_agent(std::declval<envs::EnvSpec>()))::element_type;
    Lab<A> lab(config_for(path), sampling, 2, make_agent);
    lab.run_to(10);
    const long before = palaestra::testing::allocations();
    lab.run_to(60);
    CHECK(palaestra::testing::allocations() == before);
  };
  check(kTransitions, probe);
  check(windows(), window_probe);
  check(windows(replay::WindowFit::kWhole), window_probe);
  check(kTransitions, [](const envs::EnvSpec& spec) {
    return std::make_unique<NormalizedAgent>(probe(spec), Threads(2));
  });
  check(windows(), [](const envs::EnvSpec& spec) {
    return std::make_unique<NormalizedAgent>(window_probe(spec), Threads(2));
  });
}

TEST_CASE("an agent of the other kind, or of other sizes, is refused") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {});
  Lab<WindowProbe> one(config_for(path), kTransitions, 1, window_probe);
  CHECK_THROWS_WITH_AS(one.trainer.advance(),
                       "agent windows learns from windows of episodes, not from transitions",
                       UserError);
  Lab<ProbeAgent> other(config_for(path), windows(), 1, probe);
  CHECK_THROWS_WITH_AS(other.trainer.advance(),
                       "agent probe learns from transitions, not from windows of episodes",
                       UserError);
  CHECK(other.trainer.updates() == 0);
  CHECK_THROWS_WITH_AS(
      Lab<WindowProbe>(config_for(path), windows(), 1,
                       [](const envs::EnvSpec&) { return std::make_unique<WindowProbe>(4, 1); }),
      doctest::Contains("agent windows was made for 4 observations"), UserError);
  TrainConfig config = config_for(path);
  config.n_step = 2;
  CHECK_THROWS_WITH_AS(Lab<WindowProbe>(config, windows(), 1, window_probe),
                       doctest::Contains("n_step is 2; accepted: 1"), UserError);
  // no episode is that long
  Lab<WindowProbe> long_one(config_for(path), windows(replay::WindowFit::kWhole, 201), 1,
                            window_probe);
  CHECK_THROWS_AS(long_one.trainer.advance(), UserError);
}

TEST_CASE("a loss that is not finite is reported with its step and update") {
  const Scratch scratch;
  Lab<ProbeAgent> lab(config_for(record(scratch / "set-v0", {})), kTransitions, 1, probe);
  lab.agent->on_update = [&](const replay::Minibatch&) {
    if (lab.agent->updates() == 5) {
      throw std::runtime_error("loss is nan");
    }
  };
  CHECK_THROWS_WITH_AS(lab.run_to(60), "training diverged at step 5, update 5: loss is nan",
                       UserError);
}

TEST_CASE("a normalised agent sees the data with mean 0 and deviation 1, everywhere") {
  const Scratch scratch;
  // the third number hardly moves: its deviation is held at the floor
  const fs::path path =
      record(scratch / "set-v0", {.env = "Pendulum-v1", .change = [](RecordedEpisode& e) {
                                    auto* numbers = reinterpret_cast<float*>(e.observation.data());
                                    for (std::size_t i = 0;
                                         i < e.observation.size() / sizeof(float); i += 3) {
                                      numbers[i + 1] = 5 + 3 * numbers[i + 1];
                                      numbers[i + 2] = 2 + 1e-4f * numbers[i + 2];
                                    }
                                  }});
  Lab<NormalizedAgent> lab(config_for(path), {.batch_size = 4000, .discount = 0.9}, 1,
                           [](const envs::EnvSpec& spec) {
                             return std::make_unique<NormalizedAgent>(probe(spec), Threads(1));
                           });
  const replay::DataSet file(path);
  double mean = 0, squares = 0;
  for (Index e = 0; e < 3; ++e) {
    const auto states = file.read_vector<float>("observation", e, 0, 200);
    for (std::size_t t = 0; t < 200; ++t) mean += static_cast<double>(states[3 * t + 1]) / 600;
  }
  for (Index e = 0; e < 3; ++e) {
    const auto states = file.read_vector<float>("observation", e, 0, 200);
    for (std::size_t t = 0; t < 200; ++t) {
      squares += std::pow(static_cast<double>(states[3 * t + 1]) - mean, 2) / 600;
    }
  }
  CHECK(lab.agent->mean()[1] == doctest::Approx(mean).epsilon(1e-6));
  CHECK(lab.agent->deviation()[1] == doctest::Approx(std::sqrt(squares)).epsilon(1e-6));
  CHECK(lab.agent->deviation()[2] == doctest::Approx(0.01));
  auto& inner = dynamic_cast<ProbeAgent&>(lab.agent->inner());
  inner.on_update = [&](const replay::Minibatch& b) {
    double sum = 0, sum_of_squares = 0;
    for (std::size_t i = 0; i < at(b.rows); ++i) {
      const auto x = static_cast<double>(b.observation[3 * i + 1]);
      sum += x / 4000, sum_of_squares += x * x / 4000;
      CHECK(std::abs(b.next_observation[3 * i + 2]) < 0.1f);
    }
    CHECK(std::abs(sum) < 0.1);
    CHECK(sum_of_squares == doctest::Approx(1).epsilon(0.1));
  };
  lab.run_to(2);
  // acting: what the agent within does with the scaled observation, in any number of rows
  std::vector<float> states, expected, actions(100), scaled(3);
  for (int i = 0; i < 300; ++i) states.push_back(static_cast<float>(std::sin(i)) * 4 + 5);
  lab.agent->act(states, 100, 0, 2, ActMode::kSample, 0, actions);
  for (Index row = 0; row < 100; ++row) {
    for (std::size_t k = 0; k < 3; ++k) {
      scaled[k] = (states[at(3 * row) + k] - lab.agent->mean()[k]) / lab.agent->deviation()[k];
    }
    CHECK(actions[at(row)] == inner.action(scaled, row, 2, ActMode::kSample));
  }
  // files: what was saved acts alike
  ArchiveWriter archive;
  lab.agent->save(archive, "agent.");
  archive.save(scratch / "agent");
  NormalizedAgent other(probe(lab.data.spec()), Threads(1));
  std::vector<float> again(100);
  other.act(states, 100, 0, 2, ActMode::kSample, 0, again);
  CHECK(again != actions);
  other.load(ArchiveReader(scratch / "agent"), "agent.");
  other.act(states, 100, 0, 2, ActMode::kSample, 0, again);
  CHECK(again == actions);
}

TEST_CASE("normalised windows are those of the raw ones, and their padding stays 0") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {.env = "CartPole-v1", .episodes = 6});
  Sampling sampling = windows();
  sampling.windows->columns = {{"observation", true}, {"reward"}};
  for (const auto padding : {replay::WindowPadding::kBehind, replay::WindowPadding::kInFront,
                             replay::WindowPadding::kInPlace}) {
    sampling.windows->shape = {.length = 7, .before = 3, .padding = padding};
    Lab<WindowProbe> raw(config_for(path), sampling, 1, window_probe);
    Lab<NormalizedAgent> lab(config_for(path), sampling, 1, [](const envs::EnvSpec& spec) {
      return std::make_unique<NormalizedAgent>(window_probe(spec), Threads(1));
    });
    std::vector<std::vector<float>> seen;
    raw.agent->on_update = [&](const replay::WindowBatch& b) {
      const auto values = b.column("observation").values<float>();
      seen.emplace_back(values.begin(), values.end());
    };
    raw.run_to(10);
    std::size_t k = 0, zeros = 0;
    dynamic_cast<WindowProbe&>(lab.agent->inner()).on_update = [&](const replay::WindowBatch& b) {
      const auto values = b.column("observation").values<float>();
      for (std::size_t i = 0; i < values.size(); ++i) {
        const bool padding_row = std::all_of(seen[k].begin() + static_cast<Index>(i / 4 * 4),
                                             seen[k].begin() + static_cast<Index>(i / 4 * 4 + 4),
                                             [](float x) { return x == 0; });
        zeros += padding_row ? 1 : 0;
        CHECK(values[i] == (padding_row ? 0.0f
                                        : (seen[k][i] - lab.agent->mean()[i % 4]) /
                                              lab.agent->deviation()[i % 4]));
      }
      ++k;
    };
    lab.run_to(10);
    CHECK(k == 10);
    CHECK(zeros > 0);
  }
}

TEST_CASE("observations that cannot be scaled, or are scaled already, are refused") {
  const Scratch scratch;
  const auto normalized = [](bool uses_data) {
    return [=](const envs::EnvSpec& spec) {
      auto inner = window_probe(spec);
      inner->uses_data = uses_data;
      return std::make_unique<NormalizedAgent>(std::move(inner), Threads(1));
    };
  };
  Sampling sampling = windows();
  sampling.windows->columns = {{"reward"}};
  CHECK_THROWS_WITH_AS(
      Lab<NormalizedAgent>(config_for(record(scratch / "a-v0", {})), sampling, 1, normalized(true)),
      doctest::Contains("agent windows scales observations by itself"), UserError);
  CHECK_THROWS_WITH_AS(
      Lab<NormalizedAgent>(config_for(record(scratch / "b-v0", {.env = "FrozenLake-v1"})), sampling,
                           1, normalized(false)),
      doctest::Contains("observations are 1 x int64"), UserError);
}
