#include <palaestra/envs/mujoco/task.h>

#include <mujoco/mujoco.h>

#include <limits>
#include <utility>

#include <palaestra/core/error.h>

namespace palaestra::envs::mujoco {

EnvSpec gymnasium_spec(const char* id, const char* summary, Index observation, Index controls,
                       double control_range, std::vector<std::string> info) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EnvSpec s;
  s.id = id;
  s.family = "mujoco";
  s.origin = "gymnasium 1.4.0";
  s.engine = concat("mujoco ", mj_versionString());
  s.summary = summary;
  s.oracle = "Gymnasium on the same MuJoCo step by step, equal bits";
  s.observation = Space::box(observation, -kInfinity, kInfinity, DType::kFloat64);
  s.action = Space::box(controls, -control_range, control_range);
  s.time_limit = 1000;
  s.info = std::move(info);
  return s;
}

}  // namespace palaestra::envs::mujoco
