#include <palaestra/envs/dm_control/quadruped.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/editing.h>
#include <palaestra/envs/dm_control/tolerance.h>

namespace palaestra::envs::dm_control {

EnvSpec Quadruped::spec() const {
  const char* const summary = task == kWalk ? "make a four-legged robot walk at 0.5 m/s"
                                            : "make a four-legged robot run at 5 m/s";
  EnvSpec s = suite_spec(summary, 78, 12);
  std::vector<double> low, high;
  for (int leg = 0; leg < 4; ++leg) {  // yaw, lift, extension
    low.insert(low.end(), {-1.0, -1.0, -0.8});
    high.insert(high.end(), {1.0, 1.1, 0.8});
  }
  s.action = Space::box(low, high);
  return s;
}

void Quadruped::edit(mjSpec& spec) const {
  constexpr double kSeconds = 20;
  mjsGeom* const floor = mjs_asGeom(element(spec, mjOBJ_GEOM, "floor"));
  floor->size[0] = kSeconds * speed();
  floor->size[1] = kSeconds * speed();
  floor->size[2] = 0.5;
  for (const char* const wall : {"wall_px", "wall_py", "wall_nx", "wall_ny", "terrain"}) {
    remove(spec, mjOBJ_GEOM, wall);
  }
  remove(spec, mjOBJ_BODY, "ball");
  remove(spec, mjOBJ_SITE, "target");
  mjsElement* sensor = mjs_firstElement(&spec, mjOBJ_SENSOR);
  while (sensor != nullptr) {
    mjsElement* const next = mjs_nextElement(&spec, sensor);
    if (mjs_asSensor(sensor)->type == mjSENS_RANGEFINDER) {
      mjs_delete(&spec, sensor);
    }
    sensor = next;
  }
}

void Quadruped::bind(const Names& names) {
  torso = names.body("torso");
  velocity = names.sensor("velocimeter");
  inertial = names.sensor("imu_accel");         // the gyro is the next one
  toes = names.sensor("force_toe_front_left");  // four forces, then four torques
}

void Quadruped::start(Start& start) const {
  start.randomize_direction(start.qpos.subspan(3, 4));
  start.qpos[0] = start.qpos[1] = start.qpos[2] = 0.0;  // embedded in the floor
  while (start.touching()) {
    start.qpos[2] += 0.01;
  }
}

void Quadruped::observe(const Scene& scene, Sink& sink) const {
  constexpr std::size_t kHinges = 16, kSensors = 24;
  const mjData& d = scene.data;
  sink.put(d.qpos + 7, kHinges);
  sink.put(d.qvel + 6, kHinges);
  sink.put(d.act, static_cast<std::size_t>(scene.model.na));
  sink.put(d.sensordata + velocity, 3);
  sink.put(frame_of(d.xmat, torso)[kZz]);
  sink.put(d.sensordata + inertial, 6);
  for (std::size_t k = 0; k < kSensors; ++k) {
    sink.put(std::asinh(d.sensordata[static_cast<std::size_t>(toes) + k]));
  }
}

double Quadruped::reward(const Scene& scene) const {
  const double upright =
      tolerance(frame_of(scene.data.xmat, torso)[kZz], {.low = 1,
                                                        .high = kInfinity,
                                                        .margin = 2,
                                                        .sigmoid = Sigmoid::kLinear,
                                                        .value_at_margin = 0});
  const double move = tolerance(scene.data.sensordata[velocity], {.low = speed(),
                                                                  .high = kInfinity,
                                                                  .margin = speed(),
                                                                  .sigmoid = Sigmoid::kLinear,
                                                                  .value_at_margin = 0.5});
  return upright * move;
}

template class Controlled<Quadruped>;

}  // namespace palaestra::envs::dm_control
