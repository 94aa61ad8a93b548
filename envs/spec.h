#pragma once

#include <optional>
#include <string>
#include <vector>

#include <palaestra/core/space.h>

namespace palaestra::envs {

/// Widths of the parts of a goal task's observation row: [observation | achieved goal | desired
/// goal]. The two goals are of the same width, since one is to take the other's place.
struct GoalSpec {
  Index observation = 0, achieved = 0, desired = 0;

  friend bool operator==(const GoalSpec&, const GoalSpec&) = default;
};

/// Everything there is to know about an environment without running it. Tests, documentation, the
/// command line and the bindings read this value.
struct EnvSpec {
  std::string id;      ///< the original's own: "CartPole-v1", "HalfCheetah-v5"
  std::string family;  ///< folder: "classic", "mujoco", ...
  std::string origin;  ///< package the original comes from: "gymnasium 1.4.0"; "palaestra" for ours
  std::string engine;  ///< engine that the bits depend on, with its version; empty = our own code
  std::string summary;  ///< one sentence
  std::string oracle;   ///< what checks it, and within which bound
  Space observation;
  Space action;
  Index time_limit = 0;         ///< steps until truncation; 0 = never
  bool deterministic = true;    ///< step() draws no random number
  bool distinct_starts = true;  ///< two episodes start alike only by a chance nobody meets; false:
                                ///< in one state, or in one of a few
  Index render_fps = 0;         ///< pictures per second that show it at its speed; 0 = draws none
  std::optional<GoalSpec> goal{};  ///< a goal task: how its observation row is divided
  std::string tracking_camera;  ///< value of the option `camera_name` that keeps what moves in the
                                ///< picture; empty where the default does, or there is none
  /// Names of the info columns, in order (may be empty). Neighbours "name[0]", "name[1]" are the
  /// elements of what the original reports as one array.
  std::vector<std::string> info;
};

}  // namespace palaestra::envs
