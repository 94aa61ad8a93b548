#include <palaestra/agents/discriminator/losses.h>

namespace palaestra::agents::discriminator {

using nn::Axis;
using nn::Expr;
using nn::kBatch;

namespace {

constexpr double kLogFloor = 1e-8;  // within the logarithms of rewards, as published
// a squared slope below this is taken as zero: the root's derivative would not be finite at 0
constexpr double kFlat = 1e-30;

bool is_empty(Expr e) { return e.id() < 0; }

}  // namespace

Expr Pairs::expert() const { return nn::columns(rows, 0, rows.shape().columns / 2); }

Expr Pairs::policy() const {
  const Index width = rows.shape().columns / 2;
  return nn::columns(rows, width, width);
}

Pairs pair_inputs(nn::Graph& graph, const Network& network) {
  return {.rows = nn::input(graph, "pairs", {1, kBatch, 2 * network.width()}),
          .expert_weight = nn::input(graph, "expert_weight", {1, kBatch, 1}),
          .policy_weight = nn::input(graph, "policy_weight", {1, kBatch, 1})};
}

Scores scores(const Network& network, const Pairs& pairs) {
  // the two halves of a row are rows for the network: one product per layer for both sides
  const Expr f = merge_rows(network(split_rows(pairs.rows, 2)), 2);
  return {.expert = nn::columns(f, 0, 1), .policy = nn::columns(f, 1, 1)};
}

DivergenceTerms divergence_terms(Loss loss, const Scores& f, const Pairs& pairs, Expr labels) {
  switch (loss) {
    case Loss::kRkl:
      return {.expert = mean(pairs.expert_weight * exp(-f.expert)),
              .policy = mean(pairs.policy_weight * f.policy)};
    case Loss::kJs: {
      // -log D = softplus(-f), -log(1 - D) = softplus(f) = softplus(-f) + f
      const Expr as_expert =
          is_empty(labels) ? softplus(-f.expert) : softplus(-f.expert) + (1 - labels) * f.expert;
      return {.expert = mean(pairs.expert_weight * as_expert),
              .policy = mean(pairs.policy_weight * softplus(f.policy))};
    }
    case Loss::kWass:
      break;
  }
  return {.expert = -mean(pairs.expert_weight * f.expert),
          .policy = mean(pairs.policy_weight * f.policy)};
}

Expr divergence_loss(Loss loss, const Scores& f, const Pairs& pairs, Expr labels) {
  const DivergenceTerms terms = divergence_terms(loss, f, pairs, labels);
  return terms.expert + terms.policy;
}

Expr label_entropy(const Scores& f) {
  // -D log D - (1 - D) log(1 - D) = softplus(f) - f D
  const auto entropy = [](Expr logit) { return mean(softplus(logit) - logit * sigmoid(logit)); };
  return 0.5 * (entropy(f.expert) + entropy(f.policy));
}

bool needs_noise(const DiscriminatorConfig& config) {
  return config.penalty == Penalty::kDragan || config.penalty == Penalty::kNagard;
}

bool needs_mix(const DiscriminatorConfig& config) {
  return config.penalty == Penalty::kNone || config.penalty == Penalty::kWgan;
}

Index mix_width(const DiscriminatorConfig& config) { return config.mix == Mix::kJoint ? 1 : 2; }

Draws draw_inputs(nn::Graph& graph, const Network& network, const DiscriminatorConfig& config) {
  Draws draws;
  if (needs_mix(config)) draws.mix = nn::input(graph, "mix", {1, kBatch, mix_width(config)});
  if (needs_noise(config)) draws.noise = nn::input(graph, "noise", {1, kBatch, network.width()});
  return draws;
}

Expr penalty_points(const DiscriminatorConfig& config, const Network& network, const Pairs& pairs,
                    const Draws& draws) {
  const auto between = [&](Index begin, Index count, Expr share) {
    const Expr e = nn::columns(pairs.expert(), begin, count);
    const Expr p = nn::columns(pairs.policy(), begin, count);
    return p + share * (e - p);
  };
  switch (config.penalty) {
    case Penalty::kDragan:
      return pairs.expert() + config.penalty_noise * draws.noise;
    case Penalty::kNagard:
      return pairs.policy() + config.penalty_noise * draws.noise;
    case Penalty::kBare:
      return pairs.policy();
    case Penalty::kNone:
    case Penalty::kWgan:
      break;
  }
  if (config.mix == Mix::kJoint) return between(0, network.width(), draws.mix);
  return nn::concat_columns({between(0, network.first, nn::columns(draws.mix, 0, 1)),
                             between(network.first, network.second, nn::columns(draws.mix, 1, 1))});
}

Expr slope(const Network& network, Expr points) { return slope(network(points), points); }

Expr slope(Expr f, Expr points) {
  const Expr g = gradient(f, {points})[0];
  const Expr squares = sum(square(g), Axis::kColumns);
  const Expr flat = nn::constant(points.graph(), kFlat);
  return where(greater(squares, flat), sqrt(maximum(squares, flat)),
               nn::constant(points.graph(), 0));
}

Expr slope_penalty(Expr slopes, double target, bool one_sided) {
  const Expr excess = slopes - target;
  return mean(square(one_sided ? relu(excess) : excess));
}

Expr reward(Reward kind, Expr f) {
  switch (kind) {
    case Reward::kLogit:
      return f;
    case Reward::kGail:
      return -log(sigmoid(-f) + kLogFloor);
    case Reward::kLogD:
      break;
  }
  return log(sigmoid(f) + kLogFloor);
}

}  // namespace palaestra::agents::discriminator
