#include <palaestra/agents/ailboost/trainer.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <palaestra/agents/ailboost/ensemble.h>
#include <palaestra/agents/ailboost/plan.h>
#include <palaestra/agents/discriminator/learner.h>
#include <palaestra/agents/sac/learner.h>
#include <palaestra/agents/training.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/rollout/normalized_agent.h>
#include <tests/core/scratch.h>
#include <tests/rollout/forged.h>
#include <tests/rollout/recorded.h>

namespace palaestra::agents {
namespace {

using ailboost::Trainer;
using Changes = std::vector<std::pair<std::string, std::string>>;

/// Episodes of 20 steps, rounds of 30 + 40, tiny networks; 3 demonstrations of random actions.
struct Lab {
  explicit Lab(const std::filesystem::path& data, const Changes& changes = {}, int threads = 1,
               const std::string& agent = "ailboost")
      : settings(agent) {
    const Changes usual = {{"data", data.string()},
                           {"env", "Pendulum-v1"},
                           {"steps", "400"},
                           {"seed", "3"},
                           {"learning_starts", "45"},
                           {"updates_per_step", "0.5"},
                           {"capacity", "5000"},
                           {"wrap.action_repeat", "10"},
                           {"round_steps", "30"},
                           {"samples_per_round", "40"},
                           {"discriminator_steps", "4"},
                           {"sac.hidden", "8"},
                           {"sac.batch_size", "8"},
                           {"discriminator.hidden", "8"},
                           {"discriminator.batch_size", "8"}};
    for (const auto* list : {&usual, &changes}) {
      for (const auto& [key, value] : *list) settings.set(key, value.c_str());
    }
    training = make_training(settings, Threads(threads));
  }

  Trainer& trainer() { return dynamic_cast<Trainer&>(*training.trainer); }
  AilBoost& agent() {
    auto* normalized = dynamic_cast<rollout::NormalizedAgent*>(training.agent.get());
    return dynamic_cast<AilBoost&>(normalized != nullptr ? normalized->inner() : *training.agent);
  }
  double metric(std::string_view name) {
    const auto metrics = agent().metrics();
    return std::ranges::find(metrics, name, &rollout::Metric::name)->value;
  }
  void run_to(Index steps) {
    while (trainer().steps() < steps) trainer().advance();
  }
  std::string state(const Scratch& scratch) {
    ArchiveWriter archive;
    trainer().save(archive);
    archive.save(scratch / "state.safetensors");
    return read_text(scratch / "state.safetensors");
  }

  RunSettings settings;
  Training training;
};

std::filesystem::path demonstrations(const Scratch& scratch) {
  return rollout::testing::record(scratch / "demos-v0", {.time_limit = 20});
}

/// The numbers of groups and of rows that belong to none.
struct Rows {
  explicit Rows(const replay::WeightedReplayBuffer& buffer) : all(buffer.size()) {
    for (Index k = 0; k < buffer.groups().size(); ++k) {
      learners += buffer.groups().info(k).rows;
    }
  }
  Index all, learners = 0;
};

TEST_CASE("rounds come in the published order, and the steps of both sorts count") {
  const Scratch scratch;
  Lab lab(demonstrations(scratch));
  Trainer& trainer = lab.trainer();
  CHECK(trainer.spec().time_limit == 20);
  CHECK(trainer.demonstrations().buffer().size() == 60);

  lab.run_to(45);  // random actions; nothing to learn from
  CHECK(trainer.training_steps() == 45);
  CHECK(trainer.updates() == 0);
  CHECK(lab.agent().ensemble().size() == 0);
  CHECK(Rows(trainer.own_rows()).all == 40);  // two whole episodes

  const Index cycle = 70;
  for (Index round = 0; round < 5; ++round) {
    CAPTURE(round);
    const Index start = 45 + round * cycle;
    lab.run_to(start + 1);
    CHECK(trainer.sampling());
    CHECK(Rows(trainer.own_rows()).all == 40 * round);  // practice is forgotten
    const auto policy = lab.agent().learner().actor_vector();
    const std::vector<float> frozen(policy.begin(), policy.end());
    lab.run_to(start + 39);
    CHECK(lab.agent().ensemble().size() == round);
    CHECK(lab.agent().discriminator().updates() == 4 * round);
    lab.run_to(start + 40);  // two episodes
    CHECK(!trainer.sampling());
    CHECK(trainer.training_steps() == 45 + 30 * round);
    CHECK(lab.agent().ensemble().size() == round + 1);
    CHECK(std::ranges::equal(lab.agent().ensemble().parameters(round), frozen));
    CHECK(lab.agent().discriminator().updates() == 4 * (round + 1));
    CHECK(lab.metric("rounds") == static_cast<double>(round + 1));
    CHECK(trainer.updates() == 15 * round);
    lab.run_to(start + cycle);
    CHECK(trainer.updates() == 15 * (round + 1));
    CHECK(trainer.training_steps() == 45 + 30 * (round + 1));
    const Rows rows(trainer.own_rows());
    CHECK(rows.learners == 40 * (round + 1));
    CHECK(rows.all > rows.learners);  // the newest whole episodes of practice
    CHECK(rows.all <= rows.learners + 40);
  }
  // weights: alpha (1 - alpha)^age, the oldest with the rest
  const auto& ensemble = lab.agent().ensemble();
  CHECK(ensemble.weight(0) == doctest::Approx(std::pow(0.95, 4)).epsilon(1e-12));
  CHECK(ensemble.weight(3) == doctest::Approx(0.05 * 0.95).epsilon(1e-12));
  CHECK(ensemble.weight(4) == doctest::Approx(0.05).epsilon(1e-12));
  CHECK(lab.metric("oldest_mass") == ensemble.weight(0));
  CHECK(lab.metric("learners") == 5);
}

TEST_CASE("the rows of a learner are drawn alike, or an episode of it first") {
  const Scratch scratch;
  const auto data = demonstrations(scratch);
  std::vector<float> by_rows;
  for (const std::string draws : {"rows", "episodes"}) {
    CAPTURE(draws);
    const auto selection =
        draws == "rows" ? replay::Selection::kGroup : replay::Selection::kGroupEpisode;
    Lab lab(data, {{"learner_draws", draws}, {"discriminator_steps", "1"}});
    lab.run_to(45 + 39);  // a step before the first round ends
    AilBoost other(Space::box(3, -1, 1), Space::box(1, -2, 2), lab.agent().config(), 3);
    ArchiveWriter archive;
    lab.agent().save(archive, "");
    archive.save(scratch / "agent");
    other.load(ArchiveReader(scratch / "agent"), "");
    lab.run_to(45 + 40);
    REQUIRE(lab.agent().discriminator().updates() == 1);
    // the same update by hand
    const auto rows_of = [&](const replay::WeightedReplayBuffer& buffer, replay::Selection how,
                             std::uint64_t side) {
      std::pair<replay::Draw, replay::MinibatchMemory> rows;
      Stream random(3, purpose("ailboost/discriminator"), side, 0);
      const replay::SampleRequest request{.rows = 8, .selection = how};
      buffer.draw(random, request, rows.first);
      buffer.gather(rows.first, request, rows.second);
      return rows;
    };
    auto own = rows_of(lab.trainer().own_rows(), selection, 0);
    auto expert = rows_of(lab.trainer().demonstrations().buffer(), replay::Selection::kGroup, 1);
    other.imitate(own.second.view(own.first), expert.second.view(expert.first));
    const auto learnt = lab.agent().discriminator().vector();
    CHECK(std::ranges::equal(learnt, other.discriminator().vector()));
    CHECK(!std::ranges::equal(learnt, by_rows));
    by_rows.assign(learnt.begin(), learnt.end());
  }
}

TEST_CASE("the control weights all alike, and does everything else the same") {
  const Scratch scratch;
  const auto data = demonstrations(scratch);
  Lab geometric(data), uniform(data, {}, 1, "ailboost_uniform");
  CHECK(uniform.agent().name() == "ailboost_uniform");
  geometric.run_to(45 + 40);
  uniform.run_to(45 + 40);  // one learner: no difference yet
  CHECK(std::ranges::equal(geometric.agent().discriminator().vector(),
                           uniform.agent().discriminator().vector()));
  geometric.run_to(400);
  uniform.run_to(400);
  CHECK(uniform.trainer().updates() == geometric.trainer().updates());
  const auto& ensemble = uniform.agent().ensemble();
  for (Index k = 0; k < ensemble.size(); ++k) {
    CHECK(ensemble.weight(k) == doctest::Approx(1.0 / static_cast<double>(ensemble.size())));
  }
  CHECK(!std::ranges::equal(geometric.agent().discriminator().vector(),
                            uniform.agent().discriminator().vector()));
}

TEST_CASE("no more learners are kept than asked for, nor rows of those that went") {
  const Scratch scratch;
  const auto data = demonstrations(scratch);
  for (const std::string eviction : {"inherit", "renormalise"}) {
    CAPTURE(eviction);
    Lab lab(data, {{"max_learners", "3"}, {"eviction", eviction}, {"alpha", "0.2"}});
    lab.run_to(45 + 5 * 70);
    const auto& ensemble = lab.agent().ensemble();
    REQUIRE(ensemble.size() == 3);
    CHECK(ensemble.id(0) == 2);
    // the closed form of three, or what is left of five scaled up
    std::vector<double> expected = {1};
    for (int round = 1; round < 5; ++round) {
      if (expected.size() == 3) {
        const double gone = expected[0];
        expected.erase(expected.begin());
        for (double& mass : expected) mass /= 1 - gone;
      }
      for (double& mass : expected) mass *= 0.8;
      expected.push_back(0.2);
    }
    if (eviction == "inherit") expected = {0.64, 0.16, 0.2};
    for (Index k = 0; k < 3; ++k) {
      CHECK(ensemble.weight(k) ==
            doctest::Approx(expected[static_cast<std::size_t>(k)]).epsilon(1e-9));
    }
    CHECK(Rows(lab.trainer().own_rows()).learners == 120);
  }
}

TEST_CASE("a full buffer lets learners go whose rows are gone") {
  const Scratch scratch;
  Lab lab(demonstrations(scratch), {{"capacity", "100"}});
  lab.run_to(45 + 5 * 70);
  CHECK(lab.agent().ensemble().size() == 3);  // 40, 40 and half of 40 rows
  CHECK(Rows(lab.trainer().own_rows()).learners == 100);
  CHECK(lab.agent().ensemble().weight(0) == doctest::Approx(0.95 * 0.95));
}

TEST_CASE("what practice gave is kept where it is to be") {
  const Scratch scratch;
  Lab lab(demonstrations(scratch), {{"keep_online", "true"}});
  lab.run_to(45 + 5 * 70);
  const Rows rows(lab.trainer().own_rows());
  CHECK(rows.learners == 200);
  CHECK(rows.all == 200 + 180);  // 195 steps: nine whole episodes
}

TEST_CASE("a run that is saved and loaded at any step goes on to the same bits") {
  const Scratch scratch;
  const auto data = demonstrations(scratch);
  const std::vector<Changes> variants = {
      {},
      {{"n", "3"}, {"keep_online", "true"}, {"rl_rows", "weighted"}, {"learner_draws", "episodes"}},
      {{"own_share", "0.75"}, {"max_learners", "2"}, {"reset_temperature", "true"}},
      {{"learning_starts", "0"}, {"eviction", "renormalise"}, {"capacity", "100"}},
      {{"normalize_observations", "true"}, {"demonstration_every", "5"}}};
  for (const Changes& changes : variants) {
    Lab whole(data, changes);
    while (!whole.trainer().done()) whole.trainer().advance();
    const std::string expected = whole.state(scratch);
    Stream random(1, purpose("tests/cuts"));
    for (int trial = 0; trial < 5; ++trial) {
      const Index cut = 1 + random.below(399);
      CAPTURE(cut);
      Lab first(data, changes, 1 + trial % 3);
      first.run_to(cut);
      const std::string at_cut = first.state(scratch);
      Lab second(data, changes, 3 - trial % 3);
      second.trainer().load(ArchiveReader(scratch / "state.safetensors"));
      CHECK(second.state(scratch) == at_cut);
      while (!second.trainer().done()) second.trainer().advance();
      CHECK(second.state(scratch) == expected);
    }
  }
}

TEST_CASE("the same bits for any number of threads") {
  const Scratch scratch;
  const auto data = demonstrations(scratch);
  const Changes many = {{"n", "5"}};
  const auto run = [&](int threads) {
    Lab lab(data, many, threads);
    lab.run_to(300);
    return lab.state(scratch);
  };
  const std::string one = run(1);
  for (const int threads : {2, 3, 7}) CHECK(run(threads) == one);
}

TEST_CASE("no update is made before there is a reward, however many environments there are") {
  const Scratch scratch;
  Lab lab(demonstrations(scratch), {{"n", "7"}, {"learning_starts", "10"}});
  while (lab.agent().ensemble().size() == 0) {
    CHECK(lab.trainer().updates() == 0);
    lab.trainer().advance();
  }
  lab.trainer().advance();
  CHECK(lab.trainer().updates() > 0);
}

TEST_CASE("discriminator and learners see observations on the scale of the demonstrations") {
  const Scratch scratch;
  const auto data = demonstrations(scratch);
  Lab plain(data), scaled(data, {{"normalize_observations", "true"}});
  // one step of the discriminator alone, on rows that are the same but for their scale
  for (Lab* lab : {&plain, &scaled}) lab->run_to(45 + 40);
  CHECK(!std::ranges::equal(plain.agent().discriminator().vector(),
                            scaled.agent().discriminator().vector()));
  // the oracle: the same rows, scaled by hand
  auto& normalized = dynamic_cast<rollout::NormalizedAgent&>(*scaled.training.agent);
  const auto& buffer = scaled.trainer().demonstrations().buffer();
  std::vector<double> mean(3);
  for (Index k = 0; k < buffer.size(); ++k) {
    const replay::RowId id = buffer.storage().id_of(buffer.storage().locate(k));
    std::vector<float> row(3);
    buffer.storage().read("observation", std::span(&id, 1), std::as_writable_bytes(std::span(row)));
    for (std::size_t i = 0; i < 3; ++i) {
      mean[i] += static_cast<double>(row[i]) / static_cast<double>(buffer.size());
    }
  }
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(static_cast<double>(normalized.mean()[i]) == doctest::Approx(mean[i]).epsilon(1e-5));
  }
  AilBoost& inner = scaled.agent();
  AilBoost other(Space::box(3, -1, 1), Space::box(1, -2, 2), inner.config(), 3);
  ArchiveWriter archive;
  inner.save(archive, "");
  archive.save(scratch / "inner");
  other.load(ArchiveReader(scratch / "inner"), "");
  const std::vector<float> rows = {0.5f, -0.5f, 2, 1, 0, -1}, action = {0.1f, -2}, weight = {1, 1};
  std::vector<float> by_hand = rows;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    by_hand[i] = (rows[i] - normalized.mean()[i % 3]) / normalized.deviation()[i % 3];
  }
  const auto batch = [&](const std::vector<float>& observation) {
    replay::Minibatch b;
    b.rows = 2;
    b.observation = b.next_observation = observation;
    b.action = action;
    b.weight = b.reward = b.discount = weight;
    return b;
  };
  normalized.imitate(batch(rows), batch(rows));
  other.imitate(batch(by_hand), batch(by_hand));
  CHECK(std::ranges::equal(inner.discriminator().vector(), other.discriminator().vector()));
}

TEST_CASE("settings that mean nothing here, and tasks that do not suit, are refused by name") {
  const Scratch scratch;
  const auto data = demonstrations(scratch);
  const auto refused = [&](const Changes& changes) {
    try {
      Lab lab(data, changes);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refused({}).empty());
  CHECK(refused({{"offline_steps", "5"}}).find("offline_steps is 5") != std::string::npos);
  CHECK(refused({{"data_share", "0.5"}}).find("data_share is 0.5") != std::string::npos);
  CHECK(refused({{"n_step", "3"}}).find("n_step is 3") != std::string::npos);
  CHECK(refused({{"n", "31"}}).find("at most round_steps, which is 30") != std::string::npos);
  CHECK(refused({{"env", "MountainCarContinuous-v0"}}).find("observation") != std::string::npos);
  CHECK(refused({{"discriminator.loss", "kl"}}).find("rkl, js, wass") != std::string::npos);
  CHECK(refused({{"discriminator.inputs", "sas"}}).find("sa, ss") != std::string::npos);
  CHECK(refused({{"discriminator.penalty", "gp"}}).find("wgan") != std::string::npos);
  for (const std::string key : {"round_steps", "samples_per_round"}) {
    for (const std::string value : {"0", "1000000001", "9223372036854775807"}) {
      const std::string text = refused({{key, value}});
      CHECK(text.find(key + " is " + value) != std::string::npos);
      CHECK(text.find("1 to 1000000000") != std::string::npos);
    }
  }

  RunSettings settings("ailboost");
  settings.set("env", "Pendulum-v1");
  CHECK_THROWS_WITH_AS(make_training(settings, Threads(1)), doctest::Contains("data is missing"),
                       UserError);
}

TEST_CASE("a checkpoint whose learners and rows do not belong together is refused") {
  const Scratch scratch;
  const auto data = demonstrations(scratch);
  Lab lab(data);
  lab.run_to(200);
  const auto& ensemble = lab.agent().ensemble();
  REQUIRE(ensemble.size() == 2);
  const std::vector<Index> ids = {ensemble.id(1)};
  const std::vector<double> weights = {1};
  lab.agent().keep_learners(ids, weights);  // its rows are still there
  lab.state(scratch);
  Lab other(data);
  CHECK_THROWS_WITH_AS(other.trainer().load(ArchiveReader(scratch / "state.safetensors")),
                       doctest::Contains("inconsistent"), UserError);
}

TEST_CASE("counters that no run comes to are refused by name") {
  const Scratch scratch;
  const auto data = demonstrations(scratch);
  Lab lab(data);
  lab.run_to(200);
  lab.state(scratch);
  const Index trained = lab.trainer().training_steps();
  const auto refused = [&](const char* counter, Index value) {
    rollout::testing::forge(scratch / "state.safetensors", counter, value, scratch / "forged");
    Lab other(data);
    try {
      other.trainer().load(ArchiveReader(scratch / "forged"));
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refused("ailboost.training_steps", trained).empty());
  constexpr Index kLowest = std::numeric_limits<Index>::min(), kHuge = Index{1} << 62;
  for (const Index value : {kLowest, Index{-1}, kHuge}) {
    CAPTURE(value);
    for (const char* counter : {"trainer.steps", "trainer.updates", "ailboost.training_steps",
                                "ailboost.next_round", "ailboost.sampled"}) {
      CHECK(refused(counter, value)
                .starts_with(concat('"', counter, "\" is ", value, "; accepted: 0 ")));
    }
    for (const char* counter : {"envs.batch_steps", "rollouts.batch_steps"}) {
      CHECK(refused(counter, value).find(concat('"', counter, "\" ")) != std::string::npos);
    }
  }
  // steps that do not add up
  CHECK(refused("ailboost.training_steps", trained - 1).find("accepted: as many as") !=
        std::string::npos);
}

TEST_CASE("how many rounds a run has, and what is said of too few") {
  // the figures of the prototype: 24,000 steps of Pendulum with rounds of 500 + 200 and 200 + 200,
  // 120,000 of walker walk with 500 + 500
  AilBoostConfig config;
  config.round_steps = 500;
  config.samples_per_round = 200;
  rollout::TrainConfig train;
  train.steps = 24'000;
  train.learning_starts = 1'000;
  CHECK(ailboost::plan(train, config, 200).rounds == 33);
  const auto few = ailboost::notices(ailboost::plan(train, config, 200), config);
  REQUIRE(few.size() == 1);
  CHECK(few[0].find("33 rounds of 700 steps are fewer than 2 / alpha = 40") != std::string::npos);
  CHECK(few[0].find("19 % of the ensemble") != std::string::npos);  // 0.95^32
  CHECK(few[0].find("alpha >= 5 / rounds, here 0.15") != std::string::npos);
  config.round_steps = 200;
  CHECK(ailboost::plan(train, config, 200).rounds == 58);
  CHECK(ailboost::notices(ailboost::plan(train, config, 200), config).empty());
  config.samples_per_round = 201;  // whole episodes
  CHECK(ailboost::plan(train, config, 200).steps_per_round == 600);
  config.round_steps = config.samples_per_round = 500;
  train.steps = 120'000;
  train.learning_starts = 2'000;
  CHECK(ailboost::plan(train, config, 500).rounds == 118);
  train.steps = 2'000;
  CHECK(ailboost::plan(train, config, 500).rounds == 0);
  CHECK(ailboost::notices(ailboost::plan(train, config, 500), config).size() == 1);
  config.weights = LearnerWeights::kUniform;
  CHECK(ailboost::notices(ailboost::plan(train, config, 500), config).empty());
}

TEST_CASE("a plan says whose weight is left where the first learner will have gone") {
  // ten rounds of 500 + 500 steps, alpha 0.1
  AilBoostConfig config;
  config.alpha = 0.1;
  config.round_steps = config.samples_per_round = 500;
  rollout::TrainConfig train;
  train.steps = 10'000;
  train.learning_starts = 0;
  const auto plan = [&] { return ailboost::plan(train, config, 500); };
  const auto notice = [&] { return ailboost::notices(plan(), config).at(0); };
  CHECK(plan().rounds == 10);
  CHECK(plan().learners == 10);
  CHECK(notice().find("the first policy, which has learnt nothing, still has 39 %") !=
        std::string::npos);  // 0.9^9

  config.max_learners = 4;
  CHECK(plan().learners == 4);
  CHECK(notice().find("first policy") == std::string::npos);
  CHECK(notice().find("at the end the oldest of the 4 learners that are kept then has 73 %") !=
        std::string::npos);  // 0.9^3
  config.max_learners = 10'000;
  train.capacity = 1'999;  // the oldest of four lacks a row
  CHECK(plan().learners == 4);
  train.capacity = 1'500;
  CHECK(plan().learners == 3);
  CHECK(notice().find("81 %") != std::string::npos);

  // the same by hand where those that stay are scaled up
  config.eviction = LearnerEviction::kRenormalise;
  std::vector<double> weights = {1};
  for (int round = 1; round < 10; ++round) {
    if (weights.size() == 3) {
      const double gone = weights[0];
      weights.erase(weights.begin());
      for (double& weight : weights) weight /= 1 - gone;
    }
    for (double& weight : weights) weight *= 0.9;
    weights.push_back(0.1);
  }
  CHECK(ailboost::oldest_weight(plan(), config) == doctest::Approx(weights[0]).epsilon(1e-12));
  config.max_learners = 1;
  CHECK(ailboost::oldest_weight(plan(), config) == 1);
}

TEST_CASE("what a plan foretells of the oldest learner is what a run comes to") {
  const Scratch scratch;
  const auto data = demonstrations(scratch);
  const std::vector<Changes> variants = {{},
                                         {{"max_learners", "3"}},
                                         {{"max_learners", "3"}, {"eviction", "renormalise"}},
                                         {{"capacity", "100"}},
                                         {{"capacity", "100"}, {"eviction", "renormalise"}}};
  for (const Changes& changes : variants) {
    Lab lab(data, changes);
    lab.run_to(395);  // five whole rounds
    rollout::TrainConfig train = lab.trainer().config();
    train.steps = 395;
    const AilBoostConfig& config = lab.agent().config();
    const ailboost::Plan plan = ailboost::plan(train, config, 20);
    CHECK(plan.rounds == 5);
    const auto& ensemble = lab.agent().ensemble();
    CHECK(plan.learners == ensemble.size());
    CHECK(ailboost::oldest_weight(plan, config) ==
          doctest::Approx(ensemble.weight(0)).epsilon(1e-12));
  }
}

TEST_CASE("every run has a line of rounds, learners, 2 / alpha and 5 / alpha") {
  AilBoostConfig config;
  rollout::TrainConfig train;
  train.steps = 2'000'000;
  train.learning_starts = 0;
  const auto summary = [&] {
    return ailboost::summary(ailboost::plan(train, config, 500), config);
  };
  CHECK(summary() ==
        "ailboost: 1000 rounds of 2000 steps, 1000 learners kept; 2 / alpha = 40, 5 / alpha = 100");
  config.max_learners = 10;
  config.alpha = 0.9;
  CHECK(summary() ==
        "ailboost: 1000 rounds of 2000 steps, 10 learners kept; 2 / alpha = 2.2, 5 / alpha = 5.6");
  config.weights = LearnerWeights::kUniform;
  CHECK(summary() ==
        "ailboost_uniform: 1000 rounds of 2000 steps, 10 learners kept, all weighted alike");
  // the largest settings there are
  train.steps = train.learning_starts = train.capacity = std::numeric_limits<Index>::max();
  train.n = 1 << 20;
  config.round_steps = config.samples_per_round = 1'000'000'000;
  CHECK(ailboost::plan(train, config, 1'000).rounds == 0);
  train.learning_starts = 0;
  CHECK(ailboost::plan(train, config, 1'000).rounds > 4'000'000'000);
}

}  // namespace
}  // namespace palaestra::agents
