#pragma once

#include <string>
#include <vector>

#include <palaestra/core/space.h>

namespace palaestra::envs {

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
  bool goal = false;            ///< has achieved and desired goal columns
  /// Names of the info columns, in order (may be empty). Neighbours "name[0]", "name[1]" are the
  /// elements of what the original reports as one array.
  std::vector<std::string> info;
};

}  // namespace palaestra::envs
