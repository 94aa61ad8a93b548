// Step a thousand cart-poles at once under a simple law, and see how long they stand.
#include <cstdio>
#include <vector>

#include <palaestra/envs/registry.h>

using namespace palaestra;

int main() {
  const auto poles = envs::make("CartPole-v1", {.size = 1024, .seed = 0});
  const envs::BatchColumns& now = poles->columns();  // owned by the batch, overwritten by a step
  const auto* const observation = static_cast<const float*>(now.observation);  // [n, 4]
  std::vector<std::int64_t> actions(1024);
  double episodes = 0, steps = 0;
  for (int t = 0; t < 1000; ++t) {
    for (std::size_t i = 0; i < actions.size(); ++i) {  // push to where the pole leans and turns
      actions[i] = observation[4 * i + 2] + 0.3f * observation[4 * i + 3] > 0 ? 1 : 0;
    }
    poles->step(actions);
    for (std::size_t i = 0; i < actions.size(); ++i) {
      if (now.terminated[i] != 0 || now.truncated[i] != 0) {
        episodes += 1;
        steps += static_cast<double>(now.episode_length[i]);
      }
    }
  }
  std::printf("%.0f episodes of %.0f steps on average\n", episodes, steps / episodes);
}
