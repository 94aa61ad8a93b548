#pragma once

#include <array>
#include <optional>
#include <string>

#include <palaestra/core/types.h>
#include <palaestra/envs/keywords.h>

namespace palaestra::envs::mujoco {

/// The size of a MuJoCo task's pictures, and where they are taken from: one of the model's cameras,
/// or a place that does not move.
struct View {
  Index width = 480, height = 480;  ///< pixels
  std::string camera{};             ///< of the model, by name; empty = the place that follows
  double distance = 0;              ///< m, from the point looked at; 0 = the model's extent
  double elevation = -45;           ///< degrees; negative looks down
  double azimuth = 90;              ///< degrees; 90 looks along y
  /// m; nothing = the median of the places of all shapes when the model is in its initial state
  std::optional<std::array<double, 3>> look_at{};
};

/// Overwrites what the options `width`, `height` (1 to 4096) and `camera_name` say. Throws
/// UserError naming the option and what is accepted; whether the model has the camera is for
/// SceneRenderer to say.
View read_view(KeywordReader& options, View view);

}  // namespace palaestra::envs::mujoco
