#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include <palaestra/core/types.h>
#include <palaestra/replay/window_sampler.h>

namespace palaestra::rollout {

/// A column of windows that is no part of a step: the discounted rewards from a row to the end of
/// its episode, as they were recorded (float32; the rest of a truncated episode counts as 0).
inline constexpr std::string_view kReturnToGo = "return_to_go";

/// Contiguous pieces of episodes, for agents that learn from sequences.
struct WindowSampling {
  replay::WindowShape shape = {};
  replay::WindowFit fit = replay::WindowFit::kPad;
  /// Of "observation" (a state), "action", "reward" and kReturnToGo; each in the type that the
  /// buffer has: observations as float32 where they are real numbers, choices as int64.
  std::vector<replay::WindowColumn> columns = {{"observation", true}, {"action"}, {"reward"}};
  double return_discount = 1;  ///< of kReturnToGo
};

/// Whether an agent that imitates learns from what it does itself, too.
enum class OwnRows : unsigned char {
  kNeeded,    ///< always: there are no offline steps
  kOptional,  ///< where there is some: offline steps have a batch of no rows
  kNone,      ///< never: offline steps are all there is
};

/// The data set of an agent that imitates: what it is to do, drawn apart from what it did. An
/// episode, each alike, then one of its steps.
struct DemonstrationSampling {
  Index rows = 256;  ///< per update
  Index every = 1;   ///< only every k-th step of an episode is shown, from a random one on
  OwnRows own = OwnRows::kNeeded;
};

/// What an agent wants from the sampler: transitions, or windows where those are given.
struct Sampling {
  Index batch_size;  ///< transitions or windows per update
  double discount;   ///< per step
  std::optional<WindowSampling> windows = {};
  std::optional<DemonstrationSampling> demonstrations = {};
  /// Rewards are the agent's to say (Agent::judge()), once: rows are kept back until their episode
  /// ends.
  bool judged = false;
  /// So too, but whenever rows are drawn.
  bool relabelled = false;
  bool absorbing = false;  ///< episodes that terminate go on where nothing happens: absorbing.h
  bool recorded = false;   ///< does what was recorded, so that there has to be a data set

  /// Whether the agent learns from rewards of its own beside demonstrations.
  bool rewarded() const { return demonstrations && (judged || relabelled); }
};

}  // namespace palaestra::rollout
