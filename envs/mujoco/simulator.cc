#include <palaestra/envs/mujoco/simulator.h>

#include <dlfcn.h>
#include <mujoco/mujoco.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <mutex>

#include <palaestra/core/error.h>

namespace palaestra::envs {
namespace {

constexpr int kStateSpec = mjSTATE_INTEGRATION;

void ignore_warning(const char*) {}

/// MuJoCo's contract is that this does not return. The exception passes through C frames, which the
/// x86-64 ABI gives unwind tables; the engine holds no lock where it reports errors.
[[noreturn]] void throw_engine_error(const char* message) {
  throw std::runtime_error(concat("MuJoCo: ", message));
}

/// Keeps the engine from writing to the terminal or MUJOCO_LOG.TXT; a program that has set its own
/// handlers keeps them.
void install_handlers() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (mju_user_warning == nullptr) {
      mju_user_warning = ignore_warning;
    }
    if (mju_user_error == nullptr) {
      mju_user_error = throw_engine_error;
    }
  });
}

bool diverged(const mjData& data) {
  return data.warning[mjWARN_BADQPOS].number > 0 || data.warning[mjWARN_BADQVEL].number > 0 ||
         data.warning[mjWARN_BADQACC].number > 0 || data.warning[mjWARN_BADCTRL].number > 0;
}

}  // namespace

std::string gymnasium_assets() {
  namespace fs = std::filesystem;
  if (const char* folder = std::getenv("PALAESTRA_GYMNASIUM_ASSETS")) {
    require(fs::is_directory(folder), "PALAESTRA_GYMNASIUM_ASSETS is ", folder,
            ", which is no folder");
    return folder;
  }
  Dl_info library{};
  // NOLINTNEXTLINE: dladdr wants an object pointer
  dladdr(reinterpret_cast<const void*>(&mj_version), &library);
  const fs::path packages =
      fs::path(library.dli_fname != nullptr ? library.dli_fname : "").parent_path().parent_path();
  const fs::path folder = packages / "gymnasium" / "envs" / "mujoco" / "assets";
  require(fs::is_directory(folder), "Gymnasium's MuJoCo model files are not at ", folder.string(),
          "; install them (pip install gymnasium) or set PALAESTRA_GYMNASIUM_ASSETS to the folder "
          "that holds half_cheetah.xml");
  return folder.string();
}

std::shared_ptr<const mjModel> load_model(const std::string& file) {
  require(mj_version() == mjVERSION_HEADER, "the MuJoCo library is version ", mj_version(),
          ", this program was compiled for ", mjVERSION_HEADER,
          "; install mujoco==3.17.0 or rebuild");
  require(std::filesystem::is_regular_file(file), "there is no model file ", file);
  install_handlers();
  char error[1000] = "";
  mjModel* model = mj_loadXML(file.c_str(), nullptr, error, sizeof error);
  require(model != nullptr, "cannot load the model ", file, ": ", error);
  model->opt.disableflags |= mjDSBL_AUTORESET;
  return {model, [](const mjModel* m) { mj_deleteModel(const_cast<mjModel*>(m)); }};
}

void FreeData::operator()(mjData* data) const { mj_deleteData(data); }

Simulator::Simulator(std::shared_ptr<const mjModel> model, int frame_skip)
    : model_(std::move(model)),
      frame_skip_(frame_skip),
      state_size_(mj_stateSize(model_.get(), kStateSpec)),
      qpos_size_(model_->nq),
      qvel_size_(model_->nv),
      action_size_(model_->nu),
      dt_(model_->opt.timestep * frame_skip) {}

Space Simulator::action_space() const {
  std::vector<double> low, high;
  for (int i = 0; i < model_->nu; ++i) {
    low.push_back(model_->actuator_ctrlrange[2 * i]);
    high.push_back(model_->actuator_ctrlrange[2 * i + 1]);
  }
  return Space::box(std::move(low), std::move(high));
}

MujocoScratch Simulator::make_scratch() const {
  MujocoScratch scratch;
  scratch.data.reset(mj_makeData(model_.get()));
  if (scratch.data == nullptr) {
    throw std::runtime_error("MuJoCo could not allocate an mjData");
  }
  return scratch;
}

std::span<const double> Simulator::qpos(std::span<const double> state) const {
  return state.subspan(1, static_cast<std::size_t>(qpos_size_));  // after the time
}

std::span<const double> Simulator::qvel(std::span<const double> state) const {
  return state.subspan(static_cast<std::size_t>(1 + qpos_size_),
                       static_cast<std::size_t>(qvel_size_));
}

std::span<const double> Simulator::initial_qpos() const {
  return {model_->qpos0, static_cast<std::size_t>(qpos_size_)};
}

bool Simulator::advance(MujocoScratch& scratch, std::span<double> state,
                        std::span<const float> action) const {
  mjData* data = scratch.data.get();
  mj_setState(model_.get(), data, state.data(), kStateSpec);
  std::copy(action.begin(), action.end(), data->ctrl);
  for (int frame = 0; frame < frame_skip_; ++frame) {
    mj_step(model_.get(), data);
  }
  if (diverged(*data)) [[unlikely]] {
    mj_resetData(model_.get(), data);  // also clears the counters
    return false;
  }
  mj_getState(model_.get(), data, state.data(), kStateSpec);
  return true;
}

void Simulator::restart(MujocoScratch& scratch, std::span<double> state,
                        std::span<const double> qpos, std::span<const double> qvel) const {
  mjData* data = scratch.data.get();
  mj_resetData(model_.get(), data);
  std::copy(qpos.begin(), qpos.end(), data->qpos);
  std::copy(qvel.begin(), qvel.end(), data->qvel);
  mj_forward(model_.get(), data);
  mj_getState(model_.get(), data, state.data(), kStateSpec);
}

void Simulator::set_physics(MujocoScratch& scratch, std::span<double> state,
                            std::span<const double> values) const {
  mjData* data = scratch.data.get();
  mj_setState(model_.get(), data, state.data(), kStateSpec);
  std::copy_n(values.data(), qpos_size_, data->qpos);
  std::copy_n(values.data() + qpos_size_, qvel_size_, data->qvel);
  // the solver's memory of another place is of no use here; without it a place set is a place reset
  // to
  std::fill_n(data->qacc_warmstart, qvel_size_, 0.0);
  mj_forward(model_.get(), data);
  mj_getState(model_.get(), data, state.data(), kStateSpec);
}

void Simulator::get_physics(std::span<const double> state, std::span<double> out) const {
  std::copy_n(state.data() + 1, physics_size(), out.data());  // qvel follows qpos
}

double control_cost(double weight, std::span<const float> action) {
  float sum = 0.0f;
  for (const float a : action) {
    sum += a * a;
  }
  return static_cast<double>(static_cast<float>(weight) * sum);
}

}  // namespace palaestra::envs
