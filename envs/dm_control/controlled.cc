#include <palaestra/envs/dm_control/controlled.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <limits>
#include <utility>

#include <palaestra/core/error.h>

namespace palaestra::envs::dm_control {

EpisodeModel::EpisodeModel(mujoco::Model shared)
    : shared_(std::move(shared)), model_(std::make_unique<mjModel>(*shared_)) {
  const auto take_over = [](double*& array, std::vector<double>& own, mjtSize count) {
    own.assign(array, array + count);
    array = own.data();
  };
  take_over(model_->wrap_prm, wrap_parameters_, model_->nwrap);
  take_over(model_->body_pos, body_positions_, 3 * model_->nbody);
  take_over(model_->body_quat, body_orientations_, 4 * model_->nbody);
}

EpisodeModel::~EpisodeModel() = default;

void EpisodeModel::restore() {
  std::copy_n(shared_->wrap_prm, wrap_parameters_.size(), wrap_parameters_.begin());
  std::copy_n(shared_->body_pos, body_positions_.size(), body_positions_.begin());
  std::copy_n(shared_->body_quat, body_orientations_.size(), body_orientations_.begin());
}

void shrink_sky(mjSpec& spec) {
  constexpr int kPixels = 32;
  for (mjsElement* element = mjs_firstElement(&spec, mjOBJ_TEXTURE); element != nullptr;
       element = mjs_nextElement(&spec, element)) {
    mjsTexture* const texture = mjs_asTexture(element);
    if (texture->type == mjTEXTURE_SKYBOX) {
      texture->width = kPixels;
      texture->height = kPixels;
    }
  }
}

mujoco::View with_camera(const mujoco::Model& model, mujoco::View view) {
  if (view.camera.empty() && model->ncam > 0) {
    const char* first = mj_id2name(model.get(), mjOBJ_CAMERA, 0);
    view.camera = first == nullptr ? "" : first;
  }
  const mujoco::SceneRenderer refuses_unknown_cameras(model, view);
  return view;
}

void require_controls(const mjModel& model, const std::string& id, const Space& action) {
  require(model.nu == action.size(), id, ": the model file has ", model.nu, " controls, expected ",
          action.size(), " (the files of dm_control 1.0.50)");
  for (std::size_t k = 0; k < action.low.size(); ++k) {
    const double low = model.actuator_ctrlrange[2 * k], high = model.actuator_ctrlrange[2 * k + 1];
    require(low == action.low[k] && high == action.high[k], id, ": control ", k,
            " of the model file is bounded by [", low, ", ", high, "], expected [", action.low[k],
            ", ", action.high[k], "] (the files of dm_control 1.0.50)");
  }
}

EnvSpec suite_spec(const char* summary, Index observation, Index controls) {
  constexpr double kUnbounded = std::numeric_limits<double>::infinity();
  EnvSpec s;
  s.family = "dm_control";
  s.origin = concat(kPackage.name, " ", kPackage.version);
  s.engine = concat("mujoco ", mj_versionString());
  s.summary = summary;
  s.oracle = "dm_control on the same MuJoCo step by step, within 1e-10";
  s.observation = Space::box(observation, -kUnbounded, kUnbounded, DType::kFloat64);
  s.action = Space::box(controls, -1.0, 1.0);
  return s;
}

}  // namespace palaestra::envs::dm_control
