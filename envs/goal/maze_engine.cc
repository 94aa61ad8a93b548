#include <palaestra/envs/goal/maze_engine.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <cstddef>

#include <palaestra/core/error.h>
#include <palaestra/envs/mujoco/mechanics.h>

namespace palaestra::envs::goal {
namespace {

/// Where a component lies in mjSTATE_INTEGRATION: behind all those of lower bits.
std::size_t offset_of(const mjModel_& model, int component) {
  return static_cast<std::size_t>(mj_stateSize(&model, (component - 1) & mjSTATE_INTEGRATION));
}

int ball_of(const mjModel_& model) {
  for (int geom = 0; geom < model.ngeom; ++geom) {
    if (model.geom_type[geom] == mjGEOM_SPHERE) {
      return geom;
    }
  }
  return -1;
}

}  // namespace

MazeEngine engine_of(const mujoco::Model& model, const std::string& id) {
  const mjModel_& m = *model;
  const int ball = ball_of(m);
  const auto size = static_cast<std::size_t>(mj_stateSize(&m, mjSTATE_INTEGRATION));
  require(
      m.nq == 2 && m.nv == 2 && m.nu == 2 && m.na == 0 && ball >= 0 && size <= kLongestEngineRow,
      id, ": the model file has ", m.nq, " positions, ", m.nv, " velocities, ", m.nu,
      " controls; expected a sphere with 2 of each");
  mjtNum margin = 0;  // the engine adds the margins of two geoms
  for (int geom = 0; geom < m.ngeom; ++geom) {
    margin = geom == ball ? margin : std::max(margin, m.geom_margin[geom]);
  }
  MazeEngine engine{
      .initial = std::vector<double>(size),
      .qpos = offset_of(m, mjSTATE_QPOS),
      .qvel = offset_of(m, mjSTATE_QVEL),
      .warm_start = offset_of(m, mjSTATE_WARMSTART),
      .control = offset_of(m, mjSTATE_CTRL),
      .size = size,
      .clearance = m.geom_size[std::ptrdiff_t{3} * ball] + m.geom_margin[ball] + margin};
  const mujoco::Data data(model);
  mujoco::start_over(data);
  mujoco::pack(data, engine.initial);
  return engine;
}

}  // namespace palaestra::envs::goal
