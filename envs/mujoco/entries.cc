#include <palaestra/envs/entry.h>
#include <palaestra/envs/families.h>
#include <palaestra/envs/mujoco/ant.h>
#include <palaestra/envs/mujoco/half_cheetah.h>
#include <palaestra/envs/mujoco/hopper.h>
#include <palaestra/envs/mujoco/humanoid.h>
#include <palaestra/envs/mujoco/humanoid_standup.h>
#include <palaestra/envs/mujoco/inverted_double_pendulum.h>
#include <palaestra/envs/mujoco/inverted_pendulum.h>
#include <palaestra/envs/mujoco/pusher.h>
#include <palaestra/envs/mujoco/reacher.h>
#include <palaestra/envs/mujoco/swimmer.h>
#include <palaestra/envs/mujoco/walker2d.h>

namespace palaestra::envs {

std::vector<Registration> mujoco_entries() {
  using namespace mujoco;
  return {
      entry<Simulated<Ant>>("Ant-v5"),
      entry<Simulated<HalfCheetah>>("HalfCheetah-v5"),
      entry<Simulated<Hopper>>("Hopper-v5"),
      entry<Simulated<Humanoid>>("Humanoid-v5"),
      entry<Simulated<HumanoidStandup>>("HumanoidStandup-v5"),
      entry<Simulated<InvertedDoublePendulum>>("InvertedDoublePendulum-v5"),
      entry<Simulated<InvertedPendulum>>("InvertedPendulum-v5"),
      entry<Simulated<Pusher>>("Pusher-v5"),
      entry<Simulated<Reacher>>("Reacher-v5"),
      entry<Simulated<Swimmer>>("Swimmer-v5"),
      entry<Simulated<Walker2d>>("Walker2d-v5"),
  };
}

}  // namespace palaestra::envs
