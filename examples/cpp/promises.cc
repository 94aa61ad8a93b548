// Learn from recorded pulls of a two-armed bandit to ask for what one can bring about oneself, with
// a loop of one's own: what Dichotomy of Control promises, it earns.
#include <cstdio>
#include <string>
#include <vector>

#include <palaestra/agents/registry.h>
#include <palaestra/replay/window_sampler.h>
#include <palaestra/rollout/evaluator.h>

using namespace palaestra;

int main() {
  const Space state = Space::discrete(1), arms = Space::discrete(2);
  auto columns = replay::transition_columns(state, arms);
  columns.push_back({.name = std::string(rollout::kReturnToGo)});
  replay::WeightedReplayBuffer pulls(columns, {.capacity = 1000});
  Stream random(1, purpose("examples/promises"));
  for (int pull = 0; pull < 1000; ++pull) {
    // arm 1 pays in nine of ten pulls, arm 0 in one; the record is of somebody who liked arm 0
    const std::vector<std::int64_t> where = {0}, arm = {random.uniform() < 0.1 ? 1 : 0};
    const std::vector<float> paid = {random.uniform() < (arm[0] == 1 ? 0.9 : 0.1) ? 1.0f : 0.0f};
    const std::vector<std::uint8_t> over = {1}, cut = {0};
    const replay::NamedValues step[] = {
        {"observation", where}, {"action", arm}, {"reward", paid}, {"return_to_go", paid}};
    const replay::NamedValues after[] = {{"observation", where}};
    pulls.extend(0, {.columns = step,
                     .terminated = over,
                     .truncated = cut,
                     .skip = {},
                     .next = {},
                     .last = after});
  }

  const auto settings = agents::find("doc").defaults();
  Settings keys;  // `palaestra train --help` lists every one
  settings->add_to(keys, /*under_name=*/false);
  keys.set("window", "1");
  keys.set("hidden", "64, 64");
  keys.set("bank_candidates", "100");
  const Threads threads(1);
  const auto agent = settings->make(state, arms, /*seed=*/0, threads);
  agent->prepare(pulls.storage());
  const rollout::Sampling wanted = settings->sampling();
  replay::WindowSampler sampler(pulls, wanted.windows->columns);
  for (int update = 0; update < 2000; ++update) {
    agent->update_windows(sampler.sample(
        pulls, random, {.windows = wanted.batch_size, .shape = wanted.windows->shape}));
  }

  rollout::Evaluator evaluator("BernoulliBandit-v0", {{"p", 0.1}}, /*episodes=*/1000, threads);
  rollout::AgentPolicy policy(*agent, rollout::ActMode::kSample, evaluator.spec(), 1000);
  const rollout::Evaluation result = evaluator.run(policy, /*seed=*/0, /*number=*/0);
  std::printf("promised %.2f, earned %.2f\n", result.promised_mean(), result.return_mean());
}
