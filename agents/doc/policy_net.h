#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>
#include <vector>

#include <palaestra/agents/doc/config.h>
#include <palaestra/agents/doc/task.h>
#include <palaestra/nn/distributions.h>
#include <palaestra/nn/layers.h>
#include <palaestra/nn/optimizer.h>

namespace palaestra::agents::doc {

/// One network of the settings' hidden layers.
inline nn::Mlp make_mlp(nn::Layout& layout, std::string_view prefix, Index inputs, Index outputs,
                        const DocConfig& config) {
  return nn::Mlp(layout, prefix,
                 {.inputs = inputs,
                  .hidden = config.hidden,
                  .outputs = outputs,
                  .activation = config.activation});
}

/// The optimiser of everything but critics, whose rate stays as it is: they chase what still moves.
inline nn::AdamOptions adam_of(const DocConfig& config) {
  nn::AdamOptions options{.learning_rate = config.learning_rate,
                          .weight_decay = config.weight_decay,
                          .clip_norm = config.clip_norm};
  if (config.decay_updates > 0) {
    options.schedule = {.kind = nn::LearningRateSchedule::Kind::kLinear,
                        .steps = config.decay_updates};
  }
  return options;
}
inline nn::AdamOptions critic_adam_of(const DocConfig& config) {
  return {.learning_rate = config.critic_learning_rate,
          .weight_decay = config.weight_decay,
          .clip_norm = config.clip_norm};
}

/// π(a|input): choices, or standardised numbers that are Gaussian with deviations which are free
/// parameters. They do not depend on the input: -log π is then in nats, as a penalty beside it is,
/// and nothing is gained by growing certain of single rows.
struct PolicyNet {
  static constexpr double kLeast = -5, kMost = 2;  ///< of the log deviations, gradient 0 outside

  nn::Mlp net;
  Index actions = 0;
  Index log_deviation = -1;  ///< offset; -1 where actions are choices

  PolicyNet() = default;
  PolicyNet(nn::Layout& layout, Index inputs, Index action_width, bool choices,
            const DocConfig& config)
      : net(make_mlp(layout, "policy.", inputs, action_width, config)), actions(action_width) {
    if (!choices) {
      log_deviation =
          layout.add("policy.log_deviation", {1, 1, action_width}, nn::Initializer::zeros());
    }
  }

  /// Probabilities of choices, or means.
  nn::Expr distribution(nn::Expr input, std::string_view vector) const {
    const nn::Expr head = net(input, vector);
    return log_deviation < 0 ? softmax(head) : head;
  }

  /// log π, `action` one-hot or standardised.
  nn::Expr log_prob(nn::Expr input, nn::Expr action, std::string_view vector) const {
    const nn::Expr head = net(input, vector);
    if (log_deviation < 0) return sum(action * log_softmax(head), nn::Axis::kColumns);
    const nn::Expr free = nn::parameter(head.graph(), vector, log_deviation, {1, 1, actions});
    return nn::DiagonalGaussian{head, nn::clamp(free, kLeast, kMost)}.log_prob(action);
  }

  /// Deviations in the units of the actions; none where actions are choices.
  void deviations(const Task& task, std::span<const float> parameters,
                  std::vector<float>& result) const {
    result.clear();
    for (std::size_t i = 0; i < task.action_scale.deviation.size(); ++i) {
      const auto at = static_cast<std::size_t>(log_deviation) + i;
      result.push_back(task.action_scale.deviation[i] *
                       std::exp(std::clamp(parameters[at], static_cast<float>(kLeast),
                                           static_cast<float>(kMost))));
    }
  }
};

}  // namespace palaestra::agents::doc
