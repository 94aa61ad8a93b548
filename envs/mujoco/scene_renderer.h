#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include <palaestra/envs/mujoco/model.h>
#include <palaestra/envs/mujoco/view.h>
#include <palaestra/envs/render/image.h>

namespace palaestra::envs::mujoco {

/// Draws states of a model with MuJoCo's own renderer, off screen. Any environment whose scratch is
/// a Data, and whose rows begin with the engine's state (see Layout), draws with
///
///   SceneRenderer make_renderer() const { return {model_, view_}; }
///
/// and says EnvSpec::render_fps. OpenGL is started by the first picture, since that is slow and may
/// fail, and belongs to this object; pictures may be taken from any thread, one at a time.
class SceneRenderer {
 public:
  /// Changes what is drawn, once the engine has computed where everything is: to show a goal that
  /// is in the row and not in the model, move its site (data.site_xpos).
  using Dress = std::function<void(const mjModel_&, mjData_&, std::span<const double> row)>;

  /// Throws UserError when the model has no camera of that name or number.
  SceneRenderer(Model model, const View& view, Dress dress = {});
  ~SceneRenderer();
  SceneRenderer(SceneRenderer&&) noexcept;
  SceneRenderer& operator=(SceneRenderer&&) noexcept;

  render::ImageSize size() const { return {view_.width, view_.height, 3}; }

  /// Puts the row into `data`, whose model is ours or one of the same parts elsewhere, and draws it
  /// into `out`, [size().bytes()]. Throws UserError when
  /// there is no OpenGL, and EngineError when MuJoCo gives up.
  void draw(Data& data, std::span<const double> row, std::span<std::uint8_t> out);

 private:
  struct Stage;

  Model model_;
  View view_;
  Dress dress_;
  int camera_;  // number in the model, -1 = free
  std::unique_ptr<Stage> stage_;
};

}  // namespace palaestra::envs::mujoco
