#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <palaestra/cli/arm_runs.h>
#include <palaestra/experiments/experiment.h>

namespace palaestra::cli {

/// Where the products of the experiment in a folder lie.
std::filesystem::path product_folder(const std::filesystem::path& out);

/// Options with the place of each product instead of its `@name`.
std::vector<std::string> with_products(const std::vector<std::string>& options,
                                       const std::filesystem::path& out);

/// One that was made, or was there already.
struct MadeProduct {
  std::string name;
  std::string command;  ///< as it is typed in the experiment's folder
  double cpu_s = 0;
};

/// Makes the products that unfinished or finished `runs` of a folder need, one after another, each
/// by a process of this program, and keeps them. Those that are there are left
/// alone, unless their command has changed: then they are made again, and so is whatever was made
/// or measured with them. Throws UserError where one fails; interrupted, it returns what there is.
std::vector<MadeProduct> make_products(const experiments::Experiment& experiment,
                                       const std::vector<ArmRun>& runs, experiments::Scale scale,
                                       const std::filesystem::path& out, const RunsHooks& hooks);

}  // namespace palaestra::cli
