#pragma once

#include <string_view>
#include <variant>

#include <palaestra/agents/critic.h>
#include <palaestra/agents/iqlearn/config.h>
#include <palaestra/agents/sac/networks.h>
#include <palaestra/nn/layers.h>

namespace palaestra::agents::iqlearn {

/// SAC's actor and critics, for actions that are numbers, with these settings.
inline SacConfig sac_networks(const IqLearnConfig& config) {
  SacConfig sac;
  sac.hidden = config.hidden;
  sac.activation = config.activation;
  sac.initialization = config.initialization;
  sac.log_std = LogStd::kTanh;
  sac.log_std_min = config.log_std_min;
  sac.log_std_max = config.log_std_max;
  return sac;
}

/// Q_i(s, ·) of choices, i = 1 ... members: [members, rows, choices].
struct ChoiceCritic {
  nn::Layout layout;
  nn::Mlp net;

  ChoiceCritic(Index observation_size, Index choices, const IqLearnConfig& config)
      : net(layout, "",
            {.inputs = observation_size,
             .hidden = config.hidden,
             .outputs = choices,
             .members = config.critics,
             .activation = config.activation,
             .hidden_weights = weights_of(config.initialization),
             .output_weights = weights_of(config.initialization)}) {}

  nn::Expr operator()(nn::Expr observation, std::string_view vector) const {
    return net(observation, vector);
  }
};

struct NumberNetworks {
  sac::Actor actor;
  Critic critic;

  NumberNetworks(Index observation_size, Index action_size, const IqLearnConfig& config)
      : actor(observation_size, action_size, sac_networks(config)),
        critic(sac::make_critic(observation_size, action_size, sac_networks(config),
                                config.critics)) {}
};

/// Choices need no actor: their policy is the softmax of min_i Q_i / T.
using Networks = std::variant<NumberNetworks, ChoiceCritic>;

inline const nn::Layout& critic_layout(const Networks& networks) {
  const auto* numbers = std::get_if<NumberNetworks>(&networks);
  return numbers != nullptr ? numbers->critic.layout : std::get<ChoiceCritic>(networks).layout;
}

}  // namespace palaestra::agents::iqlearn
