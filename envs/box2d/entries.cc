#include <palaestra/envs/box2d/bipedal_walker.h>
#include <palaestra/envs/box2d/car_racing.h>
#include <palaestra/envs/box2d/lunar_lander.h>
#include <palaestra/envs/entry.h>
#include <palaestra/envs/families.h>

namespace palaestra::envs {

std::vector<Registration> box2d_entries() {
  using namespace box2d;
  return {
      entry<BipedalWalker>("BipedalWalker-v3"),
      entry<BipedalWalker>("BipedalWalkerHardcore-v3"),
      entry_by_flag<CarRacing<std::int64_t>, CarRacing<float>>("CarRacing-v3", "continuous", true),
      entry_by_flag<CarRacing<std::int64_t>, CarRacing<float>>("CarRacingFixed289-v0", "continuous",
                                                               true),
      entry_by_flag<LunarLander<std::int64_t>, LunarLander<float>>("LunarLander-v3", "continuous",
                                                                   false),
      entry_by_flag<LunarLander<std::int64_t>, LunarLander<float>>("LunarLanderContinuous-v3",
                                                                   "continuous", true),
  };
}

}  // namespace palaestra::envs
