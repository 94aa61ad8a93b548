#pragma once

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <palaestra/agents/doc/config.h>
#include <palaestra/agents/doc/policy_net.h>
#include <palaestra/nn/distributions.h>
#include <palaestra/nn/layers.h>

namespace palaestra::agents::doc {

/// What decides the shapes of the networks, and with them of every array below.
struct Sizes {
  Index windows;      ///< B, of a batch
  Index steps;        ///< K, of a window
  Index observation;  ///< width as networks see it
  Index action;
  bool counted_actions;
  Index outcomes;  ///< O, how many outcomes are listed; 0: critics are contrastive

  /// Numbers per step of what the encoder reads: (s, a, r, s', mask), r where wanted.
  Index encoded(bool with_reward) const {
    return 2 * observation + action + (with_reward ? 1 : 0) + 1;
  }
};

/// The sizes for a task.
inline Sizes sizes_of(const Task& task, const DocConfig& config) {
  return {.windows = config.batch_size,
          .steps = config.window,
          .observation = task.observation_width(),
          .action = task.action_width(),
          .counted_actions = task.counts_actions(),
          .outcomes = task.outcomes.size()};
}
/// The same for methods that look at single steps.
inline Sizes single_steps(const Task& task, const DocConfig& config) {
  Sizes sizes = sizes_of(task, config);
  sizes.steps = 1;
  return sizes;
}

/// Scores f of outcomes for (s, a, z), or for (s, a) alone: ω(o|s,a,z) is in proportion to
/// ρ(o) exp f.
///
/// Listed outcomes: one output each. Others: f = <u(s,a,z), v(o)> / √d with embeddings of width d.
struct Critic {
  nn::Layout layout;
  nn::Mlp net;      ///< f, or u
  nn::Mlp outcome;  ///< v; not used where outcomes are listed
  Index embedding;  ///< d, 0 where outcomes are listed

  Critic(const Sizes& sizes, Index latent, const DocConfig& config)
      : embedding(sizes.outcomes > 0 ? 0 : config.embedding) {
    net = make_mlp(layout, "", sizes.observation + sizes.action + latent,
                   embedding > 0 ? embedding : sizes.outcomes, config);
    if (embedding > 0) {
      outcome = make_mlp(layout, "outcome.", 1 + sizes.observation, embedding, config);
    }
  }
};

/// Encoder q(z|τ), policy π(a|s,z), value V(s,z) and prior p(z|s) in one vector, "model", so that
/// one optimiser steps and clips them together; the critics in vectors of their own.
struct Networks {
  Sizes sizes;
  Index latent;
  bool encode_reward;
  nn::Layout model;
  nn::Mlp encoder, value, prior;
  PolicyNet policy;
  Critic critic;       ///< ω
  Critic free_critic;  ///< ω0: without z

  Networks(const Sizes& shape, const DocConfig& config)
      : sizes(shape),
        latent(config.latent),
        encode_reward(config.encode_reward),
        critic(shape, config.latent, config),
        free_critic(shape, 0, config) {
    encoder =
        make_mlp(model, "encoder.", shape.steps * shape.encoded(encode_reward), 2 * latent, config);
    policy =
        PolicyNet(model, shape.observation + latent, shape.action, shape.counted_actions, config);
    value = make_mlp(model, "value.", shape.observation + latent, 1, config);
    prior = make_mlp(model, "prior.", shape.observation, 2 * latent, config);
  }

  /// A Gaussian from a head of mean and log variance, the latter clamped to [-8, 4].
  nn::DiagonalGaussian gaussian(nn::Expr head) const {
    return {nn::columns(head, 0, latent),
            0.5 * nn::clamp(nn::columns(head, latent, latent), -8, 4)};
  }
  nn::DiagonalGaussian encode(nn::Expr window) const { return gaussian(encoder(window, "model")); }
  nn::DiagonalGaussian prior_of(nn::Expr observation) const {
    return gaussian(prior(observation, "model"));
  }

  /// π(·|s,z): probabilities of choices, or means of standardised actions.
  nn::Expr policy_of(nn::Expr observation, nn::Expr z) const {
    return policy.distribution(join(observation, z), "model");
  }
  /// log π(a|s,z), a one-hot or standardised.
  nn::Expr log_policy(nn::Expr observation, nn::Expr action, nn::Expr z) const {
    return policy.log_prob(join(observation, z), action, "model");
  }

  nn::Expr value_of(nn::Expr observation, nn::Expr z) const {
    return value(join(observation, z), "model");
  }
  /// The same for many latents per state, z [candidates, rows, latent]: what the first layer makes
  /// of the state is computed once.
  nn::Expr values_of_candidates(nn::Expr observation, nn::Expr z) const {
    const nn::Dense& first = value.hidden.front();
    const auto weights = [&](Index begin, Index count) {
      return nn::parameter(z.graph(), "model", first.weight + begin * first.outputs,
                           {1, count, first.outputs});
    };
    const nn::Expr bias = nn::parameter(z.graph(), "model", first.bias, {1, 1, first.outputs});
    const nn::Expr state = nn::affine(observation, weights(0, sizes.observation), bias);
    nn::Expr x =
        nn::activate(value.activation, state + nn::matmul(z, weights(sizes.observation, latent)));
    for (std::size_t i = 1; i < value.hidden.size(); ++i) {
      x = nn::activate(value.activation, value.hidden[i](x, "model"));
    }
    return value.output(x, "model");
  }

  /// Columns side by side; operands of one member serve all steps.
  static nn::Expr join(nn::Expr a, nn::Expr b) {
    const nn::Shape x = a.shape(), y = b.shape();
    const Index members = std::max(x.members, y.members);
    return nn::concat_columns({nn::broadcast(a, {members, x.rows, x.columns}),
                               nn::broadcast(b, {members, y.rows, y.columns})});
  }
};

}  // namespace palaestra::agents::doc
