#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include <palaestra/agents/doc/config.h>
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
    const auto mlp = [&](std::string_view prefix, Index inputs, Index outputs) {
      return nn::Mlp(layout, prefix,
                     {.inputs = inputs,
                      .hidden = config.hidden,
                      .outputs = outputs,
                      .activation = config.activation});
    };
    net = mlp("", sizes.observation + sizes.action + latent,
              embedding > 0 ? embedding : sizes.outcomes);
    if (embedding > 0) outcome = mlp("outcome.", 1 + sizes.observation, embedding);
  }
};

/// Encoder q(z|τ), policy π(a|s,z), value V(s,z) and prior p(z|s) in one vector, "model", so that
/// one optimiser steps and clips them together; the critics in vectors of their own.
struct Networks {
  Sizes sizes;
  Index latent;
  bool encode_reward;
  nn::Layout model;
  nn::Mlp encoder, policy, value, prior;
  Index log_deviation = -1;  ///< of the policy, one free number per action; where not counted
  Critic critic;             ///< ω
  Critic free_critic;        ///< ω0: without z

  Networks(const Sizes& shape, const DocConfig& config)
      : sizes(shape),
        latent(config.latent),
        encode_reward(config.encode_reward),
        critic(shape, config.latent, config),
        free_critic(shape, 0, config) {
    const auto mlp = [&](std::string_view prefix, Index inputs, Index outputs) {
      return nn::Mlp(model, prefix,
                     {.inputs = inputs,
                      .hidden = config.hidden,
                      .outputs = outputs,
                      .activation = config.activation});
    };
    encoder = mlp("encoder.", shape.steps * shape.encoded(encode_reward), 2 * latent);
    policy = mlp("policy.", shape.observation + latent, shape.action);
    value = mlp("value.", shape.observation + latent, 1);
    prior = mlp("prior.", shape.observation, 2 * latent);
    if (!shape.counted_actions) {
      log_deviation =
          model.add("policy.log_deviation", {1, 1, shape.action}, nn::Initializer::zeros());
    }
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

  /// Logits of the choices, or means of the (standardised) actions.
  nn::Expr policy_head(nn::Expr observation, nn::Expr z) const {
    return policy(join(observation, z), "model");
  }
  /// log π(a|s,z), a one-hot or standardised. Where actions are numbers they are Gaussian with
  /// deviations that do not depend on s and z: in nats, as the penalty is, and without a way to
  /// gain by growing certain of single rows.
  nn::Expr log_policy(nn::Expr observation, nn::Expr action, nn::Expr z) const {
    const nn::Expr head = policy_head(observation, z);
    if (sizes.counted_actions) {
      return nn::sum(action * nn::log_softmax(head), nn::Axis::kColumns);
    }
    const nn::Expr free = nn::parameter(head.graph(), "model", log_deviation, {1, 1, sizes.action});
    return nn::DiagonalGaussian{head, nn::clamp(free, -5, 2)}.log_prob(action);
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
