#include <palaestra/benchmarks/goal.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <palaestra/benchmarks/plain_loop.h>
#include <palaestra/envs/entry.h>
#include <palaestra/envs/goal/ant_maze.h>
#include <palaestra/envs/goal/fetch.h>
#include <palaestra/envs/goal/ogbench_ant_maze.h>
#include <palaestra/envs/goal/ogbench_point_maze.h>
#include <palaestra/envs/goal/point_maze.h>
#include <palaestra/envs/goal/point_reach.h>
#include <palaestra/envs/goal/point_rooms.h>
#include <palaestra/envs/goal/projected_maze.h>
#include <palaestra/envs/goal/push_2d.h>
#include <palaestra/envs/goal/reach_3d.h>
#include <palaestra/envs/goal/slide_2d.h>

namespace palaestra::benchmarks {
namespace {

using namespace envs;
using namespace envs::goal;

/// n environments in the bare engine, one mjData each, from the first states of a batch: the
/// action's way into the engine and its steps, without observations, rewards and resets.
template <class E>
class Engine {
 public:
  template <class Preset>
  Engine(const std::string& id, const Preset& preset, Index n)
      : batch_(envs::detail::configured<E>(id, {}, preset), {.size = n, .seed = 1}),
        model_(batch_.environment().model()),
        actions_(random_blocks<float>(batch_.spec().action, n)),
        width_(static_cast<std::size_t>(batch_.spec().action.size())) {
    std::vector<double> physics(static_cast<std::size_t>(batch_.physics_size()));
    hand_ = mj_name2id(model_.get(), mjOBJ_BODY, "robot0:gripper_link");
    for (Index i = 0; i < n; ++i) {
      const auto& data = data_.emplace_back(model_);
      batch_.get_physics(i, physics);
      std::copy_n(physics.begin(), model_->nq, data->qpos);
      std::copy_n(physics.begin() + model_->nq, model_->nv, data->qvel);
      mj_forward(model_.get(), data.get());
    }
  }

  void step() {
    const float* action = &actions_[at_ * data_.size() * width_];
    for (const mujoco::Data& data : data_) {
      advance(data.get(), action);
      action += width_;
    }
    at_ = (at_ + 1) % kBlocks;
  }

 private:
  void advance(mjData* d, const float* action) const {
    const mjModel* m = model_.get();
    if constexpr (std::is_same_v<E, Fetch>) {
      for (int k = 0; k < 3; ++k) {
        d->mocap_pos[k] = d->xpos[3 * hand_ + k] + 0.05 * static_cast<double>(action[k]);
      }
      mju_copy4(d->mocap_quat, d->xquat + std::ptrdiff_t{4} * hand_);
      d->mocap_quat[0] += 1.0;
      d->mocap_quat[2] += 1.0;
      std::fill_n(d->ctrl, m->nu, static_cast<mjtNum>(action[3]));
      for (int k = 0; k < 20; ++k) {
        mj_step(m, d);
      }
      if (m->nu == 0) {
        mj_forward(m, d);  // the fingers are put back
      }
    } else if constexpr (std::is_same_v<E, OgbenchPointMaze>) {
      for (int k = 0; k < 2; ++k) {
        d->qpos[k] += 0.2 * static_cast<double>(action[k]);
        d->qvel[k] = 0.0;
      }
      for (int k = 0; k < 5; ++k) {
        mj_step(m, d);
      }
    } else {
      std::copy_n(action, width_, d->ctrl);
      for (int k = 0; k < (m->nu == 2 ? 1 : 5); ++k) {
        mj_step(m, d);
      }
    }
  }

  Batch<E> batch_;
  mujoco::Model model_;
  std::vector<float> actions_;
  std::size_t width_, at_ = 0;
  std::vector<mujoco::Data> data_;
  int hand_ = 0;
};

template <class E, class Preset>
Row engine_row(const std::string& id, const Preset& preset, Index n, Index calls) {
  const auto repeated = [&](auto runner, const char* name) {
    return Contender{name, static_cast<double>(calls * n), [runner, calls] {
                       for (Index k = 0; k < calls; ++k) {
                         runner->step();
                       }
                     }};
  };
  const std::vector<double> seconds =
      interleave({repeated(std::make_shared<Lane<float>>(id, n, 1), "palaestra"),
                  repeated(std::make_shared<Engine<E>>(id, preset, n), "bare engine")},
                 /*rounds=*/9);
  Row row;
  row.name = "goal/" + id + "/step";
  row.value = 1 / seconds[0];
  row.unit = "steps/s";
  row.n = n;
  row.limit = 1 / seconds[1];
  row.limit_name = "bare engine";
  return row;
}

Row ball_row(const std::string& id, const MazePreset& preset) {
  return engine_row<PointMaze>(id, preset, 64, 40);
}
Row ant_row(const std::string& id, const MazePreset& preset) {
  return engine_row<AntMaze>(id, preset, 16, 8);
}
Row walker_row(const std::string& id, const OgbenchPreset& preset) {
  return engine_row<OgbenchAntMaze>(id, preset, 16, 8);
}
Row hard_row(const std::string& id, const MazePreset& preset) {
  return step_row("goal", id, 1024, envs::detail::configured<ProjectedMaze>(id, {}, preset));
}
Row point_row(const std::string& id, const OgbenchPreset& preset) {
  return engine_row<OgbenchPointMaze>(id, preset, 64, 10);
}
Row fetch_row(const std::string& id, const FetchPreset& preset) {
  return engine_row<Fetch>(id, preset, 8, 4);
}

}  // namespace

std::vector<Row> bench_goal() {
  const MazePreset u{plans::kUMaze, 300}, medium{plans::kMedium, 600}, large{plans::kLarge, 800};
  return {ant_row("AntMaze_Large-v4", large),
          ant_row("AntMaze_Medium-v4", medium),
          ant_row("AntMaze_UMaze-v4", u),
          fetch_row("FetchPickAndPlace-v4", fetch::kPickAndPlace),
          fetch_row("FetchPush-v4", fetch::kPush),
          fetch_row("FetchReach-v4", fetch::kReach),
          fetch_row("FetchSlide-v4", fetch::kSlide),
          ball_row("PointMaze_Large-v3", large),
          ball_row("PointMaze_Medium-v3", medium),
          ball_row("PointMaze_UMaze-v3", u),
          hard_row("PointMaze_Large_Projected-v0", large),
          hard_row("PointMaze_Medium_Projected-v0", medium),
          hard_row("PointMaze_UMaze_Projected-v0", u),
          step_row("goal", "PointReach-v0", 1024, PointReach{}),
          step_row("goal", "PointRooms-v0", 1024, PointRooms{}),
          step_row("goal", "Push2D-v0", 1024, Push2D{}),
          step_row("goal", "Reach3D-v0", 1024, Reach3D{}),
          step_row("goal", "Slide2D-v0", 1024, Slide2D{}),
          walker_row("antmaze-giant-v0", ogbench::kGiant),
          walker_row("antmaze-large-v0", ogbench::kLarge),
          walker_row("antmaze-medium-v0", ogbench::kMedium),
          point_row("pointmaze-giant-v0", ogbench::kGiant),
          point_row("pointmaze-large-v0", ogbench::kLarge),
          point_row("pointmaze-medium-v0", ogbench::kMedium)};
}

}  // namespace palaestra::benchmarks
