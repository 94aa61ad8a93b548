#pragma once

#include <palaestra/agents/decision_transformer/config.h>
#include <palaestra/agents/doc/task.h>
#include <palaestra/agents/sequence/dropout.h>
#include <palaestra/agents/sequence/tokens.h>

namespace palaestra::agents::decision_transformer {

/// π(a_t | R̂_t-K+1, s, a, ..., R̂_t, s_t): a causal transformer over the tokens (return-to-go,
/// state, action) of each step, read off where the state stands.
struct Policy {
  static constexpr Index kTokens = 3, kState = 1;  ///< of a step; where its state stands

  nn::Layout layout;
  bool counted_actions;
  sequence::Tokens tokens;
  nn::Transformer stack;
  nn::Dense head;
  nn::Attention form;

  Policy(const doc::Task& task, const DecisionTransformerConfig& config)
      : counted_actions(task.counts_actions()),
        tokens(layout, "tokens.", {1, task.observation_width(), task.action_width()},
               config.context, config.width),
        stack(layout, "",
              {.width = config.width,
               .layers = config.layers,
               .heads = config.heads,
               .activation = config.activation}),
        head(layout, "head", config.width, task.action_width()),
        form{.length = config.context * kTokens,
             .heads = config.heads,
             .stride = kTokens,
             .first = kState} {}

  /// What the stack makes of each step's state: [1, windows * context, width].
  nn::Expr features(nn::Expr to_go, nn::Expr observation, nn::Expr action,
                    const sequence::Dropout::Factors& dropout = {}) const {
    const nn::Expr x = tokens({to_go, observation, action}, "policy");
    return stack(dropout.apply(x), "policy", form, {}, dropout.blocks);
  }
  /// Logits of choices, or standardised actions.
  nn::Expr operator()(nn::Expr features) const { return head(features, "policy"); }
};

}  // namespace palaestra::agents::decision_transformer
