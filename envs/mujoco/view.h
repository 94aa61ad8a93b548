#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <palaestra/core/types.h>
#include <palaestra/envs/keywords.h>

namespace palaestra::envs::mujoco {

/// The size of a MuJoCo task's pictures, and where they are taken from: one of the model's cameras,
/// or a place that does not move.
struct View {
  Index width = 480, height = 480;  ///< pixels
  std::string camera{};             ///< of the model, by name
  int camera_number = -1;           ///< of the model, where there is no name; -1 = the place that
                                    ///< follows
  double distance = 0;              ///< m, from the point looked at; 0 = the model's extent
  double elevation = -45;           ///< degrees; negative looks down
  double azimuth = 90;              ///< degrees; 90 looks along y
  /// m; nothing = the median of the places of all shapes when the model is in its initial state
  std::optional<std::array<double, 3>> look_at{};
  bool orthographic = false;  ///< else in perspective; for the place that does not move
  int max_geoms = 1000;       ///< more shapes are left out of the picture
  /// What is drawn besides, by the number of MuJoCo's mjtVisFlag; empty = MuJoCo's own choice.
  std::vector<std::uint8_t> flags{};
};

/// Overwrites what the options `width`, `height` (1 to 4096) and `camera_name` say. Throws
/// UserError naming the option and what is accepted; whether the model has the camera is for
/// SceneRenderer to say.
View read_view(KeywordReader& options, View view);

/// The same and all others of Gymnasium's options of its renderer: `camera_id`, `max_geom`,
/// `visual_options_<number>` and, one by one, the entries of the dict `default_camera_config`,
/// which stands in for the whole place of `view` as soon as one is given: those that are not are
/// MuJoCo's own. `type`, `fixedcamid` and `trackbodyid` of it are accepted and without effect, as
/// in Gymnasium's pictures. Throws UserError as read_view() does, and for a camera by name and by
/// number.
View read_gymnasium_view(KeywordReader& options, View view);

}  // namespace palaestra::envs::mujoco
