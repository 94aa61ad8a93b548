#pragma once

#include <span>
#include <vector>

#include <palaestra/core/space.h>

namespace palaestra::agents {

/// The affine map between a policy's actions in [-1, 1] and those of a bounded box.
struct ActionScale {
  std::vector<float> low, high, middle, half;  ///< per element of an action

  /// Throws UserError naming `agent` and the space unless it is a box with finite bounds.
  ActionScale(std::string_view agent, const Space& space);

  /// In place, [rows, size]: [-1, 1] -> [low, high]; never outside by rounding.
  void to_space(std::span<float> actions) const;
  /// [low, high] -> [-1, 1].
  void to_unit(std::span<const float> actions, std::span<float> out) const;
};

}  // namespace palaestra::agents
