#pragma once

#include <string>
#include <tuple>
#include <vector>

#include <palaestra/agents/initialization.h>
#include <palaestra/core/config.h>
#include <palaestra/core/types.h>
#include <palaestra/nn/layers.h>

namespace palaestra::agents {

/// How far a critic is from its target.
enum class CriticError : unsigned char {
  kSquared,
  kHuber,  ///< half the square up to a distance of 1, then the distance less one half
};

/// Settings of TD3; the defaults are those of Stable-Baselines3 2.9 (`TD3("MlpPolicy", env)`), and
/// the paper's noise on collected actions.
struct Td3Config {
  std::vector<Index> hidden = {400, 300};
  nn::Activation activation = nn::Activation::kRelu;
  bool layer_norm = false;
  Initialization initialization = Initialization::kUniform;
  double actor_output_gain = 1;

  double actor_learning_rate = 1e-3;
  double critic_learning_rate = 1e-3;
  Index actor_halving = 0;
  double actor_clip_norm = 0;

  Index batch_size = 256;
  double discount = 0.99;
  double tau = 0.005;
  Index actor_interval = 2;
  Index actor_start = 0;

  double target_noise = 0.2;
  double target_noise_clip = 0.5;
  double target_minimum_share = 1;
  CriticError critic_error = CriticError::kSquared;
  double exploration_noise = 0.1;

  static constexpr auto fields() {
    using C = Td3Config;
    return std::tuple{
        field("hidden", &C::hidden, "widths of the hidden layers of actor and critics",
              between(1, 65536)),
        field("activation", &C::activation, "after each hidden layer",
              one_of("identity", "relu", "tanh", "silu", "gelu", "elu", "leaky_relu")),
        field("layer_norm", &C::layer_norm,
              "normalise the hidden layers of actor and critics, before the activation"),
        field("initialization", &C::initialization,
              "uniform within 1 / sqrt(inputs), or orthogonal weights and biases of 0",
              one_of("uniform", "orthogonal")),
        field("actor_output_gain", &C::actor_output_gain,
              "gain of the actor's last layer where layers begin orthogonal; the others' is 1",
              above(0)),
        field("actor_learning_rate", &C::actor_learning_rate, "step size of the actor's Adam",
              at_least(0)),
        field("critic_learning_rate", &C::critic_learning_rate, "step size of the critics' Adam",
              at_least(0)),
        field("actor_halving", &C::actor_halving,
              "updates of the actor after which its step size is halved, again and again; 0: never",
              at_least(0)),
        field("actor_clip_norm", &C::actor_clip_norm,
              "largest Euclidean norm of the actor's gradient; 0: no clipping", at_least(0)),
        field("batch_size", &C::batch_size, "transitions per update", between(1, 65536)),
        field("discount", &C::discount, "discount per step (gamma)", between(0, 1)),
        field("tau", &C::tau,
              "share of the networks that enters the target networks per update of the actor",
              between(0, 1)),
        field("actor_interval", &C::actor_interval,
              "critic updates per update of actor and target networks (d)", at_least(1)),
        field("actor_start", &C::actor_start,
              "critic updates before the actor is first updated; target networks follow earlier",
              at_least(0)),
        field("target_noise", &C::target_noise,
              "standard deviation of the noise on the target actor's actions (sigma)", at_least(0)),
        field("target_noise_clip", &C::target_noise_clip, "that noise is cut off here (c)",
              at_least(0)),
        field("target_minimum_share", &C::target_minimum_share,
              "share of the smaller target critic in the target, the rest being of the larger one",
              between(0, 1)),
        field("critic_error", &C::critic_error, "of the critics", one_of("squared", "huber")),
        field("exploration_noise", &C::exploration_noise,
              "standard deviation of the noise on collected actions, which are within [-1, 1]",
              at_least(0)),
    };
  }
};

}  // namespace palaestra::agents
