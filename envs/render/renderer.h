#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>

#include <palaestra/envs/environment.h>
#include <palaestra/envs/render/canvas.h>
#include <palaestra/envs/render/image.h>

namespace palaestra::envs::render {

/// An environment whose pictures a canvas is enough for: the part that draws, see environment.h.
template <class E>
concept DrawsOnCanvas = requires(const E& env, Canvas& canvas) {
  { env.render_size() } -> std::convertible_to<ImageSize>;
}
&&(
    requires(const E& env, const typename E::State& state, Canvas& canvas) {
      env.render(state, canvas);
    } ||
    requires(const E& env, typename E::Scratch& scratch, std::span<const double> state,
             Canvas& canvas) { env.render(scratch, state, canvas); });

/// One that brings an apparatus of its own, such as a 3-D engine.
template <class E>
concept HasRenderer = requires(const E& env) {
  { env.make_renderer().size() } -> std::convertible_to<ImageSize>;
};

template <class E>
concept Renderable = DrawsOnCanvas<E> || HasRenderer<E>;

/// The renderer of an environment that draws on a canvas: the canvas.
template <DrawsOnCanvas E>
class CanvasRenderer {
 public:
  explicit CanvasRenderer(const E& env)
      : env_(&env), canvas_(env.render_size().width, env.render_size().height) {}

  ImageSize size() const { return env_->render_size(); }
  template <class State>
  void draw(const State& state, std::span<std::uint8_t> out) {
    canvas_.attach(out);
    env_->render(state, canvas_);
  }
  template <class Scratch>
  void draw(Scratch& scratch, std::span<const double> state, std::span<std::uint8_t> out) {
    canvas_.attach(out);
    env_->render(scratch, state, canvas_);
  }

 private:
  const E* env_;
  Canvas canvas_;
};

}  // namespace palaestra::envs::render
