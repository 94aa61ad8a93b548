#include <palaestra/agents/doc/losses.h>

#include <cmath>

namespace palaestra::agents::doc {

using nn::Axis;
using nn::Expr;

namespace {

/// The weighted mean over steps and windows of [K, B, 1], or over windows of [1, B, 1].
Expr weighted(Expr weight, Expr x) { return sum(weight * x); }

nn::DiagonalGaussian held(const nn::DiagonalGaussian& d) {
  return {stop_gradient(d.mean), stop_gradient(d.log_std)};
}

/// log ω of listed outcomes is log_softmax(log ρ + f).
Bracket listed(const Windows& w, Expr scores) {
  const Expr log_omega = log_softmax(w.log_share + scores);
  const Expr chosen = pick_column(log_omega, w.outcome);
  const Expr shape = nn::broadcast(w.log_share, scores.shape());
  return {
      .log_omega = log_omega, .observed = chosen - pick_column(shape, w.outcome), .loss = -chosen};
}

/// f_ij = <u_i, v_j> / √d over the batch's own outcomes j, which are draws of ρ:
///   log ω_ii - log ρ = f_ii - logsumexp_j f_ij + log B.
/// A column of ones beside u and of -1e9 beside v takes padding out of the sums.
Bracket contrastive(const Critic& critic, const Windows& w, Expr input, std::string_view vector) {
  const Expr u = critic.net(input, vector) * (1 / std::sqrt(static_cast<double>(critic.embedding)));
  const Expr v = critic.outcome(w.outcome, vector);
  const Expr ones = nn::broadcast(nn::constant(u.graph(), 1), w.absent.shape());
  const Expr scores = matmul(nn::concat_columns({u, ones}), nn::concat_columns({v, w.absent}),
                             /*transpose_a=*/false, /*transpose_b=*/true);
  const Expr observed = sum(u * v, Axis::kColumns) - log_sum_exp(scores) + w.log_count;
  return {.log_omega = log_softmax(scores), .observed = observed, .loss = -observed};
}

Bracket bracket_of(const Critic& critic, const Windows& w, Expr input, std::string_view vector) {
  return critic.embedding > 0 ? contrastive(critic, w, input, vector)
                              : listed(w, critic.net(input, vector));
}

}  // namespace

Windows window_inputs(nn::Graph& graph, const Networks& nets) {
  const Sizes& n = nets.sizes;
  const bool lists = n.outcomes > 0;
  const auto steps = [&](std::string_view name, Index width) {
    return nn::input(graph, name, {n.steps, n.windows, width});
  };
  const auto one = [&](std::string_view name, Index width) {
    return nn::input(graph, name, {1, n.windows, width});
  };
  Windows w{.window = one("window", n.steps * n.encoded(nets.encode_reward)),
            .observation = steps("observation", n.observation),
            .action = steps("action", n.action),
            .outcome = steps("outcome", lists ? 1 : 1 + n.observation),
            .weight = steps("weight", 1),
            .window_weight = one("window_weight", 1),
            .target = one("target", 1),
            .noise = one("noise", nets.latent)};
  if (lists) {
    w.log_share = nn::input(graph, "log_share", {1, 1, n.outcomes});
  } else {
    w.absent = steps("absent", 1);
    w.log_count = nn::input(graph, "log_count", {n.steps, 1, 1});
  }
  return w;
}

Expr first_observation(const Windows& w) { return nn::members(w.observation, 0, 1); }

Expr policy_loss(const Networks& nets, const Windows& w, Expr z) {
  return weighted(w.weight, -nets.log_policy(w.observation, w.action, z));
}

Bracket bracket(const Networks& nets, const Windows& w, Expr z) {
  const Expr state_action = nn::concat_columns({w.observation, w.action});
  return bracket_of(nets.critic, w, Networks::join(state_action, z), "critic");
}

Bracket free_bracket(const Networks& nets, const Windows& w) {
  return bracket_of(nets.free_critic, w, nn::concat_columns({w.observation, w.action}),
                    "free_critic");
}

Expr critic_loss(const Networks& nets, const Windows& w, Expr z) {
  return weighted(w.weight, bracket(nets, w, stop_gradient(z)).loss);
}

Expr free_critic_loss(const Networks& nets, const Windows& w) {
  return weighted(w.weight, free_bracket(nets, w).loss);
}

Expr penalty(const Networks& nets, const Windows& w, Expr z, Penalty kind) {
  const Bracket with = bracket(nets, w, z);
  switch (kind) {
    case Penalty::kAdversarial:
      return weighted(w.weight, with.observed);
    case Penalty::kPublished:
      return weighted(w.weight, -with.observed);
    case Penalty::kBounded:
      break;
  }
  const Bracket without = free_bracket(nets, w);
  const Expr divergence =
      sum(exp(with.log_omega) * (with.log_omega - without.log_omega), Axis::kColumns);
  return weighted(w.weight, divergence);
}

Expr value_loss(const Networks& nets, const Windows& w, Expr z, bool detach) {
  const Expr value = nets.value_of(first_observation(w), detach ? stop_gradient(z) : z);
  return weighted(w.window_weight, square(value - w.target));
}

Expr prior_loss(const Networks& nets, const Windows& w, const nn::DiagonalGaussian& q) {
  return weighted(w.window_weight, kl_divergence(held(q), nets.prior_of(first_observation(w))));
}

Expr compression_loss(const Networks& nets, const Windows& w, const nn::DiagonalGaussian& q) {
  return weighted(w.window_weight, kl_divergence(q, held(nets.prior_of(first_observation(w)))));
}

ModelLoss model_loss(const Networks& nets, const Windows& w, const DocConfig& config) {
  const nn::DiagonalGaussian q = nets.encode(w.window);
  const Expr z = q.sample(w.noise);
  ModelLoss loss{.total = {},
                 .policy = policy_loss(nets, w, z),
                 .penalty = penalty(nets, w, z, config.penalty),
                 .value = value_loss(nets, w, z, config.detach_value),
                 .prior = prior_loss(nets, w, q)};
  loss.total = loss.policy + loss.value + loss.prior;
  if (config.beta > 0) loss.total = loss.total + config.beta * loss.penalty;
  if (config.kl_weight > 0) {
    loss.total = loss.total + config.kl_weight * compression_loss(nets, w, q);
  }
  return loss;
}

}  // namespace palaestra::agents::doc
