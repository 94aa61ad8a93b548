#include <palaestra/envs/dm_control/scene.h>

#include <mujoco/mujoco.h>

#include <numbers>
#include <numeric>

#include <palaestra/core/error.h>
#include <palaestra/envs/dm_control/tolerance.h>
#include <palaestra/envs/mujoco/mechanics.h>

namespace palaestra::envs::dm_control {
namespace {

void normalize(std::span<double> x) {
  const double norm = std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0));
  for (double& value : x) {
    value /= norm;
  }
}

}  // namespace

double small_control(const Scene& scene) {
  double sum = 0.0;
  for (int k = 0; k < scene.model.nu; ++k) {
    sum += tolerance(scene.data.ctrl[k],
                     {.margin = 1.0, .sigmoid = Sigmoid::kQuadratic, .value_at_margin = 0.0});
  }
  return sum / static_cast<double>(scene.model.nu);
}

int Names::find(int type, const char* kind, const char* name) const {
  const int id = mj_name2id(&model_, type, name);
  require(id >= 0, "the model has no ", kind, " named ", name,
          " (expected the files of dm_control 1.0.50)");
  return id;
}

int Names::body(const char* name) const { return find(mjOBJ_BODY, "body", name); }
int Names::geom(const char* name) const { return find(mjOBJ_GEOM, "geom", name); }
int Names::site(const char* name) const { return find(mjOBJ_SITE, "site", name); }
int Names::joint(const char* name) const { return find(mjOBJ_JOINT, "joint", name); }
int Names::position(const char* joint) const {
  return model_.jnt_qposadr[find(mjOBJ_JOINT, "joint", joint)];
}
int Names::velocity(const char* joint) const {
  return model_.jnt_dofadr[find(mjOBJ_JOINT, "joint", joint)];
}
int Names::sensor(const char* name) const {
  return model_.sensor_adr[find(mjOBJ_SENSOR, "sensor", name)];
}

bool Start::touching() const { return mujoco::contacts(data) > 0; }

bool Start::run(int substeps) const { return mujoco::go_on_from_forces(data, substeps); }

void Start::randomize_limited_joints() const {
  const mjModel& m = data.model();
  for (std::ptrdiff_t joint = 0; joint < m.njnt; ++joint) {
    if (m.jnt_limited[joint] != 0) {
      qpos[static_cast<std::size_t>(m.jnt_qposadr[joint])] =
          random.uniform(m.jnt_range[2 * joint], m.jnt_range[2 * joint + 1]);
    }
  }
}

void Start::randomize_joints() const {
  const mjModel& m = data.model();
  for (std::ptrdiff_t joint = 0; joint < m.njnt; ++joint) {
    const auto at = static_cast<std::size_t>(m.jnt_qposadr[joint]);
    const bool limited = m.jnt_limited[joint] != 0;
    switch (m.jnt_type[joint]) {
      case mjJNT_HINGE:
      case mjJNT_SLIDE:
        if (limited) {
          qpos[at] = random.uniform(m.jnt_range[2 * joint], m.jnt_range[2 * joint + 1]);
        } else if (m.jnt_type[joint] == mjJNT_HINGE) {
          qpos[at] = random.uniform(-std::numbers::pi, std::numbers::pi);
        }
        break;
      case mjJNT_FREE: {
        // dm_control draws from the unit cube and not from a Gaussian, and keeps it that way
        const std::span<double> quaternion = qpos.subspan(at + 3, 4);
        for (double& x : quaternion) {
          x = random.uniform();
        }
        normalize(quaternion);
        break;
      }
      default:
        break;  // none of the suite's models has a ball joint
    }
  }
}

void Start::randomize_direction(std::span<double> x) const {
  for (double& value : x) {
    value = random.normal();
  }
  normalize(x);
}

}  // namespace palaestra::envs::dm_control
