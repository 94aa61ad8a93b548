#include <palaestra/envs/mujoco/scene_renderer.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <utility>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/envs/mujoco/engine.h>
#include <palaestra/envs/mujoco/gl_context.h>
#include <palaestra/envs/mujoco/mechanics.h>

namespace palaestra::envs::mujoco {
namespace {

/// As NumPy's: the mean of the middle two where their number is even.
double median(std::vector<double> values) {
  if (values.empty()) {
    return 0;
  }
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

/// The median of the places of all shapes in the initial state.
std::array<double, 3> middle_of(const Model& model) {
  const Data data(model);
  start_over(data);
  guarded([&] { mj_kinematics(&data.model(), data.get()); });
  std::array<double, 3> middle{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    std::vector<double> places(static_cast<std::size_t>(model->ngeom));
    for (std::size_t i = 0; i < places.size(); ++i) {
      places[i] = data->geom_xpos[3 * i + axis];
    }
    middle[axis] = median(std::move(places));
  }
  return middle;
}

int find_camera(const mjModel& model, const View& view) {
  const std::string& name = view.camera;
  if (name.empty()) {
    require(view.camera_number < model.ncam, "camera_id is ", view.camera_number,
            "; accepted: -1 to ", model.ncam - 1);
    return view.camera_number;
  }
  const int camera = mj_name2id(&model, mjOBJ_CAMERA, name.c_str());
  std::vector<std::string> names;
  for (int i = 0; i < model.ncam; ++i) {
    const char* known = mj_id2name(&model, mjOBJ_CAMERA, i);
    names.emplace_back(known == nullptr ? "" : known);
  }
  names.erase(std::remove(names.begin(), names.end(), ""), names.end());
  require(camera >= 0, "camera_name is \"", name, "\"", did_you_mean(name, names), "; ",
          names.empty() ? "this model has no camera" : concat("accepted: ", join(names, ", ")));
  return camera;
}

}  // namespace

/// All that needs OpenGL.
struct SceneRenderer::Stage {
  GlContext context;
  mjvScene scene{};
  mjvCamera camera{};
  mjvOption options{};
  mjrContext resources{};

  Stage(const mjModel& model, const View& view)
      : context(std::max<Index>(view.width, model.vis.global.offwidth),
                std::max<Index>(view.height, model.vis.global.offheight)) {
    mjv_defaultScene(&scene);
    mjv_defaultCamera(&camera);
    mjv_defaultOption(&options);
    std::ranges::copy(view.flags, options.flags);
    mjr_defaultContext(&resources);
    GlContext::Current current(context);
    require(current.ok(), "OpenGL (", context.name(), ") refuses to work on this thread");
    const int width = std::max(static_cast<int>(view.width), model.vis.global.offwidth);
    const int height = std::max(static_cast<int>(view.height), model.vis.global.offheight);
    try {
      guarded([&] {
        mjv_makeScene(&model, &scene, view.max_geoms);
        mjr_makeContext(&model, &resources, mjFONTSCALE_150);
        if (width > resources.offWidth || height > resources.offHeight) {
          mjr_resizeOffscreen(width, height, &resources);
        }
        mjr_setBuffer(mjFB_OFFSCREEN, &resources);
      });
      require(resources.currentBuffer == mjFB_OFFSCREEN, "OpenGL (", context.name(),
              ") has no buffer to draw off screen into");
    } catch (...) {
      free_resources();
      throw;
    }
  }

  ~Stage() {
    GlContext::Current current(context);
    if (current.ok()) {
      free_resources();
    }
  }
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

 private:
  void free_resources() {
    mjr_freeContext(&resources);
    mjv_freeScene(&scene);
  }
};

SceneRenderer::SceneRenderer(Model model, const View& view, Dress dress)
    : model_(std::move(model)),
      view_(view),
      dress_(std::move(dress)),
      camera_(find_camera(*model_, view)) {}

SceneRenderer::~SceneRenderer() = default;
SceneRenderer::SceneRenderer(SceneRenderer&&) noexcept = default;
SceneRenderer& SceneRenderer::operator=(SceneRenderer&&) noexcept = default;

void SceneRenderer::draw(Data& data, std::span<const double> row, std::span<std::uint8_t> out) {
  const mjModel& model = data.model();  // may differ from ours in places, not in what is uploaded
  if (stage_ == nullptr) {
    auto stage = std::make_unique<Stage>(model, view_);
    mjvCamera& camera = stage->camera;
    camera.distance = view_.distance > 0 ? view_.distance : model.stat.extent;
    camera.elevation = view_.elevation;
    camera.azimuth = view_.azimuth;
    camera.orthographic = view_.orthographic;
    const std::array<double, 3> place = view_.look_at ? *view_.look_at : middle_of(model_);
    std::copy(place.begin(), place.end(), camera.lookat);
    if (camera_ >= 0) {
      camera.type = mjCAMERA_FIXED;
      camera.fixedcamid = camera_;
    }
    stage_ = std::move(stage);
  }
  Stage& stage = *stage_;
  unpack(data, row);
  guarded([&] { mj_fwdPosition(&model, data.get()); });
  if (dress_) {
    dress_(model, *data, row);
  }
  const GlContext::Current current(stage.context);
  require(current.ok(), "OpenGL (", stage.context.name(), ") refuses to work on this thread");
  const mjrRect whole{0, 0, static_cast<int>(view_.width), static_cast<int>(view_.height)};
  guarded([&] {
    mjv_updateScene(&model, data.get(), &stage.options, nullptr, &stage.camera, mjCAT_ALL,
                    &stage.scene);
    mjr_render(whole, &stage.scene, &stage.resources);
    mjr_readPixels(out.data(), nullptr, whole, &stage.resources);
  });
  render::flip_rows(out, size());  // OpenGL's first row is the lowest
}

}  // namespace palaestra::envs::mujoco
