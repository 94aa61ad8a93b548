#pragma once

#include <filesystem>
#include <functional>
#include <memory>

#include <palaestra/envs/mujoco/state_parts.h>

struct mjModel_;
struct mjData_;
struct mjSpec_;

namespace palaestra::envs::mujoco {

/// A compiled model, constant and shared by every thread and batch that was made from it.
using Model = std::shared_ptr<const mjModel_>;

/// Reads an MJCF or URDF file. The engine's silent reset on bad numbers is switched off
/// (mjDSBL_AUTORESET): divergence is for the environment to see and to report.
///
/// Throws UserError with the path and MuJoCo's own message when the file is missing or does not
/// compile, or when the library is of another version than the headers. Prints and logs nothing.
Model load_model(const std::filesystem::path& file);

/// The same, with `edit` applied to the description that was read, before it is compiled. `edit`
/// runs inside guarded(): nothing in it may have a destructor, and mju_error refuses the model.
Model load_model(const std::filesystem::path& file, const std::function<void(mjSpec_&)>& edit);

/// A Python package that models are read from, as pip knows it.
struct Package {
  const char* name;
  const char* version;
};
inline constexpr Package kGymnasium = {"gymnasium", "1.4.0"};
inline constexpr Package kRobotics = {"gymnasium-robotics", "1.4.2"};
inline constexpr Package kOgbench = {"ogbench", "1.2.2"};

/// Throws UserError unless the file has this SHA-256: with another model, the task `id` would be
/// another task under the same name.
void require_original(const std::filesystem::path& file, const char* id, const char* sha256,
                      const Package& package = kGymnasium);

/// Engine-side work space: positions of bodies, contacts, forces, the stack. One per thread; what
/// identifies an environment is only the state row that is put into it. Throws EngineError when
/// there is no memory for it.
class Data {
 public:
  explicit Data(Model model);

  const mjModel_& model() const { return *model_; }
  mjData_& operator*() const { return *data_; }
  mjData_* operator->() const { return data_.get(); }
  mjData_* get() const { return data_.get(); }
  const StateParts& parts() const { return parts_; }
  /// Whether is_plain(model()).
  bool plain() const { return plain_; }

 private:
  struct Delete {
    void operator()(mjData_* data) const;
  };
  Model model_;  // outlives the data
  std::unique_ptr<mjData_, Delete> data_;
  StateParts parts_;
  bool plain_;
};

}  // namespace palaestra::envs::mujoco
