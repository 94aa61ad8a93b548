#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include <palaestra/envs/mujoco/scene_renderer.h>

namespace palaestra::envs::goal {

/// Draws a maze of MuJoCo's from a model of its own, which has besides what only pictures need: the
/// mark of the goal, colours, the whole sky. It is loaded for the first picture, and steps know
/// nothing of it.
class MazeRenderer {
 public:
  using Load = std::function<mujoco::Model()>;

  /// `load` makes the model that is drawn, with a site or else a geom called "target"; `goal` is
  /// the offset in a row of the place that it marks.
  MazeRenderer(Load load, const mujoco::View& view, std::size_t goal);

  render::ImageSize size() const { return {view_.width, view_.height, 3}; }
  /// As SceneRenderer::draw(), in a work space of its own. Throws what `load` throws, too.
  void draw(const mujoco::Data&, std::span<const double> row, std::span<std::uint8_t> out);

 private:
  struct Stage {
    mujoco::Data data;
    mujoco::SceneRenderer scene;
  };
  Load load_;
  mujoco::View view_;
  std::size_t goal_;
  std::optional<Stage> stage_;
};

/// Throws UserError when the model has no camera such as `view` wants.
void require_camera(const mujoco::Model& model, const mujoco::View& view);

}  // namespace palaestra::envs::goal
