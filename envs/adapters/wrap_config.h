#pragma once

#include <string>
#include <tuple>
#include <vector>

#include <palaestra/core/config.h>
#include <palaestra/envs/adapters/wrappers.h>

namespace palaestra::envs {

/// Wrappers as settings of a run: the table `wrap` of config.toml. Each is off until it is set.
/// They lie over each other in the order of the fields, the first innermost: what changes the task
/// comes before what prepares its numbers for a learner. (Other orders: a list of Wrapper.)
struct WrapConfig {
  double transition_noise = 0;
  Index action_repeat = 1;
  double reward_noise = 0;
  double reward_noise_probability = 0.1;
  std::vector<Index> crop = {};
  std::vector<Index> resize = {};
  Resize::Method resize_method = Resize::Method::kArea;
  bool flatten_goal = false;
  std::vector<double> rescale_observation = {};
  bool normalize_observation = false;
  double normalize_clip = 0;
  Index frame_stack = 1;
  FrameStack::Padding frame_padding = FrameStack::Padding::kReset;
  bool normalize_reward = false;
  double normalize_discount = 0.99;

  static constexpr auto fields() {
    using C = WrapConfig;
    return std::tuple{
        field("transition_noise", &C::transition_noise, "sigma of the noise on actions; 0: none",
              at_least(0)),
        field("action_repeat", &C::action_repeat, "steps for which an action is repeated",
              between(1, 10'000)),
        field("reward_noise", &C::reward_noise,
              "standard deviation of the noise on rewards; 0: none", at_least(0)),
        field("reward_noise_probability", &C::reward_noise_probability,
              "probability that a reward gets noise", between(0, 1)),
        field("crop", &C::crop,
              "part of an image: top, left, height, width (0: all that is left); empty: all of it",
              at_least(0)),
        field("resize", &C::resize, "size of an image: height, width; empty: as it is",
              at_least(1)),
        field("resize_method", &C::resize_method, "how pixels are joined",
              one_of("area", "bilinear")),
        field("flatten_goal", &C::flatten_goal,
              "observation and desired goal of a goal task, without the achieved one"),
        field("rescale_observation", &C::rescale_observation,
              "bounds of the observation become these two numbers: low, high; empty: as they are"),
        field("normalize_observation", &C::normalize_observation,
              "observations by running mean and variance; evaluations use those of training"),
        field("normalize_clip", &C::normalize_clip,
              "largest magnitude of a normalised observation; 0: any", at_least(0)),
        field("frame_stack", &C::frame_stack, "observations shown as one, the newest last",
              at_least(1)),
        field("frame_padding", &C::frame_padding, "what lies before the first observation",
              one_of("reset", "zero")),
        field("normalize_reward", &C::normalize_reward,
              "rewards over the running deviation of discounted returns"),
        field("normalize_discount", &C::normalize_discount, "discount of those returns",
              between(0, 1)),
    };
  }
  void check(std::vector<std::string>& problems) const;

  /// Those that are on, innermost first.
  Wrappers wrappers() const;
};

}  // namespace palaestra::envs
