#include <palaestra/envs/mujoco/view.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/envs/mujoco/options.h>

namespace palaestra::envs::mujoco {
namespace {

/// Gymnasium's dict of attributes of an mjvCamera, by `default_camera_config_<attribute>`.
class CameraConfig {
 public:
  explicit CameraConfig(KeywordReader& options) : options_(options) {}

  std::optional<double> number(const std::string& attribute, double low, double high) {
    const auto value = options_.number("default_camera_config_" + attribute, low, high);
    given_ = given_ || value.has_value();
    return value;
  }
  bool given() const { return given_; }

 private:
  KeywordReader& options_;
  bool given_ = false;
};

void read_camera_config(KeywordReader& options, View& view) {
  constexpr double kFar = 1e6;                   // m
  constexpr double kAngle = 360, kNumber = 1e9;  // degrees; of an element of the model
  CameraConfig config(options);
  const View plain;
  const double distance = config.number("distance", 1e-6, kFar).value_or(plain.distance);
  const double elevation = config.number("elevation", -kAngle, kAngle).value_or(plain.elevation);
  const double azimuth = config.number("azimuth", -kAngle, kAngle).value_or(plain.azimuth);
  const double orthographic = config.number("orthographic", 0, 1).value_or(0);
  std::array<std::optional<double>, 3> look_at;
  for (std::size_t axis = 0; axis < look_at.size(); ++axis) {
    look_at[axis] = config.number("lookat_" + std::to_string(axis), -kFar, kFar);
  }
  for (const char* const unused : {"type", "fixedcamid", "trackbodyid"}) {
    config.number(unused, -1, kNumber);
  }
  if (!config.given()) {
    return;
  }
  view.distance = distance;
  view.elevation = elevation;
  view.azimuth = azimuth;
  view.orthographic = orthographic != 0;
  view.look_at.reset();
  const auto places = std::ranges::count_if(look_at, [](const auto& x) { return x.has_value(); });
  require(places == 0 || places == 3, options.id(), ": option default_camera_config_lookat has ",
          places, " of its 3 numbers");
  if (places == 3) {
    view.look_at = {*look_at[0], *look_at[1], *look_at[2]};
  }
}

}  // namespace

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

View read_gymnasium_view(KeywordReader& options, View view) {
  constexpr int kMostGeoms = 1'000'000, kMostCameras = 1'000'000;
  view = read_view(options, std::move(view));
  read_integer(options, "camera_id", -1, kMostCameras, view.camera_number);
  require(view.camera.empty() || view.camera_number < 0, options.id(),
          ": options camera_name and camera_id are both given; accepted: one of them");
  read_integer(options, "max_geom", 1, kMostGeoms, view.max_geoms);
  read_camera_config(options, view);
  mjvOption usual;
  mjv_defaultOption(&usual);
  view.flags.assign(usual.flags, usual.flags + mjNVISFLAG);
  for (std::size_t flag = 0; flag < view.flags.size(); ++flag) {
    const std::string name = "visual_options_" + std::to_string(flag);
    view.flags[flag] = options.flag(name, view.flags[flag] != 0);
  }
  return view;
}

}  // namespace palaestra::envs::mujoco
