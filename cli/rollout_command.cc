#include <time.h>

#include <chrono>
#include <iostream>
#include <memory>

#include <palaestra/core/hash.h>
#include <palaestra/envs/columns_hash.h>
#include <palaestra/envs/random_actions.h>
#include <palaestra/envs/registry.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/progress.h"

namespace palaestra::cli {
namespace {

using Json = nlohmann::ordered_json;

struct RolloutOptions : CommonOptions {
  std::string env, policy = "random";
  Index n = 1, steps = 1000;
};

double process_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void step_zero(envs::AnyBatch& batch, const std::vector<std::int64_t>& choices,
               const std::vector<float>& numbers) {
  if (batch.spec().action.kind == Space::Kind::kDiscrete) {
    batch.step(choices);
  } else {
    batch.step(numbers);
  }
}

void run(const RolloutOptions& options) {
  require(options.policy == "random" || options.policy == "zero", "rollout: policy is \"",
          options.policy, "\"; accepted: random, zero");
  const auto batch = envs::make(
      options.env, {.size = options.n, .threads = Threads(options.threads), .seed = options.seed});
  const auto width = static_cast<std::size_t>(options.n * batch->spec().action.size());
  const std::vector<std::int64_t> choices(width, 0);
  const std::vector<float> numbers(width, 0.0f);
  envs::RandomActions actions(batch->spec(), options.n, options.seed);
  const bool random = options.policy == "random";

  Progress progress("rollout", options.steps, options.quiet);
  Sha256 hash;
  Index episodes = 0, steps = 0;
  double return_sum = 0;
  const double cpu_begin = process_cpu_seconds();
  const auto wall_begin = std::chrono::steady_clock::now();
  for (Index t = 0; t < options.steps; ++t) {
    random ? actions.step(*batch, t) : step_zero(*batch, choices, numbers);
    envs::hash_columns(hash, *batch);
    const envs::BatchColumns& c = batch->columns();
    for (std::size_t i = 0; i < static_cast<std::size_t>(options.n); ++i) {
      steps += c.reset[i] == 0;
      if (c.terminated[i] != 0 || c.truncated[i] != 0) {
        ++episodes;
        return_sum += c.episode_return[i];
      }
    }
    progress.update(t + 1);
  }
  progress.finish();
  const double cpu = process_cpu_seconds() - cpu_begin;
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - wall_begin).count();

  const Json document = {
      {"env", batch->spec().id},
      {"n", options.n},
      {"policy", options.policy},
      {"seed", options.seed},
      {"threads", batch->options().threads.count()},
      {"steps", steps},
      {"episodes", episodes},
      {"return_mean", episodes > 0 ? Json(return_sum / static_cast<double>(episodes)) : Json()},
      {"cpu_s", cpu},
      {"wall_s", wall},
      {"steps_per_s", static_cast<double>(steps) / wall},
      {"hash", hash.hex()}};
  options.emit(document);
  if (!options.json_on_stdout()) {
    for (const auto& [key, value] : document.items()) {
      std::cout << key << ": " << (value.is_string() ? value.get<std::string>() : value.dump())
                << '\n';
    }
  }
}

}  // namespace

void add_rollout_command(CLI::App& app) {
  auto options = std::make_shared<RolloutOptions>();
  CLI::App* command = app.add_subcommand("rollout", "step a batch of environments");
  command->add_option("--env", options->env, "environment id")->required();
  command->add_option("--n,--num-envs", options->n, "environments in the batch")
      ->check(CLI::Range(Index{1}, Index{1} << 28))
      ->default_str("1");
  command->add_option("--steps", options->steps, "steps of the whole batch")
      ->check(CLI::Range(Index{1}, Index{1} << 40))
      ->default_str("1000");
  command->add_option("--policy", options->policy, "random or zero")->default_str("random");
  add_common_options(*command, *options);
  command->footer(
      "The hash is SHA-256 over observation, reward, terminated and truncated of every step in "
      "order;\n"
      "it does not depend on --threads. `steps` leaves out the rows that a step spent on a "
      "reset.\n\n"
      "Examples:\n  palaestra rollout --env CartPole-v1 --n 64 --steps 1000\n"
      "  palaestra rollout --env HalfCheetah-v5 --n 16 --steps 200 --seed 1 --json");
  command->callback([options] { run(*options); });
}

}  // namespace palaestra::cli
