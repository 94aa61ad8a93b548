#pragma once

#include <memory>

#include <palaestra/core/types.h>

namespace palaestra::envs::mujoco {

/// An OpenGL context that needs no window: EGL's on the first device that has one (a graphics card,
/// or Mesa's software), else OSMesa's. The libraries are opened at run time, so that a program that
/// draws nothing needs neither. MUJOCO_GL=egl or osmesa chooses, and MUJOCO_EGL_DEVICE_ID the
/// device by its number, as for MuJoCo's own Python package.
class GlContext {
 public:
  /// Throws UserError when there is none to be had (the message names the packages), and for other
  /// values of the two variables. `width` and `height`: of the largest picture, in pixels.
  GlContext(Index width, Index height);
  ~GlContext();
  GlContext(GlContext&&) noexcept;
  GlContext& operator=(GlContext&&) noexcept;

  /// "egl" or "osmesa".
  const char* name() const;

  struct Backend;

  /// The context is the calling thread's own as long as this lives; the one before comes back
  /// afterwards, so that other users of OpenGL in the process notice nothing.
  class Current {
   public:
    explicit Current(GlContext& context);
    ~Current();
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;
    /// False when the driver refused: nothing can be drawn, or freed.
    bool ok() const { return ok_; }

   private:
    Backend* backend_;
    bool ok_;
  };

 private:
  std::unique_ptr<Backend> backend_;
};

}  // namespace palaestra::envs::mujoco
