#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include <palaestra/agents/ailboost/agent.h>
#include <palaestra/agents/training.h>
#include <palaestra/rollout/evaluator.h>
#include <tests/core/scratch.h>
#include <tests/rollout/recorded.h>

namespace palaestra::agents {
namespace {

/// Swings a pendulum up by its energy and holds it there: θ'' = 15 sin θ + 3 u, so that
/// θ'²/2 + 15 cos θ, which is 15 upright, grows by 3 u θ'.
float swing_up(std::span<const float> observation) {
  const double angle =
      std::atan2(static_cast<double>(observation[1]), static_cast<double>(observation[0]));
  const double velocity = static_cast<double>(observation[2]);
  const double missing = 15 - velocity * velocity / 2 - 15 * std::cos(angle);
  const double torque =
      std::abs(angle) < 0.4 ? -15 * angle - 4 * velocity : (velocity >= 0 ? 1 : -1) * missing;
  return static_cast<float>(std::clamp(torque, -2.0, 2.0));
}

double mean_return(rollout::Actor& actor) {
  constexpr Index kEpisodes = 20;
  rollout::Evaluator evaluator("Pendulum-v1", {}, kEpisodes, Threads{1});
  rollout::AgentPolicy policy(actor, rollout::ActMode::kMean, evaluator.spec(), kEpisodes);
  return evaluator.run(policy, 0, 0).return_mean();
}

TEST_CASE("from one demonstration and without rewards it learns to swing a pendulum up") {
  const Scratch scratch;
  const auto data = rollout::testing::record(scratch / "demo-v0", {.episodes = 1, .law = swing_up});
  RunSettings settings("ailboost");
  const std::pair<const char*, const char*> values[] = {{"steps", "20000"},
                                                        {"learning_starts", "1000"},
                                                        {"updates_per_step", "1"},
                                                        {"alpha", "0.1"},
                                                        {"round_steps", "200"},
                                                        {"samples_per_round", "200"},
                                                        {"discriminator_steps", "20"},
                                                        {"sac.hidden", "64,64"},
                                                        {"sac.batch_size", "64"},
                                                        {"sac.actor_learning_rate", "0.001"},
                                                        {"sac.critic_learning_rate", "0.001"},
                                                        {"sac.temperature_learning_rate", "0.001"},
                                                        {"discriminator.batch_size", "64"},
                                                        {"discriminator.learning_rate", "0.001"}};
  settings.set("data", data.c_str());
  for (const auto& [key, value] : values) settings.set(key, value);
  const Training training = make_training(settings, Threads(1));
  const double before = mean_return(*training.agent);
  while (!training.trainer->done()) training.trainer->advance();
  const double last = mean_return(*training.agent);
  const double ensemble = mean_return(*training.agent->alternatives()[0].actor);
  CAPTURE(before);
  CAPTURE(last);
  CAPTURE(ensemble);
  CHECK(before < -900);
  CHECK(last > -350);
  CHECK(ensemble > before + 300);
  CHECK(ensemble < last);
}

}  // namespace
}  // namespace palaestra::agents
