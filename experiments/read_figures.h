#pragma once

#include <string>
#include <vector>

#include <toml++/toml.h>

#include <palaestra/experiments/experiment.h>

namespace palaestra::experiments {

/// Read a [[figure]] and a [[published]]; mistakes are added to `problems`, with the number of the
/// table.
Figure read_figure(const toml::table& table, std::size_t number,
                   std::vector<std::string>& problems);
Published read_published(const toml::table& table, std::size_t number,
                         std::vector<std::string>& problems);

/// Adds what does not fit together: two figures of one id, tasks without arms, points for a figure
/// that is not there or that has no place for them.
void check_figures(const Experiment& experiment, std::vector<std::string>& problems);

}  // namespace palaestra::experiments
