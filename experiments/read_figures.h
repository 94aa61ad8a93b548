#pragma once

#include <string>
#include <vector>

#include <toml++/toml.h>

#include <palaestra/experiments/experiment.h>

namespace palaestra::experiments {

/// Read a [[figure]] and a [[published]]; mistakes are added to `problems`, after `where`.
Figure read_figure(const toml::table& table, const std::string& where,
                   std::vector<std::string>& problems);
Published read_published(const toml::table& table, const std::string& where,
                         std::vector<std::string>& problems);

/// Adds what does not fit together: two figures of one id, tasks without arms, points for a figure
/// that is not there or that has no place for them.
void check_figures(const Experiment& experiment, std::vector<std::string>& problems);

}  // namespace palaestra::experiments
