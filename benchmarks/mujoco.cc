#include <palaestra/benchmarks/mujoco.h>

#include <mujoco/mujoco.h>

#include <string>
#include <utility>

#include <palaestra/benchmarks/engine_race.h>
#include <palaestra/core/text.h>
#include <palaestra/envs/mujoco/ant.h>
#include <palaestra/envs/mujoco/assets.h>
#include <palaestra/envs/mujoco/half_cheetah.h>
#include <palaestra/envs/mujoco/hopper.h>
#include <palaestra/envs/mujoco/humanoid.h>
#include <palaestra/envs/mujoco/humanoid_standup.h>
#include <palaestra/envs/mujoco/inverted_double_pendulum.h>
#include <palaestra/envs/mujoco/inverted_pendulum.h>
#include <palaestra/envs/mujoco/model.h>
#include <palaestra/envs/mujoco/pusher.h>
#include <palaestra/envs/mujoco/reacher.h>
#include <palaestra/envs/mujoco/swimmer.h>
#include <palaestra/envs/mujoco/walker2d.h>

namespace palaestra::benchmarks {
namespace {

template <class T>
EngineTask task(envs::Keywords options) {
  using namespace envs::mujoco;
  Index derived = 0;
  if constexpr (requires { T{}.derived_size(); }) {
    derived = T{}.derived_size();
  }
  const auto step = [](const mjModel& m, mjData& d) {
    for (int frame = 0; frame < T{}.frame_skip; ++frame) {
      mj_step(&m, &d);
    }
    if (T::kExternalForces) {  // which the observation needs, and mjb_step knows nothing of
      mj_rnePostConstraint(&m, &d);
    }
  };
  return {
      .id = T::kId,
      .rows = concat("mujoco/", T::kId),
      .model = load_model(
          find_asset("gymnasium", std::filesystem::path("envs/mujoco/assets") / T::kModelFile)),
      .step = step,
      .batched_frames = T::kExternalForces ? 0 : T{}.frame_skip,
      .remembered = sizeof(typename T::Memory) / sizeof(double) + static_cast<std::size_t>(derived),
      .control_range = T::kControlRange,
      .options = std::move(options)};
}

/// A pole that falls ends its episode, so these are balanced.
template <class T>
EngineTask balanced_task(std::vector<double> gains) {
  EngineTask t = task<T>({{"reset_noise_scale", 0.01}});
  t.gains = std::move(gains);
  return t;
}

/// 300 us a step: fewer of them.
template <class T>
EngineTask heavy_task(envs::Keywords options) {
  EngineTask t = task<T>(std::move(options));
  t.rounds = 11;
  return t;
}

}  // namespace

std::vector<Row> bench_mujoco(const Wanted& wanted) {
  std::vector<Row> rows;
  const envs::Keywords endless = {{"terminate_when_unhealthy", 0.0}};
  using namespace envs::mujoco;
  for (const EngineTask& t :
       {task<Ant>(endless), task<HalfCheetah>({}), task<Hopper>(endless),
        heavy_task<Humanoid>(endless), heavy_task<HumanoidStandup>({}),
        balanced_task<InvertedDoublePendulum>({0.21, 1.81, 5.57, 0.31, 0.9, 0.85}),
        balanced_task<InvertedPendulum>({-0.5, -8.0, -0.8, -1.6}), task<Pusher>({}),
        task<Reacher>({}), task<Swimmer>({}), task<Walker2d>(endless)}) {
    // two threads share rows the same way whatever the task: two tell as much as eleven
    const bool with_threads = t.id == HalfCheetah::kId || t.id == Hopper::kId;
    const std::vector<Row> some = engine_rows(t, with_threads, wanted);
    rows.insert(rows.end(), some.begin(), some.end());
  }
  return rows;
}

}  // namespace palaestra::benchmarks
