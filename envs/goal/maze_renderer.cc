#include <palaestra/envs/goal/maze_renderer.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace palaestra::envs::goal {
namespace {

/// Where the engine has computed that the mark of the goal is.
mjtNum* mark_of(const mjModel_& model, const mjData_& data) {
  const int site = mj_name2id(&model, mjOBJ_SITE, "target");
  return site >= 0 ? data.site_xpos + std::ptrdiff_t{3} * site
                   : data.geom_xpos + std::ptrdiff_t{3} * mj_name2id(&model, mjOBJ_GEOM, "target");
}

}  // namespace

MazeRenderer::MazeRenderer(Load load, const mujoco::View& view, std::size_t goal)
    : load_(std::move(load)), view_(view), goal_(goal) {}

void MazeRenderer::draw(const mujoco::Data&, std::span<const double> row,
                        std::span<std::uint8_t> out) {
  if (!stage_) {
    const mujoco::Model model = load_();
    const auto move_mark = [goal = goal_](const mjModel_& m, mjData_& data,
                                          std::span<const double> state) {
      std::copy_n(state.begin() + static_cast<std::ptrdiff_t>(goal), 2, mark_of(m, data));
    };
    stage_.emplace(Stage{mujoco::Data(model), mujoco::SceneRenderer(model, view_, move_mark)});
  }
  stage_->scene.draw(stage_->data, row, out);
}

void require_camera(const mujoco::Model& model, const mujoco::View& view) {
  const mujoco::SceneRenderer found(model, view);
}

}  // namespace palaestra::envs::goal
