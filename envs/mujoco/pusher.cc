#include <palaestra/envs/mujoco/pusher.h>

#include <algorithm>

#include <palaestra/envs/mujoco/numerics.h>
#include <palaestra/envs/mujoco/task_impl.h>

namespace palaestra::envs::mujoco {

namespace {

constexpr std::size_t kJoints = 7;  // of the arm; then cylinder x y, goal x y

std::span<const double> place(const Snapshot& now, int body) {
  return {now.data.xpos + 3 * static_cast<std::ptrdiff_t>(body), 3};
}

double distance(const Snapshot& now, int from, int to) {
  const auto a = place(now, from), b = place(now, to);
  return norm(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

}  // namespace

Pusher Pusher::from(KeywordReader& options) {
  Pusher task;
  read_weight(options, "reward_near_weight", task.reward_near_weight);
  read_weight(options, "reward_dist_weight", task.reward_dist_weight);
  read_weight(options, "reward_control_weight", task.reward_control_weight);
  read_frame_skip(options, task.frame_skip);
  return task;
}

void Pusher::bind(const mjModel& model) {
  tip = require_body(model, kId, "tips_arm");
  cylinder = require_body(model, kId, "object");
  goal = require_body(model, kId, "goal");
}

EnvSpec Pusher::spec() const {
  EnvSpec s =
      gymnasium_spec(kId, "push a cylinder to a goal with a seven-joint arm", 2 * kJoints + 9,
                     kModel.controls, kControlRange, {"reward_dist", "reward_ctrl", "reward_near"});
  s.time_limit = 100;
  return s;
}

void Pusher::start(std::span<double> qpos, std::span<double> qvel, Stream& random) const {
  do {
    qpos[kJoints] = random.uniform(-0.3, 0.0);
    qpos[kJoints + 1] = random.uniform(-0.2, 0.2);
  } while (norm(qpos[kJoints], qpos[kJoints + 1]) <= 0.17);
  qpos[kJoints + 2] = qpos[kJoints + 3] = 0.0;
  add_uniform(qvel.first(kJoints), 0.005, random);
  std::fill(qvel.begin() + kJoints, qvel.end(), 0.0);
}

void Pusher::placed(const Snapshot&, Memory&) const {}

Transition Pusher::step(const Pose&, const Snapshot& after, std::span<const float> action,
                        Memory& memory) const {
  const double near = -distance(after, cylinder, tip) * reward_near_weight;
  const double dist = -distance(after, cylinder, goal) * reward_dist_weight;
  memory = {dist, -control_cost(reward_control_weight, action), near};
  return {.reward = dist + memory.reward_ctrl + near};
}

Index Pusher::derived_size() const { return 9; }

void Pusher::derive(const Snapshot& now, std::span<double> derived) const {
  copy(place(now, goal), copy(place(now, cylinder), copy(place(now, tip), derived)));
}

void Pusher::observe(const Pose& pose, std::span<const double> derived,
                     std::span<double> out) const {
  copy(derived, copy(pose.qvel.first(kJoints), copy(pose.qpos.first(kJoints), out)));
}

template class Simulated<Pusher>;

}  // namespace palaestra::envs::mujoco
