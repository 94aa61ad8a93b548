#include <palaestra/benchmarks/families.h>

#include <vector>

#if defined(PALAESTRA_BENCH_ailboost)
#include <palaestra/benchmarks/ailboost.h>
#endif
#if defined(PALAESTRA_BENCH_box2d)
#include <palaestra/benchmarks/box2d.h>
#endif
#if defined(PALAESTRA_BENCH_discriminator)
#include <palaestra/benchmarks/discriminator.h>
#endif
#if defined(PALAESTRA_BENCH_dm_control)
#include <palaestra/benchmarks/dm_control.h>
#endif
#if defined(PALAESTRA_BENCH_envs)
#include <palaestra/benchmarks/envs.h>
#endif
#if defined(PALAESTRA_BENCH_goal)
#include <palaestra/benchmarks/goal.h>
#endif
#if defined(PALAESTRA_BENCH_imitation)
#include <palaestra/benchmarks/imitation.h>
#endif
#if defined(PALAESTRA_BENCH_mujoco)
#include <palaestra/benchmarks/mujoco.h>
#endif
#if defined(PALAESTRA_BENCH_nn)
#include <palaestra/benchmarks/nn.h>
#endif
#if defined(PALAESTRA_BENCH_planning)
#include <palaestra/benchmarks/planning.h>
#endif
#if defined(PALAESTRA_BENCH_render)
#include <palaestra/benchmarks/render.h>
#endif
#if defined(PALAESTRA_BENCH_replay)
#include <palaestra/benchmarks/replay.h>
#endif
#if defined(PALAESTRA_BENCH_sac)
#include <palaestra/benchmarks/sac.h>
#endif
#if defined(PALAESTRA_BENCH_sequence)
#include <palaestra/benchmarks/sequence.h>
#endif

namespace palaestra::benchmarks {
namespace {

/// A family that is always measured as a whole.
template <std::vector<Row> (*kBench)()>
std::vector<Row> whole(const Wanted&) {
  return kBench();
}

}  // namespace

std::span<const Family> families() {
  static const std::vector<Family> kFamilies {
#if defined(PALAESTRA_BENCH_envs)
    {"envs", "steps of the classic batches", whole<bench_envs>},
#endif
#if defined(PALAESTRA_BENCH_goal)
        {"goal", "steps of goal-conditioned batches", whole<bench_goal>},
#endif
#if defined(PALAESTRA_BENCH_box2d)
        {"box2d", "steps of Box2D batches against the bare engine; the car's pictures",
         whole<bench_box2d>},
#endif
#if defined(PALAESTRA_BENCH_mujoco)
        {"mujoco", "steps of MuJoCo batches against the bare engine", bench_mujoco},
#endif
#if defined(PALAESTRA_BENCH_render)
        {"render", "pictures: the rasteriser, and frames of environments", whole<bench_render>},
#endif
#if defined(PALAESTRA_BENCH_dm_control)
        {"dm_control", "steps of the DeepMind Control suite against the bare engine",
         bench_dm_control},
#endif
#if defined(PALAESTRA_BENCH_replay)
        {"replay", "sampling from and appending to the replay buffer", whole<bench_replay>},
#endif
#if defined(PALAESTRA_BENCH_nn)
        {"nn", "programs against the best GEMM rate of this machine", whole<bench_nn>},
#endif
#if defined(PALAESTRA_BENCH_ailboost)
        {"ailboost", "a round of AILBoost with 1,000 learners", whole<bench_ailboost>},
#endif
#if defined(PALAESTRA_BENCH_sac)
        {"sac", "updates of SAC against the best GEMM rate, and the whole loop", whole<bench_sac>},
#endif
#if defined(PALAESTRA_BENCH_discriminator)
        {"discriminator", "updates of imitation's discriminators, and what their penalty costs",
         whole<bench_discriminator>},
#endif
#if defined(PALAESTRA_BENCH_imitation)
        {"imitation", "updates of IQ-Learn and ValueDICE", whole<bench_imitation>},
#endif
#if defined(PALAESTRA_BENCH_sequence)
        {"sequence", "training steps of sequence models", whole<bench_sequence>},
#endif
#if defined(PALAESTRA_BENCH_planning)
        {"planning", "choosing latents to act on", whole<bench_planning>},
#endif
  };
  return kFamilies;
}

}  // namespace palaestra::benchmarks
