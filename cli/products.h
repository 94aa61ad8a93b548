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

/// The products that runs of a scale need, each after those that it needs itself.
std::vector<const experiments::Product*> needed_products(const experiments::Experiment& experiment,
                                                         const std::vector<ArmRun>& runs,
                                                         experiments::Scale scale);

/// What a product counts in their progress: its steps.
double work_of(const experiments::Product& product, experiments::Scale scale);

/// Makes the products that unfinished or finished `runs` of a folder need, side by side on as many
/// cores as they say, each by a process of this program, and keeps them. Those that are there are
/// left alone, unless their command has changed: then they are made again, and so is whatever was
/// made or measured with them. Throws UserError where one fails, the others having been asked to
/// write their checkpoints; interrupted, it returns what there is. The progress is steps of
/// trainings and the number of products.
std::vector<MadeProduct> make_products(const experiments::Experiment& experiment,
                                       const std::vector<ArmRun>& runs, experiments::Scale scale,
                                       const std::filesystem::path& out, Threads threads,
                                       const RunsHooks& hooks);

}  // namespace palaestra::cli
