#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include <palaestra/agents/doc/task.h>
#include <palaestra/agents/doc/transformer/config.h>
#include <palaestra/agents/sequence/dropout.h>
#include <palaestra/agents/sequence/tokens.h>
#include <palaestra/nn/distributions.h>

namespace palaestra::agents::doc {

/// The columns of steps as tokens are made of them, each [1, windows * steps, width].
struct StepColumns {
  nn::Expr observation, action, reward;
};

/// Scores of outcomes for (h, s, a, z), or for (h, s, a) alone: ω(o|h,s,a,z) is in proportion to
/// ρ(o) exp f. Listed outcomes: one output each. Others: f = <u(h,s,a,z), v(r,s')> / √embedding.
/// They see the past as π does: a latent that tells of luck only to who also knows the past would
/// go unnoticed by a critic of (s, a) alone.
struct SequenceCritic {
  nn::Layout layout;
  nn::Mlp net;      ///< f, or u
  nn::Mlp outcome;  ///< v; not used where outcomes are listed

  SequenceCritic(const Task& task, Index latent, const SequenceConfig& config) {
    const bool listed = task.outcomes.size() > 0;
    const auto mlp = [&](std::string_view prefix, Index inputs, Index outputs) {
      return nn::Mlp(layout, prefix,
                     {.inputs = inputs,
                      .hidden = config.hidden,
                      .outputs = outputs,
                      .activation = config.activation});
    };
    net = mlp("", config.width + task.observation_width() + task.action_width() + latent,
              listed ? task.outcomes.size() : config.embedding);
    if (!listed) outcome = mlp("outcome.", 1 + task.observation_width(), config.embedding);
  }
};

/// Everything that one optimiser steps is in the vector "model", named by prefix: "stack." and
/// "policy." (π), "encoder." (q), "value." (V), "prior." (p). The critics have vectors of their
/// own.
///
///   h_j        the causal stack over tokens (state, action, reward), read where s_j stands: what
///              came before s_j, and s_j; nothing of what step j did or brought
///   q(z|τ)     a stack without order of sight over the same tokens of the future, from the present
///              step on, read at the present state
///   π(a|h,z), V(h,s,z), p(z|h,s)   dense layers. V and p take h as it is: only π trains the stack
struct SequenceNetworks {
  static constexpr Index kTokens = 3, kState = 0;  ///< of a step; where its state stands

  Index context, future, window, latent;
  bool counted_actions, listed_outcomes;
  nn::Layout model;
  sequence::Tokens tokens, future_tokens;
  nn::Transformer stack, encoder;
  nn::Dense posterior;
  nn::Mlp policy, value, prior;
  SequenceCritic critic, free_critic;

  SequenceNetworks(const Task& task, const SequenceConfig& config)
      : context(config.context),
        future(config.future),
        window(config.window()),
        latent(config.latent),
        counted_actions(task.counts_actions()),
        listed_outcomes(task.outcomes.size() > 0),
        critic(task, config.latent, config),
        free_critic(task, 0, config) {
    const Index state = task.observation_width(), action = task.action_width();
    const nn::TransformerOptions options{.width = config.width,
                                         .layers = config.layers,
                                         .heads = config.heads,
                                         .activation = config.activation};
    const auto mlp = [&](std::string_view prefix, Index inputs, Index outputs) {
      return nn::Mlp(model, prefix,
                     {.inputs = inputs,
                      .hidden = config.hidden,
                      .outputs = outputs,
                      .activation = config.activation});
    };
    tokens = {model, "stack.tokens.", {state, action, 1}, window, config.width};
    stack = {model, "stack.", options};
    policy = mlp("policy.", config.width + latent, action);
    future_tokens = {model, "encoder.tokens.", {state, action, 1}, future, config.width};
    encoder = {model, "encoder.", options};
    posterior = {model, "encoder.posterior", config.width, 2 * latent};
    value = mlp("value.", config.width + state + latent, 1);
    prior = mlp("prior.", config.width + state, 2 * latent);
  }

  /// Who asks whom in the causal stack over windows of so many steps.
  nn::Attention form(Index steps) const {
    return {.length = steps * kTokens, .stride = kTokens, .first = kState};
  }
  /// In the encoder one token asks: the present state.
  nn::Attention future_form() const {
    return {.length = future * kTokens, .causal = false, .stride = future * kTokens};
  }

  /// h of each step, [1, windows * steps, width].
  nn::Expr features(const StepColumns& s, Index steps,
                    const sequence::Dropout::Factors& dropout = {}) const {
    const nn::Expr x = tokens({s.observation, s.action, s.reward}, "model", steps);
    return stack(dropout.apply(x), "model", form(steps), {}, dropout.blocks);
  }

  /// h where the critics look: [1, windows * future, width] of the steps of the futures, where
  /// outcomes are listed, from `present` on; else [1, windows, width] at `place`. Held still: only
  /// π trains the stack.
  nn::Expr past_of_futures(nn::Expr h, nn::Expr present) const {
    std::vector<nn::Expr> steps;
    for (Index j = 0; j < future; ++j) {
      steps.push_back(nn::pick_row(nn::stop_gradient(h), present + static_cast<double>(j)));
    }
    return nn::split_rows(nn::concat_columns(steps), future);
  }
  nn::Expr past_of_pairs(nn::Expr h, nn::Expr place) const {
    return nn::pick_row(nn::stop_gradient(h), place);
  }

  /// A Gaussian from a head of mean and log variance, the latter clamped to [-8, 4].
  nn::DiagonalGaussian gaussian(nn::Expr head) const {
    return {nn::columns(head, 0, latent),
            0.5 * nn::clamp(nn::columns(head, latent, latent), -8, 4)};
  }
  /// q(z|τ) for the future [1, windows * future, ...]; `present` [1, windows * future, 1] is 0 in
  /// padding.
  nn::DiagonalGaussian encode(const StepColumns& s, nn::Expr present,
                              const sequence::Dropout::Factors& dropout = {}) const {
    const nn::Expr x = future_tokens({s.observation, s.action, s.reward}, "model");
    const nn::Expr mask = nn::repeat_rows(present, kTokens);
    return gaussian(posterior(
        encoder(dropout.apply(x), "model", future_form(), mask, dropout.blocks), "model"));
  }

  /// p(z|h,s), h and s of the same rows.
  nn::DiagonalGaussian prior_of(nn::Expr h, nn::Expr observation) const {
    return gaussian(prior(nn::concat_columns({nn::stop_gradient(h), observation}), "model"));
  }
  nn::Expr value_of(nn::Expr h, nn::Expr observation, nn::Expr z) const {
    return value(nn::concat_columns({nn::stop_gradient(h), observation, z}), "model");
  }
  /// The same for `count` latents per row, z [1, rows * count, latent]: what the first layer makes
  /// of h and s is computed once.
  nn::Expr values_of_candidates(nn::Expr h, nn::Expr observation, nn::Expr z, Index count) const {
    const nn::Dense& first = value.hidden.front();
    const Index known = first.inputs - latent;
    const auto weights = [&](Index begin, Index rows) {
      return nn::parameter(z.graph(), "model", first.weight + begin * first.outputs,
                           {1, rows, first.outputs});
    };
    const nn::Expr bias = nn::parameter(z.graph(), "model", first.bias, {1, 1, first.outputs});
    const nn::Expr state =
        nn::affine(nn::concat_columns({h, observation}), weights(0, known), bias);
    nn::Expr x = nn::activate(
        value.activation, nn::repeat_rows(state, count) + nn::matmul(z, weights(known, latent)));
    for (std::size_t i = 1; i < value.hidden.size(); ++i) {
      x = nn::activate(value.activation, value.hidden[i](x, "model"));
    }
    return value.output(x, "model");
  }
  /// Logits of choices, or standardised actions, for h and z of the same rows.
  nn::Expr act(nn::Expr h, nn::Expr z) const { return policy(nn::concat_columns({h, z}), "model"); }
};

}  // namespace palaestra::agents::doc
