// palaestra eval: deterministic episodes of a trained agent.

#include <ostream>

#include <CLI/CLI.hpp>

#include <palaestra/agents/run_settings.h>
#include <palaestra/cli/global.h>
#include <palaestra/cli/parse_problem.h>
#include <palaestra/core/error.h>
#include <palaestra/core/json.h>
#include <palaestra/rollout/evaluator.h>
#include <palaestra/rollout/keywords.h>

namespace palaestra::cli {
namespace {

struct EvalArguments {
  std::string run, env, env_options, policy, mode = "mean";
  Index episodes = 10;
};

int run_eval(const Global& global, const EvalArguments& arguments) {
  require(arguments.episodes >= 1 && arguments.episodes <= 1'000'000, "--episodes is ",
          arguments.episodes, "; accepted: 1 to 1000000");
  const agents::LoadedRun run = agents::load_run(arguments.run, global.thread_count());
  const auto& train = run.settings->train;
  const std::string env = arguments.env.empty() ? train.env : arguments.env;
  require(!env.empty(), "--env is missing: the run in ", arguments.run,
          " learnt from a data set whose environment is not known");
  // the run's options belong to its own environment
  const std::string options = !arguments.env_options.empty() ? arguments.env_options
                              : arguments.env.empty()        ? train.env_options
                                                             : std::string();
  rollout::Evaluator evaluator(env, rollout::parse_keywords(options), arguments.episodes,
                               global.thread_count(), train.wrap.wrappers());
  evaluator.use(run.statistics);
  rollout::Actor& actor = rollout::find_actor(*run.agent, arguments.policy);
  const rollout::ActMode mode =
      arguments.mode == "sample" ? rollout::ActMode::kSample : rollout::ActMode::kMean;
  rollout::AgentPolicy policy(actor, mode, evaluator.spec(), arguments.episodes);
  const rollout::Evaluation result = evaluator.run(policy, global.seed, 0);

  Json document = {{"run", arguments.run},
                   {"weights", run.weights.string()},
                   {"env", evaluator.spec().id},
                   {"agent", run.agent->name()},
                   {"policy", arguments.policy},
                   {"mode", arguments.mode},
                   {"seed", global.seed},
                   {"episodes", arguments.episodes},
                   {"return_mean", result.return_mean()},
                   {"return_std", result.return_std()},
                   {"length_mean", result.length_mean()}};
  if (!result.success.empty()) {
    document["success"] = result.success_mean();
  }
  if (!result.promised.empty()) {
    document["promised_mean"] = result.promised_mean();
    document["gap"] = result.gap();
    document["promised"] = result.promised;
  }
  document["returns"] = result.returns;
  document["lengths"] = result.lengths;
  document["seeds"] = result.seeds;
  global.write_json(document);
  if (!global.json) {
    std::ostream& out = global.human();
    out << "env          " << evaluator.spec().id << '\n'
        << "episodes     " << arguments.episodes << '\n'
        << "return_mean  " << result.return_mean() << '\n'
        << "return_std   " << result.return_std() << '\n'
        << "length_mean  " << result.length_mean() << '\n';
    if (!result.success.empty()) {
      out << "success      " << result.success_mean() << '\n';
    }
    if (!result.promised.empty()) {
      out << "promised     " << result.promised_mean() << '\n'
          << "gap          " << result.gap() << '\n';
    }
    out << "returns     ";
    for (const double value : result.returns) {
      out << ' ' << value;
    }
    out << '\n';
  }
  return kDone;
}

}  // namespace

void add_eval(CLI::App& app, const Global& global, Run& run) {
  auto arguments = std::make_shared<EvalArguments>();
  CLI::App* command = app.add_subcommand("eval", "Evaluate a trained agent");
  command->fallthrough();
  command
      ->add_option("run", arguments->run,
                   "Run folder, or one of its checkpoints or final.safetensors")
      ->required()
      ->type_name("RUN");
  command->add_option("--episodes", arguments->episodes, "Episodes (default 10)")
      ->type_name("N")
      ->check(whole_number);
  command
      ->add_option("--env", arguments->env,
                   "Another environment with the same spaces (default: the run's own)")
      ->type_name("ID");
  command->add_option("--env-options", arguments->env_options, "Its keyword options")
      ->type_name("K=V,K=V");
  command
      ->add_option("--policy", arguments->policy,
                   "Another policy of the agent, such as ailboost's ensemble (default: its own)")
      ->type_name("NAME");
  command
      ->add_option("--mode", arguments->mode,
                   "mean: the mode of the policy (default); sample: draws from it")
      ->check(one_of({"mean", "sample"}))
      ->type_name("MODE");
  command->footer(examples({"eval runs/pendulum", "eval runs/pendulum --episodes 100 --json",
                            "eval runs/pendulum/checkpoints/step-000003000.safetensors"}) +
                  "\nEpisode e starts from a seed drawn from (--seed, e), which the output lists. "
                  "Where the agent\npromises a return, promised is what it promised at each first "
                  "observation, and gap how much\nmore that was than came.");
  command->callback([&global, &run, arguments] {
    run = [&global, arguments] { return run_eval(global, *arguments); };
  });
}

}  // namespace palaestra::cli
