#pragma once

#include <string>
#include <vector>

#include <palaestra/experiments/experiment.h>

namespace palaestra::experiments {

/// Adds what does not fit together in an experiment whose tables are right one by one: names that
/// are not there or there twice, fewer runs than a gate asks for, seeds that were tuned on.
void check_experiment(const Experiment& experiment, std::vector<std::string>& problems);

}  // namespace palaestra::experiments
