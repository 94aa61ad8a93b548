#include <palaestra/cli/wrap.h>

#include <palaestra/core/error.h>

namespace palaestra::cli {

envs::WrapConfig wrap_config(const std::vector<std::string>& assignments,
                             const agents::LoadedRun& run) {
  envs::WrapConfig config = run.settings ? run.settings->train.wrap : envs::WrapConfig();
  Settings settings;
  settings.add(config);
  for (const std::string& assignment : assignments) {
    const auto equals = assignment.find('=');
    require(equals != std::string::npos && equals > 0, "--wrap \"", assignment,
            "\" is not of the form key=value");
    settings.set(assignment.substr(0, equals), assignment.substr(equals + 1));
  }
  settings.validate();
  return config;
}

std::unique_ptr<envs::AnyBatch> make_wrapped(const std::string& env,
                                             const envs::BatchOptions& options,
                                             const envs::Keywords& keywords,
                                             const std::vector<std::string>& assignments,
                                             const agents::LoadedRun& run) {
  const envs::Wrappers wrappers = wrap_config(assignments, run).wrappers();
  auto batch = envs::make(env, options, keywords, run.agent ? envs::frozen(wrappers) : wrappers);
  if (run.agent && batch->shared_size() > 0) {
    batch->set_shared(run.statistics);
    batch->reset();  // what is shown was normalised without them
  }
  return batch;
}

void add_wrap_option(CLI::App& command, std::vector<std::string>& assignments) {
  command
      .add_option(
          "--wrap", assignments,
          "A wrapper around the environment; may be repeated. Names as in the table wrap of "
          "`palaestra train --help`; with an agent, over those that it was trained in")
      ->type_name("K=V")
      ->expected(1)
      ->take_all();
}

}  // namespace palaestra::cli
