#include <palaestra/envs/dm_control/humanoid.h>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/tolerance.h>

namespace palaestra::envs::dm_control {

EnvSpec Humanoid::spec() const {
  const char* const summary = task == kStand  ? "make a humanoid stand up and stay"
                              : task == kWalk ? "make a humanoid walk at 1 m/s"
                              : task == kRun  ? "make a humanoid run at 10 m/s"
                                              : "make a humanoid run at 10 m/s, seeing positions "
                                                "and velocities alone";
  return suite_spec(summary, task == kRunPureState ? 55 : 67, 21);
}

void Humanoid::bind(const Names& names) {
  torso = names.body("torso");
  head = names.body("head");
  velocity = names.sensor("torso_subtreelinvel");
  limbs = {names.body("left_hand"), names.body("left_foot"), names.body("right_hand"),
           names.body("right_foot")};
}

void Humanoid::start(Start& start) const {
  do {
    start.randomize_joints();
  } while (start.touching());
}

void Humanoid::observe(const Scene& scene, Sink& sink) const {
  const mjData& d = scene.data;
  const auto positions = static_cast<std::size_t>(scene.model.nq);
  const auto velocities = static_cast<std::size_t>(scene.model.nv);
  if (task == kRunPureState) {
    sink.put(d.qpos, positions);
    sink.put(d.qvel, velocities);
    return;
  }
  constexpr std::size_t kRoot = 7;
  const double* const frame = frame_of(d.xmat, torso);
  sink.put(d.qpos + kRoot, positions - kRoot);
  sink.put(vector_of(d.xpos, head)[2]);
  for (const int limb : limbs) {
    sink.put(in_frame(vector_of(d.xpos, limb) - vector_of(d.xpos, torso), frame));
  }
  sink.put(frame + kZx, 3);
  sink.put(d.sensordata + velocity, 3);
  sink.put(d.qvel, velocities);
}

double Humanoid::reward(const Scene& scene) const {
  const mjData& d = scene.data;
  const double standing =
      tolerance(vector_of(d.xpos, head)[2], {.low = 1.4, .high = kInfinity, .margin = 1.4 / 4});
  const double upright = tolerance(frame_of(d.xmat, torso)[kZz], {.low = 0.9,
                                                                  .high = kInfinity,
                                                                  .margin = 1.9,
                                                                  .sigmoid = Sigmoid::kLinear,
                                                                  .value_at_margin = 0});
  const double control = (4 + small_control(scene)) / 5;
  const double vx = d.sensordata[velocity], vy = d.sensordata[velocity + 1];
  if (task == kStand) {
    const double still = (tolerance(vx, {.margin = 2}) + tolerance(vy, {.margin = 2})) / 2;
    return control * (standing * upright) * still;
  }
  const double speed = task == kWalk ? 1 : 10;
  const double move = tolerance(length(vx, vy), {.low = speed,
                                                 .high = kInfinity,
                                                 .margin = speed,
                                                 .sigmoid = Sigmoid::kLinear,
                                                 .value_at_margin = 0});
  return control * (standing * upright) * ((5 * move + 1) / 6);
}

template class Controlled<Humanoid>;

}  // namespace palaestra::envs::dm_control
