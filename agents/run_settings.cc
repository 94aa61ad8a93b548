#include <palaestra/agents/run_settings.h>

#include <algorithm>
#include <utility>

#include <toml++/toml.h>

#include <palaestra/core/archive.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/rollout/normalized_agent.h>
#include <palaestra/rollout/run_directory.h>
#include <palaestra/rollout/spaces_archive.h>
#include <palaestra/rollout/trainer.h>

namespace palaestra::agents {

namespace fs = std::filesystem;

namespace {

/// The agent that a configuration names. Mistakes are left to Settings::read_toml, which reports
/// all of them.
std::optional<std::string> agent_of(std::string_view text) {
  try {
    return toml::parse(text)["agent"].value<std::string>();
  } catch (const toml::parse_error&) {
    return std::nullopt;
  }
}

/// The folder of a run of which `file` is a part.
fs::path folder_of(const fs::path& file) {
  const fs::path parent = fs::absolute(file).parent_path();
  return parent.filename() == "checkpoints" ? parent.parent_path() : parent;
}

/// The file that holds what a run has learnt so far. After a finished run was given more steps, its
/// final.safetensors is that of the old end until there is a new one.
std::pair<fs::path, ArchiveReader> newest_weights(const fs::path& folder) {
  const auto checkpoints = rollout::RunDirectory::checkpoints(folder);
  fs::path final_agent = folder / "final.safetensors";
  std::error_code error;
  if (fs::exists(final_agent, error)) {
    ArchiveReader archive(final_agent);
    if (checkpoints.empty() || archive.get_index("steps") >= checkpoints.back().step) {
      return {std::move(final_agent), std::move(archive)};
    }
  }
  require(!checkpoints.empty(), folder.string(),
          " holds neither final.safetensors nor a checkpoint yet");
  return {checkpoints.back().file, ArchiveReader(checkpoints.back().file)};
}

}  // namespace

RunSettings::RunSettings(std::string_view agent_name) : agent(find(agent_name).defaults()) {
  train.agent = agent_name;
  agent->set_run_defaults(train);
  settings.add(train);
  agent->add_to(settings);
}

std::unique_ptr<RunSettings> RunSettings::read(std::string_view toml, std::string_view source,
                                               const std::optional<std::string>& agent) {
  const rollout::TrainConfig defaults;
  auto result =
      std::make_unique<RunSettings>(agent ? *agent : agent_of(toml).value_or(defaults.agent));
  result->settings.read_toml(toml, source);
  result->train.agent = result->agent->name();
  return result;
}

std::string RunSettings::full_key(std::string_view key) const {
  const auto fields = settings.describe();
  const auto known = [&](std::string_view name) {
    return std::any_of(fields.begin(), fields.end(),
                       [&](const FieldInfo& field) { return field.key == name; });
  };
  std::string in_table = concat(agent->name(), ".", key);
  return !known(key) && known(in_table) ? in_table : std::string(key);
}

std::unique_ptr<rollout::Agent> RunSettings::make_agent(Threads threads) const {
  return make_agent(rollout::find_spec(train.env, train.env_options, train.wrap.wrappers()),
                    threads);
}

std::unique_ptr<rollout::Agent> RunSettings::make_agent(const envs::EnvSpec& spec,
                                                        Threads threads) const {
  auto made =
      agent->make(spec.observation, spec.action, static_cast<std::uint64_t>(train.seed), threads);
  if (train.normalize_observations) {
    return std::make_unique<rollout::NormalizedAgent>(std::move(made), threads);
  }
  return made;
}

rollout::Sampling RunSettings::sampling() const { return agent->sampling(); }

std::string obstacles_to_resuming(const RunSettings& before, const RunSettings& now) {
  const auto old_fields = before.settings.describe(), fields = now.settings.describe();
  std::string text;
  if (before.train.agent != now.train.agent) {
    return concat("\n  agent was \"", before.train.agent, "\", is now \"", now.train.agent, "\"");
  }
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const bool longer = fields[i].key == "steps" && now.train.steps >= before.train.steps;
    const bool elsewhere =
        fields[i].key == "data" && !before.train.data_sha256.empty() && !now.train.data.empty();
    if (!longer && !elsewhere && fields[i].default_value != old_fields[i].default_value) {
      text += concat("\n  ", fields[i].key, " was ", toml_value(old_fields[i].default_value),
                     ", is now ", toml_value(fields[i].default_value));
    }
  }
  return text;
}

void require_settings_of_checkpoint(const std::string& config, const RunSettings& now) {
  const auto before = RunSettings::read(config, "the settings in the newest checkpoint");
  const std::string differences = obstacles_to_resuming(*before, now);
  require(differences.empty(),
          "the newest checkpoint was written under other settings than those of config.toml, which "
          "must have been altered since; nothing was written:",
          differences);
}

LoadedRun load_run(const fs::path& run, Threads threads) {
  std::error_code error;
  require(fs::exists(run, error), "there is no run at ", run.string());
  const bool is_file = !fs::is_directory(run, error);
  const fs::path folder = is_file ? folder_of(run) : run;
  require(rollout::RunDirectory::exists(folder), folder.string(),
          " is not a run folder: it has no config.toml");
  LoadedRun loaded;
  const fs::path config = folder / "config.toml";
  loaded.settings = RunSettings::read(read_text(config), config.string());
  auto [weights, archive] = is_file ? std::pair(run, ArchiveReader(run)) : newest_weights(folder);
  loaded.weights = std::move(weights);
  const auto& train = loaded.settings->train;
  loaded.spec = train.env.empty()
                    ? rollout::get_spaces(archive)
                    : rollout::find_spec(train.env, train.env_options, train.wrap.wrappers());
  loaded.agent = loaded.settings->make_agent(loaded.spec, threads);
  loaded.agent->load(archive, "agent.");
  if (archive.contains(rollout::kStatistics)) {  // files from before there were wrappers have none
    loaded.statistics = archive.get_vector<double>(rollout::kStatistics);
  }
  return loaded;
}

}  // namespace palaestra::agents
