#include <palaestra/agents/discriminator/learner.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <utility>

#include <palaestra/agents/discriminator/losses.h>
#include <palaestra/agents/discriminator/spectral_norm.h>
#include <palaestra/agents/learner_parts.h>
#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

namespace palaestra::agents::discriminator {

namespace {

constexpr Purpose kInitialPurpose = purpose("discriminator/initial");
constexpr Purpose kPointsPurpose = purpose("discriminator/update/points");
constexpr Purpose kLabelsPurpose = purpose("discriminator/update/labels");

constexpr Index kRewardRows = 1024;   // at a time
constexpr int kFirstIterations = 15;  // of the power method, from a random direction
constexpr int kIterations = 1;        // before each update: weights move little between two

enum MetricNumber : unsigned char {
  kLoss,
  kExpertScore,
  kPolicyScore,
  kPenalty,
  kPolicySlopes,  // three of them
  kExpertSlopes = kPolicySlopes + 3,
  kPointSlopes = kExpertSlopes + 3,
  kDivergence = kPointSlopes + 3,  // and of rkl one more
  kBound
};

std::vector<rollout::Metric> metrics_of(Loss loss) {
  std::vector<rollout::Metric> metrics = {
      {"loss", 0},
      {"expert_score", 0},
      {"policy_score", 0},
      {"penalty", 0},
      {"policy_slope_mean", 0},
      {"policy_slope_quantile", 0},
      {"policy_slope_share", 0},
      {"expert_slope_mean", 0},
      {"expert_slope_quantile", 0},
      {"expert_slope_share", 0},
      {"point_slope_mean", 0},
      {"point_slope_quantile", 0},
      {"point_slope_share", 0},
  };
  switch (loss) {
    case Loss::kRkl:
      metrics.push_back({"divergence", 0});
      metrics.push_back({"kl_bound", 0});
      break;
    case Loss::kJs:
      metrics.push_back({"js_bound", 0});
      break;
    case Loss::kWass:
      metrics.push_back({"wasserstein", 0});
      break;
  }
  return metrics;
}

void require_column(std::string_view what, std::string_view name, std::size_t got, Index rows,
                    Index width) {
  require(static_cast<Index>(got) == rows * width, "discriminator: column \"", name, "\" of the ",
          what, " has ", got, " numbers, expected ", rows, " x ", width);
}

}  // namespace

Learner::Learner(Index observation_size, Index action_size, const DiscriminatorConfig& config,
                 std::uint64_t seed, Threads threads)
    : config_(checked(config)),
      seed_(seed),
      threads_(threads),
      network_(observation_size, action_size, config),
      vector_(zeros(network_.layout.size())),
      gradient_(vector_.size()),
      singular_(zeros(network_.singular.size())),
      adam_(network_.layout.size(), {.learning_rate = config.learning_rate}),
      step_(compile_step()),
      reward_(compile_reward()),
      slopes_(network_, config_, vector_, singular_),
      pairs_(zeros(config.batch_size * 2 * network_.width())),
      expert_weight_(zeros(config.batch_size)),
      policy_weight_(zeros(config.batch_size)),
      labels_(zeros(config.smooths_labels() ? config.batch_size : 0)),
      mix_(zeros(needs_mix(config) ? config.batch_size * mix_width(config) : 0)),
      noise_(zeros(needs_noise(config) ? config.batch_size * network_.width() : 0)),
      metrics_(metrics_of(config.loss)) {
  nn::initialize(network_.layout, Stream(seed, kInitialPurpose, 0), std::span(vector_));
  nn::initialize(network_.singular, Stream(seed, kInitialPurpose, 1), std::span(singular_));
  iterate_power(network_, vector_, singular_, kFirstIterations);
  bind();
}

// ---- programs

Learner::Program Learner::compile_step() const {
  nn::Graph graph;
  const Pairs pairs = pair_inputs(graph, network_);
  const Scores f = scores(network_, pairs);
  const nn::Expr labels =
      config_.smooths_labels() ? nn::input(graph, "labels", {1, nn::kBatch, 1}) : nn::Expr{};
  const DivergenceTerms terms = divergence_terms(config_.loss, f, pairs, labels);
  const nn::Expr divergence = terms.expert + terms.policy;
  nn::Outputs outputs = {.values = {{"divergence", divergence},
                                    {"expert_divergence", terms.expert},
                                    {"policy_divergence", terms.policy},
                                    {"expert_score", nn::mean(f.expert)},
                                    {"policy_score", nn::mean(f.policy)}},
                         .gradients = {}};
  nn::Expr loss = divergence;
  if (config_.entropy_weight > 0) loss = loss - config_.entropy_weight * label_entropy(f);
  if (config_.penalty != Penalty::kNone) {
    const Draws draws = draw_inputs(graph, network_, config_);
    const nn::Expr points = penalty_points(config_, network_, pairs, draws);
    const nn::Expr penalty =
        slope_penalty(slope(network_, points), config_.penalty_target, config_.one_sided);
    outputs.values.push_back({"penalty", penalty});
    loss = loss + config_.penalty_weight * penalty;
  }
  outputs.values.push_back({"loss", loss});
  outputs.gradients.push_back({"gradient", loss, "discriminator", network_.layout.size()});
  return {graph, outputs, {.max_rows = {config_.batch_size}, .name = "discriminator/update"}};
}

Learner::Program Learner::compile_reward() const {
  nn::Graph graph;
  const nn::Expr first = nn::input(graph, "first", {1, nn::kBatch, network_.first});
  const nn::Expr second = nn::input(graph, "second", {1, nn::kBatch, network_.second});
  const nn::Expr f = network_(nn::concat_columns({first, second}));
  return {graph,
          {.values = {{"reward", discriminator::reward(config_.reward, f)}}, .gradients = {}},
          {.max_rows = {kRewardRows}, .name = "discriminator/reward"}};
}

void Learner::bind() {
  for (Program* program : {&step_, &reward_}) {
    program->bind_vector(program->vector("discriminator"), vector_);
    if (!singular_.empty()) program->bind_vector(program->vector("singular"), singular_);
  }
  step_.bind_output(step_.output("gradient"), gradient_);
  step_.bind_input(step_.input("pairs"), pairs_);
  step_.bind_input(step_.input("expert_weight"), expert_weight_);
  step_.bind_input(step_.input("policy_weight"), policy_weight_);
  if (!labels_.empty()) step_.bind_input(step_.input("labels"), labels_);
  if (config_.penalty != Penalty::kNone) {
    if (!mix_.empty()) step_.bind_input(step_.input("mix"), mix_);
    if (!noise_.empty()) step_.bind_input(step_.input("noise"), noise_);
    handles_.penalty = step_.output("penalty");
  }
  handles_.loss = step_.output("loss");
  handles_.divergence = step_.output("divergence");
  handles_.expert_divergence = step_.output("expert_divergence");
  handles_.policy_divergence = step_.output("policy_divergence");
  handles_.expert_score = step_.output("expert_score");
  handles_.policy_score = step_.output("policy_score");
  handles_.first = reward_.input("first");
  handles_.second = reward_.input("second");
  handles_.reward = reward_.output("reward");
}

// ---- an update

std::span<const float> Learner::second_of(const replay::Minibatch& batch) const {
  return config_.inputs == Inputs::kSa ? batch.action : batch.next_observation;
}

void Learner::check(std::string_view what, const replay::Minibatch& batch) const {
  require_column(what, "observation", batch.observation.size(), batch.rows, network_.first);
  require_column(what, config_.inputs == Inputs::kSa ? "action" : "next_observation",
                 second_of(batch).size(), batch.rows, network_.second);
}

void Learner::pack(const replay::Minibatch& policy, const replay::Minibatch& expert) {
  const auto first = as_size(network_.first), second = as_size(network_.second);
  const auto expert_second = second_of(expert), policy_second = second_of(policy);
  float* out = pairs_.data();
  for (std::size_t row = 0; row < as_size(policy.rows); ++row) {
    out = std::copy_n(expert.observation.data() + row * first, first, out);
    out = std::copy_n(expert_second.data() + row * second, second, out);
    out = std::copy_n(policy.observation.data() + row * first, first, out);
    out = std::copy_n(policy_second.data() + row * second, second, out);
  }
  std::ranges::copy(expert.weight, expert_weight_.begin());
  std::ranges::copy(policy.weight, policy_weight_.begin());
}

void Learner::draw_points(Index update) {
  Stream random(seed_, kPointsPurpose, static_cast<std::uint64_t>(update));
  random.fill_uniform(
      std::span(mix_).first(mix_.empty() ? 0 : as_size(rows_ * mix_width(config_))));
  random.fill_normal(
      std::span(noise_).first(noise_.empty() ? 0 : as_size(rows_ * network_.width())));
}

void Learner::draw() {
  if (config_.penalty != Penalty::kNone) draw_points(updates_);
  if (labels_.empty()) return;
  const auto labels = std::span(labels_).first(as_size(rows_));
  Stream(seed_, kLabelsPurpose, static_cast<std::uint64_t>(updates_)).fill_uniform(labels);
  const auto low = static_cast<float>(config_.label_min);
  const auto width = static_cast<float>(config_.label_max - config_.label_min);
  for (float& label : labels) label = low + width * label;
}

void Learner::update(const replay::Minibatch& policy, const replay::Minibatch& expert) {
  require(policy.rows >= 1 && policy.rows <= config_.batch_size,
          "discriminator: the policy's batch "
          "has ",
          policy.rows, " rows, must be within [1, batch_size = ", config_.batch_size, "]");
  require(expert.rows == policy.rows, "discriminator: the expert's batch has ", expert.rows,
          " rows, the policy's ", policy.rows, "; accepted: as many of each");
  check("policy's batch", policy);
  check("expert's batch", expert);
  require_column("policy's batch", "weight", policy.weight.size(), policy.rows, 1);
  require_column("expert's batch", "weight", expert.weight.size(), expert.rows, 1);

  rows_ = policy.rows;
  pack(policy, expert);
  draw();
  iterate_power(network_, vector_, singular_, kIterations);
  step_.run(rows_, threads_);

  const auto of = [&](int output) { return scalar(step_, output); };
  const double loss = of(handles_.loss);
  if (!std::isfinite(loss)) [[unlikely]] {
    throw std::runtime_error(concat(
        "discriminator diverged: the loss of update ", updates_, " is ", loss,
        "; a lower learning_rate or output = \"tanh\" may help, or the batch holds such a number"));
  }
  metrics_[kLoss].value = loss;
  metrics_[kExpertScore].value = of(handles_.expert_score);
  metrics_[kPolicyScore].value = of(handles_.policy_score);
  if (config_.penalty != Penalty::kNone) metrics_[kPenalty].value = of(handles_.penalty);
  // a bound is between distributions: each side's weights are to average 1, which those of a batch
  // need not (absorbing rows of thinned demonstrations weigh less); bits stay where they do
  const auto excess = [&](int output, const std::vector<float>& weight) {
    const double total = std::accumulate(weight.begin(), weight.begin() + rows_, 0.0);
    return of(output) * (static_cast<double>(rows_) / total - 1);
  };
  const double divergence = of(handles_.divergence) +
                            excess(handles_.expert_divergence, expert_weight_) +
                            excess(handles_.policy_divergence, policy_weight_);
  switch (config_.loss) {
    case Loss::kRkl:
      metrics_[kDivergence].value = divergence;
      metrics_[kBound].value = 1 - divergence;
      break;
    case Loss::kJs:
      metrics_[kDivergence].value = std::numbers::ln2 - divergence / 2;
      break;
    case Loss::kWass:
      metrics_[kDivergence].value = -divergence;
      break;
  }
  adam_.step(vector_, gradient_, threads_);
  slopes_known_ = false;
  ++updates_;
}

void Learner::reward(const replay::Minibatch& rows, std::span<float> out) {
  require(std::ssize(out) == rows.rows, "discriminator: room for ", out.size(),
          " rewards, expected ", rows.rows);
  check("batch", rows);
  const auto second = second_of(rows);
  for (Index begin = 0; begin < rows.rows; begin += kRewardRows) {
    const Index count = std::min(kRewardRows, rows.rows - begin);
    reward_.bind_input(handles_.first, rows.observation.subspan(as_size(begin * network_.first),
                                                                as_size(count * network_.first)));
    reward_.bind_input(handles_.second, second.subspan(as_size(begin * network_.second),
                                                       as_size(count * network_.second)));
    reward_.run(count, threads_);
    std::ranges::copy(reward_.value(handles_.reward).first(as_size(count)), out.begin() + begin);
  }
}

std::span<const rollout::Metric> Learner::metrics() {
  if (!slopes_known_) {
    // without a penalty nothing has drawn the points that are looked at
    if (config_.penalty == Penalty::kNone) draw_points(updates_ - 1);
    const auto all = slopes_.measure({.rows = rows_, .pairs = pairs_, .mix = mix_, .noise = noise_},
                                     config_.penalty_target, threads_);
    for (const auto& [first, summary] :
         {std::pair(kPolicySlopes, all.policy), std::pair(kExpertSlopes, all.expert),
          std::pair(kPointSlopes, all.points)}) {
      metrics_[first].value = summary.mean;
      metrics_[first + 1u].value = summary.quantile;
      metrics_[first + 2u].value = summary.share;
    }
    slopes_known_ = true;
  }
  return metrics_;
}

// ---- files

void Learner::save(ArchiveWriter& archive, std::string_view prefix) const {
  nn::save<float>(network_.layout, vector_, archive, concat(prefix, "network."));
  nn::save<float>(network_.singular, singular_, archive, concat(prefix, "singular."));
  adam_.save(archive, concat(prefix, "adam."));
  // what is computed on request would make the file depend on the requests
  std::vector<double> values;
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    const bool on_request = i >= kPolicySlopes && i < kDivergence;
    values.push_back(on_request ? 0 : metrics_[i].value);
  }
  archive.put(concat(prefix, "metrics"), values);
  archive.put_scalar(concat(prefix, "seed"), static_cast<Index>(seed_));
  archive.put_scalar(concat(prefix, "updates"), updates_);
}

void Learner::load(const ArchiveReader& archive, std::string_view prefix) {
  // everything is read aside first: a mismatch half-way must not leave a mixture
  auto vector = vector_, singular = singular_;
  auto adam = adam_;
  std::vector<double> values(metrics_.size());
  nn::load<float>(network_.layout, archive, concat(prefix, "network."), std::span(vector));
  nn::load<float>(network_.singular, archive, concat(prefix, "singular."), std::span(singular));
  adam.load(archive, concat(prefix, "adam."));
  archive.get(concat(prefix, "metrics"), values);
  const Index seed = archive.get_index(concat(prefix, "seed"));
  const Index updates = archive.get_index(concat(prefix, "updates"));
  require(updates >= 0, "discriminator: \"", prefix, "updates\" is ", updates,
          "; accepted: 0 and up");

  // copies, not swaps: programs point at these vectors
  std::copy(vector.begin(), vector.end(), vector_.begin());
  std::copy(singular.begin(), singular.end(), singular_.begin());
  adam_ = std::move(adam);
  for (std::size_t i = 0; i < values.size(); ++i) metrics_[i].value = values[i];
  seed_ = static_cast<std::uint64_t>(seed);
  updates_ = updates;
  slopes_known_ = true;
}

Index Learner::flop(Index rows) const { return step_.flop({&rows, 1}); }

}  // namespace palaestra::agents::discriminator
