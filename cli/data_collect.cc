// palaestra data collect: run a policy, keep its whole episodes, and say where they come from.

#include <chrono>
#include <cmath>
#include <ostream>

#include <CLI/CLI.hpp>

#include <palaestra/agents/run_settings.h>
#include <palaestra/cli/data.h>
#include <palaestra/cli/parse_problem.h>
#include <palaestra/cli/policy_choice.h>
#include <palaestra/cli/progress.h>
#include <palaestra/cli/wrap.h>
#include <palaestra/core/archive.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/hash.h>
#include <palaestra/core/interrupt.h>
#include <palaestra/core/json.h>
#include <palaestra/core/version.h>
#include <palaestra/envs/registry.h>
#include <palaestra/rollout/keywords.h>
#include <palaestra/rollout/record_episodes.h>

namespace palaestra::cli {
namespace {

namespace fs = std::filesystem;

struct CollectArguments {
  std::string env, env_options, policy = "random", out, format, reference;
  std::vector<std::string> wrap;
  Index episodes = 0, steps = 0, n = 16;
  double noise = 0;
  int compression = 0;
  bool force = false;
};

/// Cuts episodes of environments that have no time limit of their own.
constexpr Index kLongestEpisode = 100'000;

/// A policy by its name on the command line, and what the data set says of it.
struct Choice {
  std::unique_ptr<rollout::Policy> plain;
  std::unique_ptr<rollout::EpisodePolicy> policy, noisy;
  Json facts;

  rollout::EpisodePolicy& chosen() { return noisy ? *noisy : *policy; }
};

/// Transitions that an agent had learnt from (of an offline run: updates) when its file was
/// written.
Index training_steps(const fs::path& weights) {
  const ArchiveReader archive(weights);
  return archive.get_index(archive.contains("steps") ? "steps" : "trainer.steps");
}

/// `run` must outlive the choice.
Choice choose(const Global& global, const CollectArguments& arguments, const agents::LoadedRun& run,
              const envs::EnvSpec& spec) {
  Choice choice;
  choice.facts = {{"policy", arguments.policy}};
  if (arguments.policy == "random") {
    choice.policy = std::make_unique<rollout::RandomEpisodes>(spec.action, global.seed);
  } else if (arguments.policy == "zero") {
    choice.plain = std::make_unique<rollout::ZeroPolicy>();
  } else {
    constexpr auto kMode = rollout::ActMode::kMean;
    choice.plain = std::make_unique<rollout::AgentPolicy>(*run.agent, kMode, spec);
    const fs::path given = arguments.policy;
    const fs::path weights = run.weights;
    fs::path folder = weights.parent_path();
    if (folder.filename() == "checkpoints") {
      folder = folder.parent_path();
    }
    // hashes and not names: the same run gives the same data set wherever it lies
    choice.facts = {{"policy", "run"},
                    {"run",
                     {{"agent", run.agent->name()},
                      {"mode", kMode == rollout::ActMode::kMean ? "mean" : "sample"},
                      {"env", run.settings->train.env},
                      {"env_options", run.settings->train.env_options},
                      {"seed", run.settings->train.seed},
                      {"steps", training_steps(weights)},
                      {"updates", run.agent->updates()},
                      {"config_sha256", sha256_of_file(folder / "config.toml")},
                      {"weights_sha256", sha256_of_file(weights)}}}};
  }
  if (choice.plain) {
    choice.policy = std::make_unique<rollout::PlainEpisodes>(*choice.plain);
  }
  if (arguments.noise != 0) {
    choice.noisy = std::make_unique<rollout::NoisyEpisodes>(*choice.policy, spec.action,
                                                            arguments.noise, global.seed);
  }
  return choice;
}

/// What Gymnasium needs to make the environment again, as minari.recover_environment wants it.
std::string gymnasium_spec(const envs::EnvSpec& spec, const envs::Keywords& options) {
  const bool engine = spec.engine.starts_with("mujoco");
  const std::string entry = spec.goal && engine        ? "MujocoGoalEnv"
                            : spec.goal                ? "GoalEnv"
                            : spec.family == "classic" ? "ClassicEnv"
                            : spec.family == "mujoco"  ? "MujocoEnv"
                                                       : "PalaestraEnv";
  Json keywords = {{"env_id", spec.id}};
  for (const auto& [name, value] : options) {
    std::visit([&json_value = keywords[name]](const auto& v) { json_value = v; }, value);
  }
  const Json json = {
      {"id", envs::gymnasium_id(spec.id)},
      {"entry_point", "palaestra.single:" + entry},
      {"reward_threshold", nullptr},
      {"nondeterministic", false},
      {"max_episode_steps", spec.time_limit > 0 ? Json(spec.time_limit) : Json(nullptr)},
      {"order_enforce", true},
      {"disable_env_checker", false},
      {"kwargs", keywords},
      {"additional_wrappers", Json::array()},
      {"vector_entry_point", "palaestra.gymnasium_vector:GymnasiumVectorEnv"}};
  return json_text(json);
}

/// A column of observations: the whole row, or one of the parts of a goal task's.
struct ObservationPart {
  std::string name;
  Space space;
  Index first;  ///< element of the row
};

std::vector<ObservationPart> observation_parts(const envs::EnvSpec& spec) {
  if (!spec.goal) {
    return {{"observation", spec.observation, 0}};
  }
  std::vector<ObservationPart> parts;
  Index first = 0;
  for (const auto& [name, width] : {std::pair("observation", spec.goal->observation),
                                    std::pair("achieved_goal", spec.goal->achieved),
                                    std::pair("desired_goal", spec.goal->desired)}) {
    const auto bounds = [&, width = width](const std::vector<double>& all) {
      return std::vector<double>(all.begin() + first, all.begin() + first + width);
    };
    parts.push_back({concat("observation/", name),
                     Space::box(bounds(spec.observation.low), bounds(spec.observation.high),
                                spec.observation.dtype),
                     first});
    first += width;
  }
  return parts;
}

std::vector<replay::DataColumn> columns_of(const envs::EnvSpec& spec) {
  const bool choices = spec.action.kind == Space::Kind::kDiscrete;
  std::vector<replay::DataColumn> columns;
  for (const ObservationPart& part : observation_parts(spec)) {
    columns.push_back({.name = part.name,
                       .dtype = part.space.dtype,
                       .shape = part.space.shape,
                       .state = true,
                       .space = part.space,
                       .start = 0});
  }
  columns.push_back({.name = "action",
                     .dtype = choices ? DType::kInt64 : DType::kFloat32,
                     .shape = spec.action.shape,
                     .state = false,
                     .space = spec.action,
                     .start = 0});
  columns.push_back({.name = "reward", .dtype = DType::kFloat64});
  for (const std::string& name : spec.info) {
    columns.push_back(
        {.name = "info/" + name, .dtype = DType::kFloat64, .shape = {}, .state = true});
  }
  return columns;
}

/// "MIN,MAX"
std::pair<double, double> parse_reference(const std::string& text) {
  double low = 0, high = 0;
  char comma = 0, rest = 0;
  std::istringstream in(text);
  const bool good = static_cast<bool>(in >> low >> comma >> high) && comma == ',' &&
                    !(in >> rest) && std::isfinite(low) && std::isfinite(high) && low != high;
  require(good, "--reference is \"", text,
          "\"; accepted: MIN,MAX, the returns that count as 0 and 1");
  return {low, high};
}

/// Hands episodes to the writer until there are enough.
class Collection {
 public:
  Collection(const Global& global, const CollectArguments& arguments, const envs::EnvSpec& spec,
             replay::DataSetWriter& writer)
      : arguments_(arguments),
        spec_(spec),
        writer_(writer),
        parts_(observation_parts(spec)),
        columns_(columns_of(spec)),
        cut_(parts_.size()),
        progress_(std::max(arguments.episodes, arguments.steps), 0,
                  arguments.steps > 0 ? "steps" : "episodes", global.quiet) {}

  bool take(rollout::RecordedEpisode& episode) {
    if (interrupt_.requested()) {
      throw Interrupted();
    }
    if (episode.diverged) {  // often not even numbers
      diverged += 1;
      require(diverged < 1000 + 10 * writer_.episodes(), "the simulation diverged in ", diverged,
              " episodes and not in ", writer_.episodes(), "; nothing was written");
      return true;
    }
    add(episode);
    returns.push_back(episode.total);
    const Index done = arguments_.steps > 0 ? writer_.steps() : writer_.episodes();
    const Index wanted = std::max(arguments_.episodes, arguments_.steps);
    progress_.update(std::min(done, wanted), "");
    return done < wanted;
  }

  Index diverged = 0;
  std::vector<double> returns;

 private:
  void add(const rollout::RecordedEpisode& episode) {
    const Index length = episode.length;
    terminated_.assign(static_cast<std::size_t>(length), 0);
    truncated_ = terminated_;
    terminated_.back() = episode.terminated ? 1 : 0;
    truncated_.back() = episode.truncated ? 1 : 0;
    values_ = {{"reward", episode.reward}, {"terminated", terminated_}, {"truncated", truncated_}};
    for (std::size_t k = 0; k < parts_.size(); ++k) {
      const auto& [name, space, first] = parts_[k];
      values_.push_back({name, {space.dtype, part_of(episode, k), (length + 1) * space.size()}});
    }
    if (episode.choices.empty()) {
      values_.push_back({"action", episode.numbers});
    } else {
      values_.push_back({"action", episode.choices});
    }
    const std::size_t infos = spec_.info.size();
    info_.resize(infos);
    for (std::size_t k = 0; k < infos; ++k) {
      info_[k].resize(static_cast<std::size_t>(length) + 1);
      for (std::size_t t = 0; t < info_[k].size(); ++t) {
        info_[k][t] = episode.info[t * infos + k];
      }
      if (plan_is_d4rl) {
        info_[k].pop_back();
      }
      values_.push_back({columns_[parts_.size() + 2 + k].name, info_[k]});
    }
    writer_.add({.length = length, .columns = values_, .seed = static_cast<Index>(episode.seed)});
  }

  /// One part of an episode's observations, [T + 1, its size].
  const std::byte* part_of(const rollout::RecordedEpisode& episode, std::size_t k) {
    if (parts_.size() == 1) {
      return episode.observation.data();
    }
    const std::size_t row = spec_.observation.bytes(), element = size_of(spec_.observation.dtype);
    const std::size_t width = parts_[k].space.bytes();
    const auto rows = static_cast<std::size_t>(episode.length) + 1;
    cut_[k].resize(rows * width);
    const std::byte* from =
        episode.observation.data() + static_cast<std::size_t>(parts_[k].first) * element;
    for (std::size_t t = 0; t < rows; ++t) {
      std::copy_n(from + t * row, width, cut_[k].data() + t * width);
    }
    return cut_[k].data();
  }

  const CollectArguments& arguments_;
  const envs::EnvSpec& spec_;
  replay::DataSetWriter& writer_;
  std::vector<ObservationPart> parts_;
  std::vector<replay::DataColumn> columns_;  // of the parts, action, reward, infos
  std::vector<std::vector<std::byte>> cut_;
  Progress progress_;
  InterruptGuard interrupt_;
  std::vector<std::uint8_t> terminated_, truncated_;
  std::vector<std::vector<double>> info_;
  std::vector<replay::NamedValues> values_;

 public:
  bool plan_is_d4rl = false;  ///< its infos have no row after the last step
};

void check_arguments(const CollectArguments& arguments) {
  require((arguments.episodes > 0) != (arguments.steps > 0), "--episodes is ", arguments.episodes,
          ", --steps ", arguments.steps, "; accepted: one of the two, 1 or more");
  require(arguments.n >= 1, "--n is ", arguments.n, "; accepted: 1 or more");
}

/// The wrappers that are on, as --wrap takes them: "action_repeat=2,frame_stack=4".
std::string wrap_text(const envs::WrapConfig& config) {
  envs::WrapConfig given = config, usual;
  const auto fields = Settings().add(given).describe(), defaults = Settings().add(usual).describe();
  std::string text;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].default_value != defaults[i].default_value) {
      text +=
          concat(text.empty() ? "" : ",", fields[i].key, "=", toml_value(fields[i].default_value));
    }
  }
  return text;
}

int run_collect(const Global& global, const CollectArguments& arguments) {
  check_arguments(arguments);
  const replay::DataFormat format = format_of(arguments.format, arguments.out);
  const envs::Keywords options = rollout::parse_keywords(arguments.env_options);
  const Index own_limit = envs::find(arguments.env).spec(options).time_limit;
  envs::BatchOptions batch_options{.size = arguments.n,
                                   .autoreset = envs::AutoresetMode::kDisabled,
                                   .threads = global.thread_count()};
  if (own_limit == 0) {
    batch_options.time_limit = kLongestEpisode;
  }
  const agents::LoadedRun run = load_policy(global, arguments.policy);
  const envs::WrapConfig wrap = wrap_config(arguments.wrap, run);
  const auto batch =
      envs::make(arguments.env, batch_options, options, envs::frozen(wrap.wrappers()));
  if (run.agent) {
    batch->set_shared(run.statistics);
  }
  const envs::EnvSpec& spec = batch->spec();
  Choice choice = choose(global, arguments, run, spec);

  Json metadata = {{"algorithm_name", arguments.policy == "random" || arguments.policy == "zero"
                                          ? arguments.policy
                                          : std::string(run.agent->name())},
                   {"env_spec", gymnasium_spec(spec, options)}};
  if (!arguments.reference.empty()) {
    const auto [low, high] = parse_reference(arguments.reference);
    metadata["ref_min_score"] = low;
    metadata["ref_max_score"] = high;
  }
  auto columns = columns_of(spec);
  for (replay::DataColumn& column : columns) {
    const bool info = column.name.starts_with("info/");
    column.state = column.state && !(info && format == replay::DataFormat::kD4rl);
  }
  replay::DataSetWriter writer(arguments.out, {.format = format,
                                               .columns = columns,
                                               .metadata = json_text(metadata),
                                               .compression = arguments.compression,
                                               .replace = arguments.force});
  Collection collection(global, arguments, spec, writer);
  collection.plan_is_d4rl = format == replay::DataFormat::kD4rl;
  const auto start = std::chrono::steady_clock::now();
  record_episodes(*batch, choice.chosen(), global.seed,
                  [&](rollout::RecordedEpisode& episode) { return collection.take(episode); });
  const double wall =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  const auto count = static_cast<double>(collection.returns.size());
  double sum = 0, squares = 0;
  for (const double value : collection.returns) {
    sum += value;
  }
  for (const double value : collection.returns) {
    squares += (value - sum / count) * (value - sum / count);
  }
  Json origin = {{"version", version()},
                 {"commit", commit()},
                 {"env", spec.id},
                 {"env_options", arguments.env_options},
                 {"env_origin", spec.origin},
                 {"engine", spec.engine},
                 {"wrap", wrap_text(wrap)},
                 {"time_limit", batch_options.time_limit.value_or(own_limit)},
                 {"seed", global.seed}};
  origin.update(choice.facts);
  origin["noise"] = arguments.noise;
  origin["return_mean"] = sum / count;
  origin["return_std"] = std::sqrt(squares / count);
  origin["length_mean"] = static_cast<double>(writer.steps()) / count;
  origin["diverged"] = collection.diverged;
  metadata["palaestra"] = origin;
  writer.set_metadata(json_text(metadata));
  writer.finish();
  if (!writer.moved().empty()) {
    global.note(concat("moved what was there to ", writer.moved().string()));
  }

  const fs::path file = format == replay::DataFormat::kMinari
                            ? fs::path(arguments.out) / "data" / "main_data.hdf5"
                            : fs::path(arguments.out);
  Json document = {{"out", arguments.out},
                   {"format", name_of(format)},
                   {"env", spec.id},
                   {"policy", arguments.policy},
                   {"noise", arguments.noise},
                   {"seed", global.seed},
                   {"n", arguments.n},
                   {"threads", global.thread_count().count()},
                   {"episodes", writer.episodes()},
                   {"steps", writer.steps()},
                   {"return_mean", origin["return_mean"]},
                   {"return_std", origin["return_std"]},
                   {"length_mean", origin["length_mean"]},
                   {"diverged", collection.diverged},
                   {"wall_s", wall},
                   {"steps_per_s", static_cast<double>(writer.steps()) / wall},
                   {"hash", sha256_of_file(file)}};
  global.write_json(document);
  if (!global.json) {
    std::ostream& out = global.human();
    for (const char* name : {"out", "format", "env", "policy", "episodes", "steps", "return_mean",
                             "return_std", "length_mean", "steps_per_s", "hash"}) {
      const Json& value = document[name];
      out << name << std::string(13 - std::string_view(name).size(), ' ')
          << (value.is_string() ? value.get<std::string>() : json_text(value)) << '\n';
    }
  }
  return kDone;
}

}  // namespace

void add_data_collect(CLI::App& data, const Global& global, Run& run) {
  auto arguments = std::make_shared<CollectArguments>();
  CLI::App* command = data.add_subcommand("collect", "Run a policy and keep its episodes");
  command->fallthrough();
  command->add_option("--env", arguments->env, "Environment id")->required()->type_name("ID");
  add_wrap_option(*command, arguments->wrap);
  command->add_option("--env-options", arguments->env_options, "The environment's keyword options")
      ->type_name("K=V,K=V");
  command
      ->add_option("--policy", arguments->policy,
                   "random (default), zero, or the folder of a run, whose agent acts "
                   "deterministically")
      ->type_name("random|zero|RUN");
  command
      ->add_option("--noise", arguments->noise,
                   "Standard deviation of normal noise on actions, in halves of their range; for "
                   "choices the share of random ones (default 0)")
      ->type_name("S");
  command->add_option("--episodes", arguments->episodes, "Episodes to keep")
      ->type_name("N")
      ->check(whole_number);
  command->add_option("--steps", arguments->steps, "Or: whole episodes until there are N steps")
      ->type_name("N")
      ->check(whole_number);
  command
      ->add_option("--n", arguments->n,
                   "Environments that run at the same time (default 16); changes no bit")
      ->type_name("LANES")
      ->check(whole_number);
  command->add_option("--out", arguments->out, "Folder (Minari) or file (D4RL) to be made")
      ->required()
      ->type_name("DIR|FILE");
  command
      ->add_option("--format", arguments->format,
                   "minari or d4rl (default: d4rl where --out ends in .hdf5 or .h5)")
      ->type_name("FORMAT");
  command->add_option("--compression", arguments->compression, "gzip level 0 (default) to 9")
      ->type_name("L")
      ->check(whole_number);
  command
      ->add_option("--reference", arguments->reference,
                   "Returns that count as score 0 and 1, kept in the metadata")
      ->type_name("MIN,MAX");
  command->add_flag("--force", arguments->force, "Move aside what has the name already");
  command->footer(
      examples({"data collect --env CartPole-v1 --episodes 20 --out cartpole-v0",
                "data collect --env Pendulum-v1 --policy runs/pendulum --noise 0.1 --steps 2000 "
                "--out demos/pendulum-v0",
                "data collect --env HalfCheetah-v5 --episodes 2 --compression 4 --out "
                "cheetah.hdf5"}) +
      "\nEpisode e starts from a seed drawn from (--seed, e), which the data set keeps; its bytes "
      "depend\nneither on --threads nor on --n.");
  command->callback([&global, &run, arguments] {
    run = [&global, arguments] { return run_collect(global, *arguments); };
  });
}

}  // namespace palaestra::cli
