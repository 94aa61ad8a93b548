#include <palaestra/envs/mujoco/reacher.h>

#include <palaestra/envs/mujoco/numerics.h>
#include <palaestra/envs/mujoco/task_impl.h>
#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs::mujoco {

Reacher Reacher::from(KeywordReader& options) {
  Reacher task;
  read_weight(options, "reward_dist_weight", task.reward_dist_weight);
  read_weight(options, "reward_control_weight", task.reward_control_weight);
  read_frame_skip(options, task.frame_skip);
  return task;
}

void Reacher::bind(const mjModel& model) {
  fingertip = require_body(model, kId, "fingertip");
  target = require_body(model, kId, "target");
}

EnvSpec Reacher::spec() const {
  EnvSpec s = gymnasium_spec(kId, "bring the tip of a two-link arm to a target", 10,
                             kModel.controls, kControlRange, {"reward_dist", "reward_ctrl"});
  s.oracle = kWithinTolerance;
  s.time_limit = 50;
  return s;
}

void Reacher::start(std::span<double> qpos, std::span<double> qvel, Stream& random) const {
  add_uniform(qpos, 0.1, random);
  do {
    qpos[2] = random.uniform(-0.2, 0.2);
    qpos[3] = random.uniform(-0.2, 0.2);
  } while (norm(qpos[2], qpos[3]) >= 0.2);
  add_uniform(qvel.first(2), 0.005, random);
  qvel[2] = qvel[3] = 0.0;
}

double Reacher::offset(const Snapshot& now, int axis) const {
  return now.data.xpos[3 * fingertip + axis] - now.data.xpos[3 * target + axis];
}

void Reacher::placed(const Snapshot&, Memory&) const {}

Transition Reacher::step(const Pose&, const Snapshot& after, std::span<const float> action,
                         Memory& memory) const {
  const double distance = norm(offset(after, 0), offset(after, 1), offset(after, 2));
  memory = {-distance * reward_dist_weight, -control_cost(reward_control_weight, action)};
  return {.reward = memory.reward_dist + memory.reward_ctrl};
}

Index Reacher::derived_size() const { return 2; }

void Reacher::derive(const Snapshot& now, std::span<double> derived) const {
  derived[0] = offset(now, 0);
  derived[1] = offset(now, 1);
}

void Reacher::observe(const Pose& pose, std::span<const double> derived,
                      std::span<double> out) const {
  for (std::size_t k : {std::size_t{0}, std::size_t{1}}) {
    const SineCosine joint = sine_cosine(pose.qpos[k]);
    out[k] = joint.cosine;
    out[2 + k] = joint.sine;
  }
  copy(derived, copy(pose.qvel.first(2), copy(pose.qpos.subspan(2), out.subspan(4))));
}

template class Simulated<Reacher>;

}  // namespace palaestra::envs::mujoco
