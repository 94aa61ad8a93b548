#pragma once

#include <cstdint>
#include <string>
#include <tuple>

#include <palaestra/agents/doc/config.h>
#include <palaestra/core/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/experiments/measurement.h>

namespace palaestra::experiments::doc {

/// A MuJoCo task whose actions or rewards are noisy, data of a half-trained SAC policy, and what
/// each method learns from the same data: Yang et al. 2023, 5.3, at a reduced scale and with
/// settings that the paper does not tell. Exploratory: nothing here was measured by anybody else.
struct MujocoStudy {
  std::string env = "Reacher-v5";
  double transition_noise = 0.5;
  double reward_noise = 0;
  Index behaviour_steps = 6'000;
  double exploration = 0.2;
  Index trajectories = 1000;
  Index updates = 5000;
  Index episodes = 50;
  agents::doc::DocConfig doc{};

  static constexpr auto fields() {
    using S = MujocoStudy;
    return std::tuple{
        field("env", &S::env, "a task with numbers as observations and actions"),
        field("transition_noise", &S::transition_noise,
              "sigma of the noise on actions, in data and in evaluation alike; 0: none",
              between(0, 1e6)),
        field("reward_noise", &S::reward_noise,
              "standard deviation of the noise that one reward in ten gets; 0: none",
              between(0, 1e6)),
        field("behaviour_steps", &S::behaviour_steps,
              "steps of SAC, without noise, after which its policy makes the data",
              between(1'000, 10'000'000)),
        field(
            "exploration", &S::exploration,
            "standard deviation of what the data policy adds to its mean action, in units of half "
            "the range of actions",
            between(0, 10)),
        field("trajectories", &S::trajectories, "episodes of data", between(1, 1'000'000)),
        field("updates", &S::updates, "gradient updates of each method", between(0, 1e9)),
        field("episodes", &S::episodes, "episodes played for each number", between(2, 100'000)),
        field("doc", &S::doc, "settings of the networks and of Dichotomy of Control"),
    };
  }
};

/// Numbers: data_return and behaviour_return (of the mean action, without noise); then for each
/// method (doc, vae, no_constraint, return_bc, bc, percentile_bc) those of score(), behind "doc."
/// and so on. Throws UserError for a task of other spaces.
void run_mujoco(const MujocoStudy& study, std::uint64_t seed, Threads threads, Measurement& to);

}  // namespace palaestra::experiments::doc
