#include <palaestra/agents/discriminator/learner.h>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <palaestra/agents/run_settings.h>
#include <palaestra/core/error.h>
#include <tests/agents/batches.h>
#include <tests/agents/saved_file.h>
#include <tests/allocations.h>

namespace palaestra::agents::discriminator {
namespace {

using agents::testing::OwnedBatch;
using agents::testing::random_batch;
using agents::testing::SavedFile;

constexpr Index kState = 4, kAction = 2, kRows = 24;

DiscriminatorConfig small() {
  DiscriminatorConfig config;
  config.hidden = {16, 12};
  config.batch_size = kRows;
  config.learning_rate = 1e-2;
  return config;
}

/// Settings that together take every branch and every value of every choice.
std::vector<DiscriminatorConfig> variants() {
  std::vector<DiscriminatorConfig> all(9, small());
  all[1].penalty = Penalty::kNone;
  all[1].loss = Loss::kJs;
  all[1].output = Output::kLinear;
  all[1].reward = Reward::kGail;
  all[2].penalty = Penalty::kDragan;
  all[2].loss = Loss::kWass;
  all[2].activation = nn::Activation::kTanh;
  all[3].penalty = Penalty::kNagard;
  all[3].inputs = Inputs::kSs;
  all[3].activation = nn::Activation::kLeakyRelu;
  all[3].leak = 0.1;
  all[4].penalty = Penalty::kBare;
  all[4].one_sided = true;
  all[4].spectral_norm = true;
  all[5].mix = Mix::kIndependent;
  all[5].spectral_norm = true;
  all[5].loss = Loss::kJs;
  all[5].output = Output::kLinear;
  all[5].label_min = 0.7;
  all[5].label_max = 1.2;
  all[5].entropy_weight = 1e-3;
  all[5].reward = Reward::kLogD;
  all[6].hidden = {};
  all[6].output = Output::kLinear;
  all[7].hidden = {8};
  all[7].hidden_gain = std::sqrt(2.0);
  all[7].output_gain = 0.01;
  all[7].activation = nn::Activation::kElu;
  all[8].mix = Mix::kIndependent;
  all[8].inputs = Inputs::kSs;
  all[8].spectral_norm = true;
  return all;
}

Learner make(const DiscriminatorConfig& config, std::uint64_t seed = 1, int threads = 1) {
  return {kState, kAction, config, seed, Threads{threads}};
}

OwnedBatch policy_batch(std::uint64_t number, Index rows = kRows) {
  return random_batch(rows, kState, kAction, 2 * number);
}

/// Moved away from the policy's, so that there is something to tell.
OwnedBatch expert_batch(std::uint64_t number, Index rows = kRows) {
  OwnedBatch batch = random_batch(rows, kState, kAction, 2 * number + 1);
  for (float& x : batch.observation) x += 1;
  for (float& x : batch.next_observation) x += 1;
  for (std::size_t i = 0; i < batch.weight.size(); ++i) batch.weight[i] = i % 3 == 0 ? 2.0f : 0.5f;
  return batch;
}

void update(Learner& learner, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t i = from; i < to; ++i) {
    learner.update(policy_batch(i).view(), expert_batch(i).view());
  }
}

std::vector<float> parameters(Learner& learner) {
  const auto vector = learner.vector();
  return {vector.begin(), vector.end()};
}

std::vector<double> values(Learner& learner) {
  std::vector<double> all;
  for (const auto& metric : learner.metrics()) all.push_back(metric.value);
  return all;
}

double metric(Learner& learner, std::string_view name) {
  for (const auto& m : learner.metrics()) {
    if (m.name == name) return m.value;
  }
  throw std::logic_error(std::string(name));
}

// ---- known optima

/// Eight cells, told apart by a one-hot state; the second part of a row says nothing.
constexpr Index kCells = 8;

OwnedBatch cells(const std::vector<double>& mass) {
  OwnedBatch batch(kCells, kCells, 1);
  for (std::size_t i = 0; i < static_cast<std::size_t>(kCells); ++i) {
    batch.observation[i * kCells + i] = 1;
    batch.weight[i] = static_cast<float>(kCells * mass[i]);  // a mean over rows is an expectation
  }
  return batch;
}

TEST_CASE("the minimiser over all functions is log(e / p), of reverse KL as of Jensen-Shannon") {
  const std::vector<double> e = {0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.06, 0.04};
  const std::vector<double> p = {0.05, 0.1, 0.15, 0.3, 0.1, 0.2, 0.04, 0.06};
  for (const Loss loss : {Loss::kRkl, Loss::kJs}) {
    DiscriminatorConfig config;
    config.hidden = {};
    config.output = Output::kLinear;
    config.loss = loss;
    config.penalty = Penalty::kNone;
    config.learning_rate = 5e-3;
    config.batch_size = kCells;
    Learner learner(kCells, 1, config, 1);
    const OwnedBatch policy = cells(p), expert = cells(e);
    for (int i = 0; i < 6000; ++i) learner.update(policy.view(), expert.view());
    std::vector<float> f(kCells);
    learner.reward(policy.view(), f);
    double kl = 0, js = 0;
    for (std::size_t i = 0; i < e.size(); ++i) {
      CHECK(std::abs(static_cast<double>(f[i]) - std::log(e[i] / p[i])) < 1e-3);
      kl += p[i] * std::log(p[i] / e[i]);
      const double middle = (e[i] + p[i]) / 2;
      js += (p[i] * std::log(p[i] / middle) + e[i] * std::log(e[i] / middle)) / 2;
    }
    if (loss == Loss::kRkl) {
      CHECK(metric(learner, "kl_bound") == doctest::Approx(kl).epsilon(1e-4));
      CHECK(metric(learner, "divergence") == doctest::Approx(1 - kl).epsilon(1e-4));
    } else {
      CHECK(metric(learner, "js_bound") == doctest::Approx(js).epsilon(1e-4));
    }
  }
}

TEST_CASE("f = 0 has divergence 1 and a KL bound of 0; a saturated tanh has 1/e - 1 at best") {
  DiscriminatorConfig config = small();
  Learner learner = make(config);
  std::ranges::fill(learner.vector(), 0.0f);
  OwnedBatch expert = expert_batch(0);
  std::ranges::fill(expert.weight, 1.0f);
  learner.update(policy_batch(0).view(), expert.view());
  CHECK(metric(learner, "divergence") == 1);
  CHECK(metric(learner, "kl_bound") == 0);
  CHECK(metric(learner, "penalty") == 1);  // (0 - 1)²

  config.penalty = Penalty::kNone;
  config.learning_rate = 3e-3;
  Learner bounded = make(config);
  OwnedBatch far = expert;
  for (float& x : far.observation) x += 2;
  for (int i = 0; i < 1000; ++i) bounded.update(policy_batch(0).view(), far.view());
  CHECK(metric(bounded, "divergence") == doctest::Approx(std::exp(-1) - 1).epsilon(1e-3));
}

TEST_CASE("where f = 0 no bound is above 0, whatever the mean weight of either side") {
  for (const Loss loss : {Loss::kRkl, Loss::kJs, Loss::kWass}) {
    for (const auto& [expert_weight, policy_weight] :
         {std::pair(1.0f, 1.0f), std::pair(0.5f, 1.0f), std::pair(0.5f, 2.0f)}) {
      DiscriminatorConfig config = small();
      config.loss = loss;
      Learner learner = make(config);
      std::ranges::fill(learner.vector(), 0.0f);
      OwnedBatch expert = expert_batch(0), policy = policy_batch(0);
      std::ranges::fill(expert.weight, expert_weight);
      std::ranges::fill(policy.weight, policy_weight);
      learner.update(policy.view(), expert.view());
      const std::string_view bound = loss == Loss::kRkl  ? "kl_bound"
                                     : loss == Loss::kJs ? "js_bound"
                                                         : "wasserstein";
      CHECK(std::abs(metric(learner, bound)) < 1e-6);
      if (loss == Loss::kRkl) CHECK(metric(learner, "divergence") == doctest::Approx(1));
    }
  }
}

TEST_CASE("the scale of a side's weights moves no bound") {
  for (const Loss loss : {Loss::kRkl, Loss::kJs, Loss::kWass}) {
    DiscriminatorConfig config = small();
    config.loss = loss;
    const auto bounds = [&](float scale) {
      Learner learner = make(config);
      OwnedBatch expert = expert_batch(0);
      double sum = 0;
      for (const float weight : expert.weight) sum += static_cast<double>(weight);
      for (float& weight : expert.weight) weight *= scale * static_cast<float>(kRows / sum);
      learner.update(policy_batch(0).view(), expert.view());
      return values(learner).back();
    };
    CHECK(bounds(0.25f) == doctest::Approx(bounds(1)).epsilon(1e-5));
  }
}

TEST_CASE("expert rows come to earn more than the policy's, whatever the loss") {
  for (const DiscriminatorConfig& config : variants()) {
    Learner learner = make(config);
    update(learner, 0, 200);
    std::vector<float> policy(kRows), expert(kRows);
    learner.reward(policy_batch(1000).view(), policy);
    learner.reward(expert_batch(1000).view(), expert);
    double gap = 0;
    for (std::size_t i = 0; i < policy.size(); ++i) {
      gap += static_cast<double>(expert[i] - policy[i]) / kRows;
    }
    CHECK(gap > 0.05);
    for (const double value : values(learner)) CHECK(std::isfinite(value));
  }
}

TEST_CASE("the penalty holds slopes near its target; without one they grow") {
  DiscriminatorConfig config = small();
  config.output = Output::kLinear;
  config.loss = Loss::kJs;
  Learner held = make(config);
  update(held, 0, 400);
  CHECK(metric(held, "point_slope_mean") < 1.5);
  config.penalty = Penalty::kNone;
  Learner free = make(config);
  update(free, 0, 400);
  CHECK(metric(free, "point_slope_mean") > 2 * metric(held, "point_slope_mean"));
  CHECK(metric(free, "penalty") == 0);
}

// ---- slopes

TEST_CASE("the slopes' summaries are those of central differences of the reward") {
  DiscriminatorConfig config = small();
  config.penalty = Penalty::kBare;  // points are the policy's rows
  config.one_sided = true;
  config.activation = nn::Activation::kTanh;
  config.penalty_target = 0.6;
  config.learning_rate = 1e-3;
  Learner learner = make(config);
  update(learner, 0, 50);
  const auto slopes = [&](const OwnedBatch& batch) {
    std::vector<double> squares(kRows, 0.0);
    constexpr float kStep = 1e-2f;
    const auto add = [&](std::vector<float> OwnedBatch::*column, Index width) {
      for (Index c = 0; c < width; ++c) {
        OwnedBatch up = batch, down = batch;
        for (Index r = 0; r < kRows; ++r) {
          (up.*column)[static_cast<std::size_t>(r * width + c)] += kStep;
          (down.*column)[static_cast<std::size_t>(r * width + c)] -= kStep;
        }
        std::vector<float> high(kRows), low(kRows);
        learner.reward(up.view(), high);
        learner.reward(down.view(), low);
        for (std::size_t r = 0; r < squares.size(); ++r) {
          squares[r] += std::pow(static_cast<double>(high[r] - low[r]) / (2.0 * kStep), 2);
        }
      }
    };
    add(&OwnedBatch::observation, kState);
    add(&OwnedBatch::action, kAction);
    for (double& s : squares) s = std::sqrt(s);
    std::ranges::sort(squares);
    return squares;
  };
  const auto check = [&](const std::string& name, const std::vector<double>& sorted) {
    double mean = 0, share = 0;
    for (const double s : sorted) {
      mean += s / kRows;
      share += s <= 0.6 ? 1.0 / kRows : 0;
    }
    CHECK(metric(learner, name + "_slope_mean") == doctest::Approx(mean).epsilon(2e-3));
    CHECK(metric(learner, name + "_slope_quantile") == doctest::Approx(sorted[22]).epsilon(5e-3));
    CHECK(metric(learner, name + "_slope_share") == doctest::Approx(share));
  };
  check("policy", slopes(policy_batch(49)));
  check("expert", slopes(expert_batch(49)));
  check("point", slopes(policy_batch(49)));
}

TEST_CASE("a summary is the mean, the nearest rank and the share of what it is given") {
  std::vector<float> slopes;
  for (int i = 20; i >= 1; --i) slopes.push_back(static_cast<float>(i));
  const SlopeSummary summary = summarize(slopes, 5);
  CHECK(summary.mean == doctest::Approx(10.5));
  CHECK(summary.quantile == 19);  // 95 % of 20
  CHECK(summary.share == doctest::Approx(0.25));
  std::vector<float> one = {2};
  CHECK(summarize(one, 1).quantile == 2);
  CHECK_THROWS_AS(summarize({}, 1), UserError);
}

// ---- the same bits

TEST_CASE("parameters, rewards and metrics have the same bits for 1, 2, 3 and 7 threads") {
  for (const DiscriminatorConfig& config : variants()) {
    Learner one = make(config);
    update(one, 0, 12);
    std::vector<float> expected(kRows), got(kRows);
    one.reward(policy_batch(50).view(), expected);
    for (const int threads : {2, 3, 7}) {
      Learner many = make(config, 1, threads);
      update(many, 0, 12);
      many.reward(policy_batch(50).view(), got);
      CHECK(parameters(many) == parameters(one));
      CHECK(got == expected);
      CHECK(values(many) == values(one));
    }
  }
}

TEST_CASE("a learner that was saved and loaded goes on to the same bits") {
  const SavedFile file;
  for (const DiscriminatorConfig& config : variants()) {
    Learner whole = make(config), first = make(config), second = make(config, /*seed=*/5);
    update(whole, 0, 9);
    update(first, 0, 4);
    save(first, file, "disc.");
    update(second, 0, 1);
    load(second, file, "disc.");
    CHECK(second.updates() == 4);
    CHECK(metric(second, "loss") == metric(first, "loss"));
    CHECK(metric(second, "policy_slope_mean") == 0);
    update(second, 4, 9);
    CHECK(parameters(second) == parameters(whole));
    CHECK(values(second) == values(whole));
  }
}

TEST_CASE("asking for metrics changes neither what is saved nor what is learnt") {
  const SavedFile asked, not_asked;
  for (const DiscriminatorConfig& config : variants()) {
    Learner a = make(config), b = make(config);
    update(a, 0, 3);
    a.metrics();
    update(a, 3, 6);
    a.metrics();
    update(b, 0, 6);
    save(a, asked, "disc.");
    save(b, not_asked, "disc.");
    CHECK(asked.bytes() == not_asked.bytes());
  }
}

TEST_CASE("an archive of another network changes nothing") {
  const SavedFile file;
  DiscriminatorConfig wide = small();
  wide.hidden = {16, 13};
  save(make(wide), file, "disc.");
  Learner learner = make(small());
  update(learner, 0, 2);
  const auto before = parameters(learner);
  CHECK_THROWS_AS(load(learner, file, "disc."), UserError);
  CHECK(parameters(learner) == before);
  CHECK(learner.updates() == 2);
  CHECK_THROWS_AS(load(learner, file, "nothing."), UserError);
}

TEST_CASE("a smaller batch than planned is the same update as one planned for it") {
  DiscriminatorConfig large = small();
  large.batch_size = 100;
  Learner planned = make(small()), other = make(large);
  update(planned, 0, 3);
  update(other, 0, 3);
  CHECK(parameters(planned) == parameters(other));
}

TEST_CASE("a row's reward has the same bits alone and among thousands") {
  constexpr Index kMany = 2500;
  for (const DiscriminatorConfig& config : variants()) {
    Learner learner = make(config);
    update(learner, 0, 5);
    const OwnedBatch batch = policy_batch(7, kMany);
    std::vector<float> all(kMany), one(1);
    learner.reward(batch.view(), all);
    for (const Index row : {Index{0}, Index{1023}, Index{1024}, Index{2047}, kMany - 1}) {
      const auto cut = [&](const std::vector<float>& column, Index width) {
        return std::span(column).subspan(static_cast<std::size_t>(row * width),
                                         static_cast<std::size_t>(width));
      };
      replay::Minibatch single;
      single.rows = 1;
      single.observation = cut(batch.observation, kState);
      single.action = cut(batch.action, kAction);
      single.next_observation = cut(batch.next_observation, kState);
      learner.reward(single, one);
      CHECK(one[0] == all[static_cast<std::size_t>(row)]);
    }
  }
}

TEST_CASE("equal seeds give equal learners and another seed another one") {
  Learner a = make(small()), b = make(small()), c = make(small(), 2);
  CHECK(parameters(a) == parameters(b));
  CHECK(parameters(a) != parameters(c));
}

TEST_CASE("`ss` looks at the next state and not at the action, `sa` the other way round") {
  for (const Inputs inputs : {Inputs::kSa, Inputs::kSs}) {
    DiscriminatorConfig config = small();
    config.inputs = inputs;
    Learner learner = make(config);
    OwnedBatch batch = policy_batch(0);
    std::vector<float> before(kRows), after(kRows);
    learner.reward(batch.view(), before);
    for (float& x : batch.action) x = -x;
    learner.reward(batch.view(), after);
    CHECK((before == after) == (inputs == Inputs::kSs));
    for (float& x : batch.next_observation) x = -x;
    std::vector<float> last(kRows);
    learner.reward(batch.view(), last);
    CHECK((after == last) == (inputs == Inputs::kSa));
  }
}

TEST_CASE("updates, rewards and metrics allocate nothing") {
  for (const DiscriminatorConfig& config : variants()) {
    for (const int threads : {1, 2}) {
      Learner learner = make(config, 1, threads);
      const OwnedBatch policy = policy_batch(0), expert = expert_batch(0);
      std::vector<float> out(kRows);
      const auto work = [&] {
        learner.update(policy.view(), expert.view());
        learner.reward(policy.view(), out);
        learner.metrics();
      };
      work();
      work();
      const long before = palaestra::testing::allocations();
      for (int i = 0; i < 5; ++i) work();
      CHECK(palaestra::testing::allocations() == before);
    }
  }
}

// ---- mistakes

TEST_CASE("batches that do not fit are user errors and change nothing") {
  Learner learner = make(small());
  const auto before = parameters(learner);
  CHECK_THROWS_WITH_AS(learner.update(policy_batch(0, 25).view(), expert_batch(0, 25).view()),
                       "discriminator: the policy's batch has 25 rows, must be within [1, "
                       "batch_size = 24]",
                       UserError);
  CHECK_THROWS_WITH_AS(
      learner.update(policy_batch(0, 4).view(), expert_batch(0, 5).view()),
      "discriminator: the expert's batch has 5 rows, the policy's 4; accepted: as many of each",
      UserError);
  CHECK_THROWS_AS(learner.update(policy_batch(0, 0).view(), expert_batch(0, 0).view()), UserError);
  OwnedBatch expert = expert_batch(0);
  expert.weight.pop_back();
  CHECK_THROWS_WITH_AS(learner.update(policy_batch(0).view(), expert.view()),
                       doctest::Contains("column \"weight\" of the expert's batch has 23"),
                       UserError);
  const OwnedBatch narrow = random_batch(kRows, kState, kAction - 1, 0);
  CHECK_THROWS_WITH_AS(learner.update(narrow.view(), expert_batch(0).view()),
                       doctest::Contains("column \"action\" of the policy's batch"), UserError);
  std::vector<float> few(3);
  CHECK_THROWS_WITH_AS(learner.reward(policy_batch(0).view(), few),
                       doctest::Contains("room for 3 rewards, expected 24"), UserError);
  CHECK(parameters(learner) == before);
  CHECK(learner.updates() == 0);
}

TEST_CASE("a loss that is not finite stops the run with the update's number, weights untouched") {
  for (const DiscriminatorConfig& config : variants()) {
    Learner learner = make(config);
    update(learner, 0, 3);
    const auto before = parameters(learner);
    OwnedBatch policy = policy_batch(3);
    policy.observation[5] = std::numeric_limits<float>::quiet_NaN();
    CHECK_THROWS_WITH_AS(learner.update(policy.view(), expert_batch(3).view()),
                         doctest::Contains("discriminator diverged: the loss of update 3 is"),
                         std::runtime_error);
    CHECK(parameters(learner) == before);
    CHECK(learner.updates() == 3);
  }
}

TEST_CASE("names that are not known are refused with those that are") {
  DiscriminatorConfig config;
  for (const auto& [key, value, accepted] :
       {std::tuple("inputs", "s", "sa, ss"), std::tuple("inputs", "sas", "sa, ss"),
        std::tuple("loss", "kl", "rkl, js, wass"), std::tuple("output", "relu", "linear, tanh"),
        std::tuple("reward", "airl", "logit, gail, log_d"), std::tuple("mix", "both", "joint"),
        std::tuple("penalty", "gp", "none, wgan, dragan, nagard, bare")}) {
    CHECK_THROWS_WITH_AS(set(config, key, value), doctest::Contains(accepted), UserError);
  }
}

TEST_CASE("settings that do not go together are refused") {
  const auto message = [](auto&& change) {
    DiscriminatorConfig config = small();
    change(config);
    try {
      make(config);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  using C = DiscriminatorConfig;
  CHECK(message([](C& c) { c.reward = Reward::kGail; }) ==
        "discriminator.reward is \"gail\", which needs D, a probability; accepted with it: "
        "discriminator.loss=js");
  CHECK(message([](C& c) {
          c.label_min = 0.7;
        }).find("discriminator.label_min is 0.7 and discriminator.label_max 1, which") !=
        std::string::npos);
  CHECK(message([](C& c) { c.entropy_weight = 1; }).find("entropy_weight") != std::string::npos);
  CHECK(message([](C& c) { c.penalty = Penalty::kBare; }).find("discriminator.one_sided=true") !=
        std::string::npos);
  CHECK(message([](C& c) {
          c.loss = Loss::kJs;
          c.label_min = 1.1;
        }).find("label_min is 1.1") != std::string::npos);
  CHECK(message([](C& c) { c.penalty_weight = -1; }).find("penalty_weight") != std::string::npos);
  CHECK(message([](C& c) { c.hidden = {0}; }).find("hidden") != std::string::npos);
  CHECK(message([](C&) {}).empty());
}

TEST_CASE("what is advised against settings that do not go together can be set, in every agent") {
  for (const std::string agent : {"ailboost", "ailboost_uniform", "dac"}) {
    for (const std::string first :
         {"discriminator.reward=gail", "discriminator.reward=log_d", "discriminator.label_min=0.7",
          "discriminator.entropy_weight=0.5", "discriminator.penalty=bare"}) {
      CAPTURE(agent);
      CAPTURE(first);
      RunSettings settings(agent);
      const auto set = [&](std::string_view assignment) {
        const auto equals = assignment.find('=');
        settings.set(assignment.substr(0, equals), assignment.substr(equals + 1));
      };
      set("discriminator.loss=rkl");
      set(first);
      const auto problems = settings.settings.problems();
      REQUIRE(problems.size() == 1);
      // the setting by its full name, then what would do
      CHECK(problems[0].starts_with(first.substr(0, first.find('=')) + " is "));
      constexpr std::string_view kAdvice = "accepted with it: ";
      const auto advice = problems[0].find(kAdvice);
      REQUIRE(advice != std::string::npos);
      set(std::string_view(problems[0]).substr(advice + kAdvice.size()));
      CHECK(settings.settings.problems().empty());
    }
  }
}

}  // namespace
}  // namespace palaestra::agents::discriminator
