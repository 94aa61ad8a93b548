#include <palaestra/envs/box2d/lunar_lander.h>
#include <palaestra/envs/entry.h>
#include <palaestra/envs/families.h>

namespace palaestra::envs {

std::vector<Registration> box2d_entries() {
  using namespace box2d;
  return {
      entry_by_flag<LunarLander<std::int64_t>, LunarLander<float>>("LunarLander-v3", "continuous",
                                                                   false),
      entry_by_flag<LunarLander<std::int64_t>, LunarLander<float>>("LunarLanderContinuous-v3",
                                                                   "continuous", true),
  };
}

}  // namespace palaestra::envs
