#include <palaestra/envs/mujoco/view.h>

#include <palaestra/envs/mujoco/options.h>

namespace palaestra::envs::mujoco {

View read_view(KeywordReader& options, View view) {
  constexpr int kMaxSide = 4096;
  int width = static_cast<int>(view.width), height = static_cast<int>(view.height);
  read_integer(options, "width", 1, kMaxSide, width);
  read_integer(options, "height", 1, kMaxSide, height);
  view.width = width;
  view.height = height;
  view.camera = options.text("camera_name", view.camera);
  return view;
}

}  // namespace palaestra::envs::mujoco
