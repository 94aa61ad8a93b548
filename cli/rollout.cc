// palaestra rollout: step a batch, say how fast and what came out, to the bit.

#include <chrono>
#include <cmath>
#include <ctime>
#include <limits>
#include <ostream>

#include <CLI/CLI.hpp>

#include <palaestra/cli/global.h>
#include <palaestra/cli/parse_problem.h>
#include <palaestra/cli/policy_choice.h>
#include <palaestra/cli/progress.h>
#include <palaestra/cli/record.h>
#include <palaestra/cli/wrap.h>
#include <palaestra/core/error.h>
#include <palaestra/core/hash.h>
#include <palaestra/core/interrupt.h>
#include <palaestra/core/json.h>
#include <palaestra/envs/registry.h>
#include <palaestra/rollout/collector.h>
#include <palaestra/rollout/episode_summary.h>
#include <palaestra/rollout/keywords.h>

namespace palaestra::cli {
namespace {

struct RolloutArguments {
  std::string env, env_options, policy = "random", record;
  std::vector<std::string> wrap;
  Index n = 1, steps = 1000;
};

/// Steps are gathered up to this many bytes before they are hashed outside the measured time.
constexpr std::size_t kGatherBytes = 1 << 19;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// The bytes that the hash is over: observation, reward, terminated, truncated of all rows.
class StepBytes {
 public:
  explicit StepBytes(const envs::AnyBatch& batch) {
    const auto n = static_cast<std::size_t>(batch.size());
    const auto& c = batch.columns();
    parts_ = {{{c.observation, n * batch.spec().observation.bytes()},
               {c.reward, n * sizeof(double)},
               {c.terminated, n},
               {c.truncated, n}}};
    for (const auto& part : parts_) {
      per_step_ += part.bytes;
    }
    bytes_.reserve(per_step_ * static_cast<std::size_t>(steps_at_once()));
  }

  Index steps_at_once() const {
    return std::max<Index>(1, static_cast<Index>(kGatherBytes / per_step_));
  }
  void gather() {
    for (const auto& part : parts_) {
      const auto* begin = static_cast<const std::byte*>(part.data);
      bytes_.insert(bytes_.end(), begin, begin + part.bytes);
    }
  }
  void hash(Sha256& hash) {
    hash.update(bytes_);
    bytes_.clear();
  }

 private:
  struct Part {
    const void* data;
    std::size_t bytes;
  };
  std::array<Part, 4> parts_{};
  std::size_t per_step_ = 0;
  std::vector<std::byte> bytes_;
};

struct Result {
  Index steps = 0;
  rollout::EpisodeSummary summary;
  double cpu_s = 0, wall_s = 0;
  std::string hash;
};

Result roll(const Global& global, const RolloutArguments& arguments, envs::AnyBatch& batch,
            rollout::Policy& policy) {
  using Clock = std::chrono::steady_clock;
  const InterruptGuard interrupt;
  rollout::Collector collector(batch);
  StepBytes bytes(batch);
  std::optional<Recorder> recorder;
  if (!arguments.record.empty()) {
    recorder.emplace(arguments.record, batch);
  }
  Progress progress(arguments.steps * batch.size(), 0, "steps", global.quiet);
  Result result;
  Sha256 hash;
  for (Index step = 0; step < arguments.steps;) {
    const Index end = std::min(arguments.steps, step + bytes.steps_at_once());
    const auto wall = Clock::now();
    const double cpu = cpu_seconds();
    for (; step < end; ++step) {
      collector.step(policy, step);
      result.summary.add_finished(batch);
      bytes.gather();
      if (recorder) {
        recorder->append(batch, collector.actions());
      }
    }
    result.cpu_s += cpu_seconds() - cpu;
    result.wall_s += std::chrono::duration<double>(Clock::now() - wall).count();
    bytes.hash(hash);
    progress.update(step * batch.size(), "");
    if (interrupt.requested()) {
      throw Interrupted();
    }
  }
  if (recorder) {
    recorder->finish();
  }
  result.steps = arguments.steps * batch.size();
  result.hash = hash.hex();
  return result;
}

int run_rollout(const Global& global, const RolloutArguments& arguments) {
  require(arguments.n >= 1, "--n is ", arguments.n, "; accepted: 1 or more");
  require(arguments.steps >= 1, "--steps is ", arguments.steps, "; accepted: 1 or more");
  const agents::LoadedRun run = load_policy(global, arguments.policy);
  const auto batch = make_wrapped(
      arguments.env, {.size = arguments.n, .threads = global.thread_count(), .seed = global.seed},
      rollout::parse_keywords(arguments.env_options), arguments.wrap, run);
  constexpr Index kMost = std::numeric_limits<Index>::max();
  require(arguments.steps <= kMost / arguments.n, "--steps is ", arguments.steps,
          "; accepted: 1 to ", kMost / arguments.n, ", since steps times --n, which is ",
          arguments.n, ", must be below 2^63");
  const auto policy = make_policy(global, arguments.policy, run, *batch);
  const Result result = roll(global, arguments, *batch, *policy);

  const auto& summary = result.summary;
  const double rate = static_cast<double>(result.steps) / result.wall_s;
  Json document = {{"env", batch->spec().id},
                   {"n", arguments.n},
                   {"batch_steps", arguments.steps},
                   {"policy", arguments.policy},
                   {"seed", global.seed},
                   {"threads", global.thread_count().count()},
                   {"steps", result.steps},
                   {"episodes", summary.episodes}};
  document["return_mean"] = summary.episodes > 0 ? Json(summary.return_mean()) : Json(nullptr);
  document["length_mean"] = summary.episodes > 0 ? Json(summary.length_mean()) : Json(nullptr);
  document["diverged"] = summary.diverged;
  document["cpu_s"] = result.cpu_s;
  document["wall_s"] = result.wall_s;
  document["steps_per_s"] = rate;
  document["hash"] = result.hash;
  global.write_json(document);
  if (!global.json) {
    std::ostream& out = global.human();
    out << "steps        " << result.steps << '\n' << "episodes     " << summary.episodes << '\n';
    out << "return_mean  ";
    if (summary.episodes > 0) {
      out << summary.return_mean() << '\n';
    } else {
      out << "none (no episode ended)\n";
    }
    out << "cpu_s        " << result.cpu_s << '\n'
        << "wall_s       " << result.wall_s << '\n'
        << "steps_per_s  " << static_cast<Index>(rate) << '\n'
        << "hash         " << result.hash << '\n';
  }
  return kDone;
}

}  // namespace

void add_rollout(CLI::App& app, const Global& global, Run& run) {
  auto arguments = std::make_shared<RolloutArguments>();
  CLI::App* command =
      app.add_subcommand("rollout", "Step a batch of environments; print rate, returns and hash");
  command->fallthrough();
  command->add_option("--env", arguments->env, "Environment id")->required()->type_name("ID");
  command->add_option("--n", arguments->n, "Environments in the batch (default 1)")
      ->type_name("N")
      ->check(whole_number);
  command
      ->add_option("--steps", arguments->steps,
                   "Steps of the batch, N transitions each (default 1000)")
      ->type_name("T")
      ->check(whole_number);
  command
      ->add_option("--policy", arguments->policy,
                   "random (default), zero, or the folder of a run, whose agent acts "
                   "deterministically")
      ->type_name("random|zero|RUN");
  command->add_option("--env-options", arguments->env_options, "The environment's keyword options")
      ->type_name("K=V,K=V");
  add_wrap_option(*command, arguments->wrap);
  command->add_option("--record", arguments->record, "Write every step to this HDF5 file")
      ->type_name("FILE.h5");
  command->footer(examples({"rollout --env CartPole-v1 --n 1024 --steps 1000",
                            "rollout --env HalfCheetah-v5 --n 64 --steps 200 --threads 2 --json",
                            "rollout --env Pendulum-v1 --wrap frame_stack=3 --record steps.h5"}) +
                  "\nThe hash is SHA-256 over observation, reward, terminated, truncated of every "
                  "step;\nit depends on the environment, n, steps, policy and seed, not on "
                  "threads.");
  command->callback([&global, &run, arguments] {
    run = [&global, arguments] { return run_rollout(global, *arguments); };
  });
}

}  // namespace palaestra::cli
