#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include <palaestra/agents/doc/latents.h>
#include <palaestra/agents/doc/planner.h>
#include <palaestra/core/error.h>
#include <tests/agents/doc/data.h>
#include <tests/agents/doc/example.h>

namespace palaestra::agents::doc {
namespace {

using testing::Batches;
using testing::Data;
using testing::small_config;

void set_block(Learner& learner, const std::string& name, float value) {
  const nn::Parameter& p = learner.networks().model.find(name);
  std::fill_n(learner.model().begin() + p.offset, p.size(), value);
}

/// V(s, z) = z and p(z|s) = N(0, 1), for one hidden unit, no activation and one number of z.
void make_identity(Learner& learner) {
  set_block(learner, "value.hidden.0.weight", 0);
  const nn::Parameter& first = learner.networks().model.find("value.hidden.0.weight");
  learner.model()[static_cast<std::size_t>(first.offset + first.size() - 1)] = 1;  // of z
  set_block(learner, "value.hidden.0.bias", 0);
  set_block(learner, "value.output.weight", 1);
  set_block(learner, "value.output.bias", 0);
  set_block(learner, "prior.output.weight", 0);
  set_block(learner, "prior.output.bias", 0);
}

std::vector<float> some_states(const Data& data, Index rows) {
  std::vector<float> states(static_cast<std::size_t>(rows * data.observation.size()));
  Stream random(3, testing::kPurpose);
  for (float& x : states) {
    x = data.counted ? static_cast<float>(random.below(6)) : static_cast<float>(random.normal());
  }
  return states;
}

struct Plan {
  std::vector<float> z, value;
  friend bool operator==(const Plan&, const Plan&) = default;
};

Plan plan(Planner& planner, Index latent, std::span<const float> states, Index rows, Index first,
          Index step, Candidates from) {
  Plan result{std::vector<float>(static_cast<std::size_t>(rows * latent)),
              std::vector<float>(static_cast<std::size_t>(rows))};
  planner.plan(states, rows, first, step, from, result.z, result.value);
  return result;
}

}  // namespace

TEST_CASE("the best of 100 draws of a standard normal is 2.508 in the mean") {
  const Data data(true, testing::episode_lengths());
  DocConfig config = small_config();
  config.hidden = {1};
  config.activation = nn::Activation::kIdentity;
  config.latent = 1;
  config.candidates = 100;
  Learner learner(data.task(), config, 4);
  make_identity(learner);
  Planner planner(learner);
  double mean = 0;
  constexpr Index kRepeats = 2000;
  const auto states = some_states(data, kRepeats);
  const Plan best = plan(planner, 1, states, kRepeats, 0, 0, Candidates::kPrior);
  for (std::size_t i = 0; i < static_cast<std::size_t>(kRepeats); ++i) {
    mean += double{best.z[i]} / kRepeats;
    // V promises z, in the units of returns
    CHECK(best.value[i] ==
          doctest::Approx(learner.task().return_scale.from(best.z[i])).epsilon(1e-5));
  }
  CHECK(std::abs(mean - 2.508) < 0.05);

  config.prior_truncation = 1;
  Learner cut(data.task(), config, 4);
  make_identity(cut);
  Planner within(cut);
  for (const float z :
       plan(within, 1, std::span(states).first(200), 200, 0, 0, Candidates::kPrior).z) {
    CHECK_UNARY(z <= 1.0f);
    CHECK_UNARY(z > 0.7f);
  }
}

TEST_CASE("a plan is the candidate of the largest value, whoever computes it") {
  for (const bool counted : {true, false}) {
    const Data data(counted, testing::episode_lengths());
    const DocConfig config = small_config();
    Learner learner(data.task(), config, 6);
    Batches batches(data, config);
    for (int k = 0; k < 20; ++k) learner.update(batches.next());
    Planner planner(learner);
    constexpr Index kRows = 5;
    const auto states = some_states(data, kRows);
    const Plan best = plan(planner, config.latent, states, kRows, 0, 0, Candidates::kPrior);
    // V of the chosen latents, one by one and in double
    const Networks& nets = learner.networks();
    nn::Graph graph;
    const Index width = nets.sizes.observation;
    const nn::Expr s = nn::input(graph, "s", {1, nn::kBatch, width});
    const nn::Expr z = nn::input(graph, "z", {1, nn::kBatch, config.latent});
    nn::Program<double> value(graph, {.values = {{"v", nets.value_of(s, z)}}, .gradients = {}});
    std::vector<float> encoded(static_cast<std::size_t>(kRows * width));
    encode_observations(learner.task(), states, kRows, encoded);
    const std::vector<double> in(encoded.begin(), encoded.end()),
        latent(best.z.begin(), best.z.end());
    const std::vector<double> model(learner.model().begin(), learner.model().end());
    value.bind_input(value.input("s"), in);
    value.bind_input(value.input("z"), latent);
    value.bind_vector(value.vector("model"), model);
    value.run(kRows);
    for (std::size_t i = 0; i < static_cast<std::size_t>(kRows); ++i) {
      const auto v = static_cast<float>(value.value(value.output("v"))[i]);
      CHECK(best.value[i] == doctest::Approx(learner.task().return_scale.from(v)).epsilon(1e-4));
    }
  }
}

TEST_CASE("plans and actions do not depend on how rows are split, nor on threads") {
  for (const bool counted : {true, false}) {
    const Data data(counted, testing::episode_lengths());
    const DocConfig config = small_config();
    Learner learner(data.task(), config, 6);
    Batches batches(data, config);
    for (int k = 0; k < 5; ++k) learner.update(batches.next());
    const auto bank = std::make_shared<const Bank>(bank_of(learner, data.buffer.storage(), 2));
    constexpr Index kRows = 150;
    const auto states = some_states(data, kRows);
    const auto width = data.observation.size();
    for (const Candidates from : {Candidates::kPrior, Candidates::kBank}) {
      Planner whole(learner);
      whole.set_bank(bank);
      const Plan all = plan(whole, config.latent, states, kRows, 10, 3, from);
      if (from == config.candidates_from) {
        Plan named = all;
        std::fill(named.z.begin(), named.z.end(), 0.0f);
        whole.plan(states, kRows, 10, 3, named.z, named.value);
        CHECK(named == all);
      }
      std::vector<float> actions(kRows), mode(kRows);
      whole.act(states, kRows, 10, 3, rollout::ActMode::kSample, all.z, actions);
      whole.act(states, kRows, 10, 3, rollout::ActMode::kMean, all.z, mode);
      CHECK(actions != mode);
      for (const int threads : {2, 3, 7}) {
        Planner other(learner, Threads{threads});
        other.set_bank(bank);
        CHECK(plan(other, config.latent, states, kRows, 10, 3, from) == all);
      }
      Index begin = 0;
      for (const Index count : {Index{1}, Index{70}, Index{79}}) {
        const auto part = std::span(states).subspan(static_cast<std::size_t>(begin * width),
                                                    static_cast<std::size_t>(count * width));
        const Plan some = plan(whole, config.latent, part, count, 10 + begin, 3, from);
        CHECK(std::equal(some.z.begin(), some.z.end(), all.z.begin() + begin * config.latent));
        std::vector<float> own(static_cast<std::size_t>(count));
        whole.act(part, count, 10 + begin, 3, rollout::ActMode::kSample, some.z, own);
        CHECK(std::equal(own.begin(), own.end(), actions.begin() + begin));
        begin += count;
      }
      CHECK((plan(whole, config.latent, states, kRows, 10, 4, from) == all) ==
            (from == Candidates::kBank));
    }
  }
}

TEST_CASE("the bank holds latents that the encoder gave to windows of the same state") {
  const Data data(true, testing::episode_lengths());
  const DocConfig config = small_config();
  Learner learner(data.task(), config, 6);
  const Bank bank = bank_of(learner, data.buffer.storage(), 2);
  CHECK(bank.size() <= 6 * config.bank_candidates);
  Bank::Found found;
  std::vector<Index> seen;
  for (const float state : {0.0f, 1.0f, 2.0f, 3.0f, 4.0f, 5.0f}) {
    bank.find(learner.task(), {&state, 1}, config.bank_candidates, found);
    CHECK(!found.rows.empty());
    CHECK(std::ssize(found.rows) <= config.bank_candidates);
    seen.insert(seen.end(), found.rows.begin(), found.rows.end());
  }
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) == seen.end());  // no latent serves two states
  const float unknown = 17;
  bank.find(learner.task(), {&unknown, 1}, 5, found);
  CHECK(found.rows.empty());

  // of numbers: the nearest in standardised distance, as a plain sort says
  const Data numbers(false, testing::episode_lengths());
  Learner other(numbers.task(), config, 6);
  const Bank near = bank_of(other, numbers.buffer.storage(), 2);
  CHECK(near.size() == config.bank_windows);
  const std::vector<float> state{305, 0.5f};
  near.find(other.task(), state, 5, found);
  CHECK(found.rows.size() == 5);
  CHECK(std::is_sorted(found.rows.begin(), found.rows.end()));

  const auto file = testing::scratch_file();
  ArchiveWriter archive;
  bank.save(archive, "bank.");
  archive.save(file);
  const ArchiveReader reader(file);
  const Bank again = Bank::load(reader, "bank.", learner.task(), config.latent);
  CHECK(again.size() == bank.size());
  for (Index row = 0; row < bank.size(); ++row) {
    CHECK(std::equal(bank.z(row).begin(), bank.z(row).end(), again.z(row).begin()));
  }
  CHECK_THROWS_AS(Bank::load(reader, "bank.", learner.task(), 5), UserError);
  CHECK_THROWS_AS(Bank::load(reader, "bank.", numbers.task(), config.latent), UserError);
  std::filesystem::remove(file);
}

TEST_CASE("the policy at t sees neither the reward nor the next state of t") {
  // The program is run with states and latents alone: an input that is read and not bound would be
  // an error. What remains to be seen is that nothing between buffer and states mixes steps.
  const Data data(false, testing::episode_lengths());
  const DocConfig config = small_config();
  Learner learner(data.task(), config, 6);
  Batches batches(data, config);
  for (int k = 0; k < 5; ++k) learner.update(batches.next());
  const replay::WindowBatch& batch = batches.next();

  const Networks& nets = learner.networks();
  nn::Graph graph;
  const Windows w = window_inputs(graph, nets);
  const nn::Expr z = nn::input(graph, "z", {1, nets.sizes.windows, nets.latent});
  nn::Program<float> program(
      graph, {.values = {{"policy", nets.policy_of(w.observation, z)}}, .gradients = {}},
      {.max_rows = {}});
  std::vector<float> latent(static_cast<std::size_t>(nets.sizes.windows * nets.latent));
  Stream(1, testing::kPurpose).fill_normal(latent);
  WindowBlocks blocks(nets.sizes, config.encode_reward);
  const auto heads = [&](const replay::WindowBatch& from) {
    blocks.fill(learner.task(), from);
    const std::string_view names[] = {"observation"};
    blocks.bind(program, names);
    program.bind_input(program.input("z"), latent);
    program.bind_vector(program.vector("model"), learner.model());
    program.run(std::span<const Index>());
    const auto out = program.value(program.output("policy"));
    return std::vector<float>(out.begin(), out.end());
  };
  const std::vector<float> before = heads(batch);
  const std::vector<float> window_before(blocks.window().begin(), blocks.window().end());
  // change r_t of every row, and s' of the last row of every window
  std::vector<float> reward(batch.column("reward").values<float>().begin(),
                            batch.column("reward").values<float>().end());
  std::vector<float> states(batch.column("observation").values<float>().begin(),
                            batch.column("observation").values<float>().end());
  for (float& r : reward) r += 3;
  for (std::size_t i = 0; i < static_cast<std::size_t>(batch.windows); ++i) {
    const auto last = static_cast<std::size_t>(batch.rows[i]);
    states[(i * static_cast<std::size_t>(config.window + 1) + last) * 2 + 1] += 5;
  }
  std::vector<replay::WindowBlock> changed(batch.columns.begin(), batch.columns.end());
  changed[0].bytes = std::as_bytes(std::span(states));
  changed[2].bytes = std::as_bytes(std::span(reward));
  replay::WindowBatch other = batch;
  other.columns = changed;
  CHECK(heads(other) == before);
  // the encoder does see them: the change was one
  CHECK(!std::equal(window_before.begin(), window_before.end(), blocks.window().begin()));
}

TEST_CASE("plans of a wrong length, and values that are not finite, are errors") {
  const Data data(true, testing::episode_lengths());
  const DocConfig config = small_config();
  Learner learner(data.task(), config, 6);
  Planner planner(learner);
  std::vector<float> z(8), value(2);
  CHECK_THROWS_WITH_AS(
      planner.plan(std::vector<float>{0, 1, 2}, 2, 0, 0, Candidates::kPrior, z, value),
      doctest::Contains("observations hold 3 numbers, expected 2 x 1"), UserError);
  CHECK_THROWS_AS(planner.plan(std::vector<float>{0, 6}, 2, 0, 0, Candidates::kPrior, z, value),
                  UserError);
  z.resize(7);
  CHECK_THROWS_WITH_AS(
      planner.plan(std::vector<float>{0, 1}, 2, 0, 0, Candidates::kPrior, z, value),
      doctest::Contains("latents hold 7"), UserError);
  z.resize(8);
  set_block(learner, "value.output.bias", std::nanf(""));
  CHECK_THROWS_WITH_AS(
      planner.plan(std::vector<float>{0, 1}, 2, 0, 0, Candidates::kPrior, z, value),
      doctest::Contains("value of a candidate is nan"), std::runtime_error);
}

}  // namespace palaestra::agents::doc
