#include <palaestra/benchmarks/families.h>

#include <vector>

#include <palaestra/benchmarks/ailboost.h>
#include <palaestra/benchmarks/box2d.h>
#include <palaestra/benchmarks/discriminator.h>
#include <palaestra/benchmarks/dm_control.h>
#include <palaestra/benchmarks/envs.h>
#include <palaestra/benchmarks/goal.h>
#include <palaestra/benchmarks/imitation.h>
#include <palaestra/benchmarks/mujoco.h>
#include <palaestra/benchmarks/nn.h>
#include <palaestra/benchmarks/planning.h>
#include <palaestra/benchmarks/render.h>
#include <palaestra/benchmarks/replay.h>
#include <palaestra/benchmarks/sac.h>
#include <palaestra/benchmarks/sequence.h>

namespace palaestra::benchmarks {
namespace {

/// A family that is always measured as a whole.
template <std::vector<Row> (*kBench)()>
std::vector<Row> whole(const Wanted&) {
  return kBench();
}

}  // namespace

std::span<const Family> families() {
  static const std::vector<Family> kFamilies{
      {"envs", "steps of the classic batches", whole<bench_envs>},
      {"goal", "steps of goal-conditioned batches", whole<bench_goal>},
      {"box2d", "steps of Box2D batches against the bare engine; the car's pictures",
       whole<bench_box2d>},
      {"mujoco", "steps of MuJoCo batches against the bare engine", bench_mujoco},
      {"render", "pictures: the rasteriser, and frames of environments", whole<bench_render>},
      {"dm_control", "steps of the DeepMind Control suite against the bare engine",
       bench_dm_control},
      {"replay", "sampling from and appending to the replay buffer", whole<bench_replay>},
      {"nn", "programs against the best GEMM rate of this machine", whole<bench_nn>},
      {"ailboost", "a round of AILBoost with 1,000 learners", whole<bench_ailboost>},
      {"sac", "updates of SAC against the best GEMM rate, and the whole loop", whole<bench_sac>},
      {"discriminator", "updates of imitation's discriminators, and what their penalty costs",
       whole<bench_discriminator>},
      {"imitation", "updates of IQ-Learn and ValueDICE", whole<bench_imitation>},
      {"sequence", "training steps of sequence models", whole<bench_sequence>},
      {"planning", "choosing latents to act on", whole<bench_planning>},
  };
  return kFamilies;
}

}  // namespace palaestra::benchmarks
