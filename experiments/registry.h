#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/experiments/experiment.h>

namespace palaestra::experiments {

/// Names of the experiments in this program, sorted: the folders of experiments/.
std::vector<std::string> experiment_names();

/// The experiment of that name, or the one in a file when `name` ends in ".toml". Throws UserError
/// with the nearest name, and as read_experiment() does.
Experiment find_experiment(const std::string& name);

/// experiments/<name>/<name>.toml and the records of peers, by their path in the sources.
const std::map<std::string, std::string>& embedded_files();

}  // namespace palaestra::experiments
