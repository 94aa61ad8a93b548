#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <palaestra/cli/products.h>
#include <palaestra/core/json.h>
#include <palaestra/experiments/gate.h>

namespace palaestra::cli {

/// An experiment that was run: what results.json and the report are made of.
struct Reproduced {
  experiments::Experiment experiment;
  experiments::Scale scale = experiments::Scale::kSmoke;
  std::vector<experiments::Gate> gates;  ///< those judged at this scale
  std::vector<experiments::Judgement> judgements;
  std::vector<MadeProduct> products;
  std::vector<experiments::Measurement> runs;
  double cpu_s = 0, wall_s = 0;
};

/// The gates as docs/command_line.md describes them.
nlohmann::ordered_json gates_json(const Reproduced& done);

/// Everything but harness_cpu_s: the document of results.json.
nlohmann::ordered_json results_json(const Reproduced& done);

/// Writes report.html from the results.json of some folders, with a picture of every environment
/// that occurs. Returns an empty string, or why there
/// is none (no Python, no matplotlib).
std::string write_report(const std::vector<std::filesystem::path>& folders,
                         const std::filesystem::path& out);

}  // namespace palaestra::cli
