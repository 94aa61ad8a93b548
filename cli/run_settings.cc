#include <palaestra/cli/run_settings.h>

#include <algorithm>

#include <toml++/toml.h>

#include <palaestra/core/archive.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/envs/registry.h>
#include <palaestra/rollout/keywords.h>
#include <palaestra/rollout/run_directory.h>

namespace palaestra::cli {

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

}  // namespace

RunSettings::RunSettings(std::string_view agent_name) : agent(agents::find(agent_name).defaults()) {
  train.agent = agent_name;
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

void RunSettings::set(std::string_view assignment) {
  const auto equals = assignment.find('=');
  require(equals != std::string_view::npos && equals > 0, "--set \"", assignment,
          "\" is not of the form key=value");
  const std::string key(assignment.substr(0, equals));
  const std::string_view value = assignment.substr(equals + 1);
  const auto fields = settings.describe();
  const auto known = [&](const std::string& name) {
    return std::any_of(fields.begin(), fields.end(),
                       [&](const FieldInfo& field) { return field.key == name; });
  };
  const std::string in_table = concat(agent->name(), ".", key);
  settings.set(!known(key) && known(in_table) ? in_table : key, value);
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
  if (is_file) {
    loaded.weights = run;
  } else if (fs::exists(folder / "final.safetensors", error)) {
    loaded.weights = folder / "final.safetensors";
  } else {
    const auto checkpoints = rollout::RunDirectory::checkpoints(folder);
    require(!checkpoints.empty(), folder.string(),
            " holds neither final.safetensors nor a checkpoint yet");
    loaded.weights = checkpoints.back().file;
  }
  const auto& train = loaded.settings->train;
  const envs::EnvSpec spec = envs::find(train.env).spec(rollout::parse_keywords(train.env_options));
  loaded.agent = loaded.settings->agent->make(spec.observation, spec.action,
                                              static_cast<std::uint64_t>(train.seed), threads);
  loaded.agent->load(ArchiveReader(loaded.weights), "agent");
  return loaded;
}

}  // namespace palaestra::cli
