// What every agent that learns from windows of recorded episodes alone has in common.

#include <palaestra/agents/recorded_agent.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <palaestra/agents/doc/agent.h>
#include <palaestra/agents/registry.h>
#include <palaestra/agents/training.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/rollout/evaluator.h>
#include <palaestra/rollout/train.h>
#include <tests/agents/sequence/episodes.h>
#include <tests/allocations.h>
#include <tests/core/scratch.h>
#include <tests/rollout/recorded.h>

namespace palaestra::agents {
namespace {

namespace fs = std::filesystem;
using rollout::ActMode;
using sequence::testing::Episodes;
using Json = nlohmann::json;

struct Variant {
  std::string agent;
  std::vector<std::pair<std::string, std::string>> settings;
};

/// Every agent of the registry that is a RecordedAgent, small, with what else takes a branch.
const std::vector<Variant>& variants() {
  static const std::vector<Variant> all = {
      {"doc",
       {{"hidden", "16"},
        {"latent", "4"},
        {"embedding", "8"},
        {"batch_size", "8"},
        {"candidates", "5"},
        {"bank_candidates", "4"},
        {"bank_windows", "40"},
        {"replan_every", "2"}}},
      {"doc",
       {{"hidden", "16"},
        {"window", "1"},
        {"beta", "0"},
        {"batch_size", "8"},
        {"candidates", "5"},
        {"bank_windows", "40"},
        {"candidates_from", "prior"}}},
      {"doc_transformer",
       {{"context", "3"},
        {"future", "2"},
        {"width", "8"},
        {"layers", "1"},
        {"hidden", "8"},
        {"latent", "4"},
        {"embedding", "8"},
        {"batch_size", "8"},
        {"candidates", "5"},
        {"bank_windows", "40"}}},
      {"decision_transformer",
       {{"context", "3"}, {"width", "8"}, {"layers", "1"}, {"batch_size", "8"}}},
      {"return_bc", {{"hidden", "16"}, {"batch_size", "8"}}}};
  return all;
}

std::unique_ptr<AgentSettings> settings_of(const Variant& variant) {
  auto settings = find(variant.agent).defaults();
  Settings fields;
  settings->add_to(fields, /*under_name=*/false);
  for (const auto& [key, value] : variant.settings) fields.set(key, value);
  return settings;
}

std::unique_ptr<rollout::Agent> make(const Variant& variant, const Episodes& data, int threads = 1,
                                     std::uint64_t seed = 3) {
  return settings_of(variant)->make(data.observation, data.action, seed, Threads{threads});
}

void learn(rollout::Agent& agent, const Variant& variant, const Episodes& data, int updates) {
  const rollout::Sampling sampling = settings_of(variant)->sampling();
  replay::WindowSampler sampler(data.buffer, sampling.windows->columns);
  for (int k = 0; k < updates; ++k) {
    Stream random(1, purpose("tests/recorded"), static_cast<std::uint64_t>(agent.updates()));
    agent.update_windows(sampler.sample(
        data.buffer, random, {.windows = sampling.batch_size, .shape = sampling.windows->shape}));
  }
}

std::string bytes_of(const rollout::Agent& agent, const Scratch& scratch) {
  ArchiveWriter archive;
  agent.save(archive, "agent.");
  archive.save(scratch / "agent");
  return read_text(scratch / "agent");
}

constexpr Index kRows = 70;  // more than a piece of 64

std::vector<float> states_of(const Episodes& data, std::uint64_t number) {
  std::vector<float> x(static_cast<std::size_t>(kRows * data.observation.size()));
  Stream random(2, purpose("tests/recorded"), number);
  for (float& value : x) {
    value = data.observation.kind == Space::Kind::kDiscrete ? static_cast<float>(random.below(5))
                                                            : static_cast<float>(random.normal());
  }
  return x;
}

/// Rows whose episodes begin at step 0 and, every third of them, again at step 3.
struct Told {
  std::vector<std::uint8_t> begins;
  std::vector<float> reward;

  explicit Told(Index step) : begins(kRows), reward(kRows) {
    for (std::size_t i = 0; i < kRows; ++i) {
      begins[i] = step == 0 || (step == 3 && i % 3 == 0) ? 1 : 0;
      reward[i] = begins[i] != 0 ? 0.0f : 0.1f * static_cast<float>(i);
    }
  }
};

/// One step of all rows, in blocks of `grain`, by as many threads as there are.
std::vector<float> act(rollout::Agent& agent, rollout::RowMemory& memory, const Episodes& data,
                       Index step, ActMode mode, Index grain, int threads) {
  const Told told(step);
  const auto states = states_of(data, static_cast<std::uint64_t>(step));
  std::vector<float> actions(static_cast<std::size_t>(kRows * agent.action_size()));
  parallel_for(Threads{threads}, kRows, grain, [&](Index begin, Index end, int thread) {
    const auto part = [&](auto span, Index width) {
      return span.subspan(static_cast<std::size_t>(begin * width),
                          static_cast<std::size_t>((end - begin) * width));
    };
    agent.act_from(memory, {part(std::span(told.begins), 1), part(std::span(told.reward), 1)},
                   part(std::span(states), agent.observation_size()), end - begin, begin, step,
                   mode, thread, part(std::span(actions), agent.action_size()));
  });
  return actions;
}

template <class Check>
void for_each(const Check& check) {
  for (const bool counted : {true, false}) {
    const Episodes data(counted, {1, 5, 6, 9, 3, 7});
    for (const Variant& variant : variants()) {
      CAPTURE(variant.agent);
      CAPTURE(counted);
      check(variant, data);
    }
  }
}

TEST_CASE("recorded agents: how rows are split, and who acts, changes no bit") {
  for_each([](const Variant& variant, const Episodes& data) {
    for (const ActMode mode : {ActMode::kSample, ActMode::kMean}) {
      std::vector<std::vector<float>> expected;
      std::vector<double> promised;
      for (const int threads : {1, 2, 3, 7}) {
        const auto agent = make(variant, data, threads);
        CHECK(agent->prepare(data.buffer.storage()));
        learn(*agent, variant, data, 3);
        const auto memory = agent->make_memory(kRows);
        for (Index step = 0; step < 5; ++step) {
          const auto actions =
              act(*agent, *memory, data, step, mode, threads == 1 ? kRows : 9, threads);
          if (threads == 1) {
            expected.push_back(actions);
          } else {
            CHECK(actions == expected[static_cast<std::size_t>(step)]);
          }
        }
        REQUIRE(memory->promised().size() == kRows);
        if (threads == 1) promised.assign(memory->promised().begin(), memory->promised().end());
        CHECK(std::equal(promised.begin(), promised.end(), memory->promised().begin()));
      }
    }
  });
}

TEST_CASE("recorded agents: act() is what a row does whose episode begins, within its bounds") {
  for_each([](const Variant& variant, const Episodes& data) {
    const auto agent = make(variant, data);
    agent->prepare(data.buffer.storage());
    learn(*agent, variant, data, 3);
    const auto memory = agent->make_memory(kRows);
    const auto from_memory = act(*agent, *memory, data, 0, ActMode::kSample, kRows, 1);
    std::vector<float> actions(from_memory.size());
    agent->act(states_of(data, 0), kRows, 0, 0, ActMode::kSample, 0, actions);
    CHECK(actions == from_memory);
    for (const float x : actions) {
      CHECK_UNARY(x >= (agent->choices() > 0 ? 0.0f : -1.0f));
      CHECK_UNARY(x <= (agent->choices() > 0 ? 2.0f : 1.0f));
    }
  });
}

TEST_CASE("recorded agents: one that was saved and loaded goes on to the same bits") {
  const Scratch scratch;
  for_each([&](const Variant& variant, const Episodes& data) {
    const auto whole = make(variant, data), first = make(variant, data),
               second = make(variant, data, 2);
    for (rollout::Agent* agent : {whole.get(), first.get()}) agent->prepare(data.buffer.storage());
    learn(*whole, variant, data, 7);
    learn(*first, variant, data, 4);
    const std::string at_cut = bytes_of(*first, scratch);
    // a trained agent that has seen no data acts as the one that has
    const auto loaded = make(variant, data, 1, /*seed=*/5);
    loaded->load(ArchiveReader(scratch / "agent"), "agent.");
    CHECK(bytes_of(*loaded, scratch) == at_cut);
    CHECK(loaded->updates() == 4);
    const auto memory = first->make_memory(kRows), other = loaded->make_memory(kRows);
    for (Index step = 0; step < 3; ++step) {
      CHECK(act(*first, *memory, data, step, ActMode::kSample, kRows, 1) ==
            act(*loaded, *other, data, step, ActMode::kSample, kRows, 1));
    }
    // a run that goes on has: prepared, then loaded
    second->prepare(data.buffer.storage());
    second->load(ArchiveReader(scratch / "agent"), "agent.");
    learn(*second, variant, data, 3);
    CHECK(bytes_of(*second, scratch) == bytes_of(*whole, scratch));
    CHECK(bytes_of(*second, scratch) != at_cut);
    for (std::size_t i = 0; i < whole->metrics().size(); ++i) {
      CHECK(second->metrics()[i].value == whole->metrics()[i].value);
    }
  });
}

TEST_CASE("recorded agents: a memory that was saved and loaded goes on to the same actions") {
  const Scratch scratch;
  for_each([&](const Variant& variant, const Episodes& data) {
    const auto agent = make(variant, data);
    agent->prepare(data.buffer.storage());
    learn(*agent, variant, data, 3);
    const auto memory = agent->make_memory(kRows), other = agent->make_memory(kRows);
    for (Index step = 0; step < 2; ++step) {
      act(*agent, *memory, data, step, ActMode::kSample, kRows, 1);
    }
    ArchiveWriter archive;
    memory->save(archive, "rows.");
    archive.save(scratch / "memory");
    other->load(ArchiveReader(scratch / "memory"), "rows.");
    for (Index step = 2; step < 5; ++step) {
      CHECK(act(*agent, *memory, data, step, ActMode::kSample, kRows, 1) ==
            act(*agent, *other, data, step, ActMode::kSample, kRows, 1));
    }
    const auto fewer = agent->make_memory(kRows - 1);
    CHECK_THROWS_AS(fewer->load(ArchiveReader(scratch / "memory"), "rows."), UserError);
  });
}

TEST_CASE("recorded agents: acting and updating allocate nothing") {
  for_each([](const Variant& variant, const Episodes& data) {
    const auto agent = make(variant, data);
    agent->prepare(data.buffer.storage());
    const rollout::Sampling sampling = settings_of(variant)->sampling();
    replay::WindowSampler sampler(data.buffer, sampling.windows->columns);
    Stream random(1, purpose("tests/recorded"));
    const replay::WindowRequest request{.windows = sampling.batch_size,
                                        .shape = sampling.windows->shape};
    const auto memory = agent->make_memory(kRows);
    const auto states = states_of(data, 0);
    std::vector<float> actions(static_cast<std::size_t>(kRows * agent->action_size()));
    const auto step = [&](Index t) {
      const Told told(t);
      const long before = palaestra::testing::allocations();
      agent->act_from(*memory, {told.begins, told.reward}, states, kRows, 0, t, ActMode::kSample, 0,
                      actions);
      agent->act(states, kRows, 0, t, ActMode::kMean, 0, actions);
      return palaestra::testing::allocations() - before;
    };
    agent->update_windows(sampler.sample(data.buffer, random, request));
    step(0);
    CHECK(step(1) == 0);
    CHECK(step(2) == 0);
    const replay::WindowBatch& batch = sampler.sample(data.buffer, random, request);
    const long before = palaestra::testing::allocations();
    agent->update_windows(batch);
    CHECK(palaestra::testing::allocations() == before);
  });
}

TEST_CASE(
    "recorded agents: before they have seen data they say so, and can be saved all the same") {
  const Scratch scratch;
  for_each([&](const Variant& variant, const Episodes& data) {
    const auto agent = make(variant, data), other = make(variant, data);
    CHECK(agent->updates() == 0);
    std::vector<float> actions(static_cast<std::size_t>(kRows * agent->action_size()));
    CHECK_THROWS_WITH_AS(agent->act(states_of(data, 0), kRows, 0, 0, ActMode::kMean, 0, actions),
                         doctest::Contains("act before it has seen a data set"), UserError);
    CHECK_THROWS_WITH_AS(agent->update_windows({}),
                         doctest::Contains("update before it has seen a data set"), UserError);
    CHECK_THROWS_WITH_AS(agent->update({}), doctest::Contains("learns from windows"), UserError);
    // its metrics have their names already
    const auto names = agent->metrics();
    other->prepare(data.buffer.storage());
    REQUIRE(names.size() == other->metrics().size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      CHECK(names[i].name == other->metrics()[i].name);
    }
    const std::string untrained = bytes_of(*agent, scratch);
    other->load(ArchiveReader(scratch / "agent"), "agent.");
    CHECK(bytes_of(*other, scratch) == untrained);
  });
}

TEST_CASE("recorded agents: data, spaces and files that do not suit are refused by name") {
  const Scratch scratch;
  const Episodes counted(true, {4, 5}), numbers(false, {4, 5});
  for (const Variant& variant : variants()) {
    CAPTURE(variant.agent);
    const auto agent = make(variant, counted);
    agent->prepare(counted.buffer.storage());
    learn(*agent, variant, counted, 1);
    const std::string before = bytes_of(*agent, scratch);
    const auto refused = [&](const replay::Storage& data, const char* message) {
      CHECK_THROWS_WITH_AS(agent->prepare(data), doctest::Contains(message), UserError);
      CHECK(bytes_of(*agent, scratch) == before);
    };
    refused(numbers.buffer.storage(), "column \"observation\" has 3 numbers");
    // no returns, and no rows
    const auto columns = replay::transition_columns(counted.observation, counted.action);
    refused(replay::WeightedReplayBuffer(columns, {.capacity = 4}).storage(), "hold no rows");
    replay::WeightedReplayBuffer no_returns(columns, {.capacity = 4});
    const std::vector<std::int64_t> state = {1}, action = {0};
    const std::vector<float> reward = {1};
    const std::vector<std::uint8_t> end = {1}, no = {0};
    const replay::NamedValues values[] = {
        {"observation", state}, {"action", action}, {"reward", reward}};
    const replay::NamedValues after[] = {{"observation", state}};
    no_returns.extend(0, {.columns = values,
                          .terminated = end,
                          .truncated = no,
                          .skip = {},
                          .next = {},
                          .last = after});
    refused(no_returns.storage(), "return_to_go");
    // choices that the spaces do not have
    const auto narrow =
        settings_of(variant)->make(Space::discrete(5), Space::discrete(2), 0, Threads{1});
    CHECK_THROWS_WITH_AS(narrow->prepare(counted.buffer.storage()),
                         doctest::Contains("whole numbers from 0 to 1"), UserError);
    // the file of an agent for other spaces
    const auto other = make(variant, numbers);
    other->prepare(numbers.buffer.storage());
    ArchiveWriter archive;
    other->save(archive, "agent.");
    archive.save(scratch / "other");
    CHECK_THROWS_AS(agent->load(ArchiveReader(scratch / "other"), "agent."), UserError);
    CHECK(bytes_of(*agent, scratch) == before);
    std::vector<float> two(2), three(3);
    CHECK_THROWS_WITH_AS(agent->act(two, 3, 0, 0, ActMode::kMean, 0, three),
                         doctest::Contains("got 2 and 3 numbers for 3 rows"), UserError);
    CHECK_THROWS_WITH_AS(agent->act(two, 2, 0, 0, ActMode::kMean, 1, two),
                         doctest::Contains("thread is 1, must be within [0, 1)"), UserError);
  }
}

TEST_CASE("the bank follows the encoder, and is part of the agent's file") {
  const Scratch scratch;
  const Episodes data(true, {1, 5, 6, 9, 3, 7});
  const Variant& variant = variants().front();
  const auto agent = make(variant, data);
  agent->prepare(data.buffer.storage());
  auto* doc = dynamic_cast<Doc*>(agent.get());
  REQUIRE(doc != nullptr);
  const auto z_of = [](const doc::Bank& bank) {
    std::vector<float> all;
    for (Index row = 0; row < bank.size(); ++row) {
      all.insert(all.end(), bank.z(row).begin(), bank.z(row).end());
    }
    return all;
  };
  const auto untrained = z_of(*doc->model()->bank());
  CHECK(!untrained.empty());
  learn(*agent, variant, data, 3);
  const auto trained = z_of(*doc->model()->bank());
  CHECK(trained != untrained);
  // what a learner with these parameters gives for the same windows
  doc::Learner learner(doc->model()->learner().task(), doc->config(), 3);
  std::ranges::copy(doc->model()->learner().model(), learner.model().begin());
  CHECK(z_of(doc::bank_of(learner, data.buffer.storage(), 3)) == trained);
  bytes_of(*agent, scratch);
  const ArchiveReader archive(scratch / "agent");
  CHECK(z_of(doc::Bank::load(archive, "agent.bank.", learner.task(), 4)) == trained);
}

/// Runs of `palaestra train --data` in a folder.
struct Run {
  const Variant& variant;
  fs::path data;
  int threads = 1;
  std::optional<Index> interrupt_at{};

  rollout::Outcome operator()(const fs::path& folder) const {
    RunSettings settings(variant.agent);
    for (const auto& [key, value] : variant.settings) {
      settings.set(key, value.c_str());
    }
    settings.set("data", data.c_str());
    settings.set("steps", "60");
    settings.set("seed", "5");
    settings.set("evaluate_every", "25");
    settings.set("evaluate_episodes", "3");
    settings.set("checkpoint_every", "20");
    settings.set("log_every", "10");
    const Training training = make_training(settings, Threads{threads});
    const auto directory = rollout::RunDirectory::exists(folder)
                               ? rollout::RunDirectory::open(folder)
                               : rollout::RunDirectory::create(folder, rollout::Existing::kRefuse);
    return rollout::train(
        *training.trainer, directory, {settings.settings.to_toml(), "{}"}, Threads{threads},
        {.interrupted = [&] { return interrupt_at && training.trainer->steps() >= *interrupt_at; },
         .progress = {},
         .evaluated = {}});
  }
};

TEST_CASE("recorded agents: a run ends in the same bytes for 1, 2, 3 and 7 threads, cut or not") {
  const Scratch scratch;
  const fs::path lake = rollout::testing::record(
      scratch / "lake-v0", {.env = "FrozenLake-v1", .episodes = 12, .seed = 7});
  const fs::path swings = rollout::testing::record(
      scratch / "swings-v0", {.env = "Pendulum-v1", .episodes = 4, .seed = 7, .time_limit = 20});
  int number = 0;
  for (const Variant& variant : variants()) {
    for (const fs::path& data : {lake, swings}) {
      CAPTURE(variant.agent);
      CAPTURE(data.string());
      const fs::path whole = scratch / std::to_string(number++);
      CHECK(Run{variant, data}(whole) == rollout::Outcome::kComplete);
      const std::string bytes = read_text(whole / "final.safetensors");
      const std::string evaluations = read_text(whole / "eval.jsonl");
      for (const int threads : {2, 3, 7}) {
        const fs::path other = scratch / std::to_string(number++);
        CHECK(Run{variant, data, threads}(other) == rollout::Outcome::kComplete);
        CHECK(read_text(other / "final.safetensors") == bytes);
        CHECK(read_text(other / "eval.jsonl") == evaluations);
      }
      const fs::path cut = scratch / std::to_string(number++);
      CHECK(Run{variant, data, 2, 33}(cut) == rollout::Outcome::kInterrupted);
      CHECK(Run{variant, data, 1}(cut) == rollout::Outcome::kComplete);
      CHECK(read_text(cut / "final.safetensors") == bytes);
      CHECK(read_text(cut / "eval.jsonl") == evaluations);

      // each evaluation says what was promised, and by how much that was too much
      std::istringstream lines(evaluations);
      Index count = 0;
      for (std::string line; std::getline(lines, line); ++count) {
        const Json row = Json::parse(line);
        const auto promised = row.at("promised").get<std::vector<double>>();
        REQUIRE(promised.size() == 3);
        const double mean = (promised[0] + promised[1] + promised[2]) / 3;
        CHECK(row.at("promised_mean").get<double>() == doctest::Approx(mean));
        CHECK(row.at("gap").get<double>() ==
              doctest::Approx(mean - row.at("return_mean").get<double>()));
      }
      CHECK(count == 3);
      // the same from the run's file
      const LoadedRun loaded = load_run(whole, Threads{1});
      rollout::Evaluator evaluator(loaded.settings->train.env, {}, 3, Threads{1});
      rollout::AgentPolicy policy(*loaded.agent, ActMode::kMean, evaluator.spec(), 3);
      const rollout::Evaluation again = evaluator.run(policy, 5, 60);
      CHECK(again.promised.size() == 3);
      const Json last = Json::parse(evaluations.substr(evaluations.rfind("{\"step\"")));
      CHECK(again.returns == last.at("returns").get<std::vector<double>>());
      CHECK(again.promised == last.at("promised").get<std::vector<double>>());
    }
  }
}

TEST_CASE("a return that is asked for is the data's best, or the one that is set") {
  const Episodes data(true, {4, 5, 2});
  // rewards are the actions' numbers: the best return by the rows themselves
  double best = 0;
  for (Index k = 0; k < data.buffer.size(); ++k) {
    best = std::max(
        best, replay::return_to_go(data.buffer.storage(),
                                   data.buffer.storage().id_of(data.buffer.storage().locate(k)), 1)
                  .sum);
  }
  for (const auto& [set, last] : {std::pair(false, 1), {true, 1}, {false, 2}, {true, 2}}) {
    Variant variant = variants()[variants().size() - static_cast<std::size_t>(last)];
    CAPTURE(variant.agent);
    if (set) variant.settings.emplace_back("target_return", "2.5");
    const auto agent = make(variant, data);
    agent->prepare(data.buffer.storage());
    const auto memory = agent->make_memory(kRows);
    act(*agent, *memory, data, 0, ActMode::kMean, kRows, 1);
    for (const double x : memory->promised()) CHECK(x == (set ? 2.5 : best));
  }
}

TEST_CASE("agents that need recorded episodes say so where there are none") {
  for (const Variant& variant : variants()) {
    RunSettings settings(variant.agent);
    settings.set("env", "FrozenLake-v1");
    CHECK_THROWS_WITH_AS(make_training(settings, Threads{1}),
                         doctest::Contains("learns from returns of whole episodes"), UserError);
  }
}

}  // namespace
}  // namespace palaestra::agents
