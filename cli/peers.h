#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::cli {

/// What a script of benchmarks/peers measured, or why it did not.
struct PeerRows {
  std::vector<benchmarks::Row> rows;
  std::string problem;
};

/// The peers' Python environment and the scripts that measure them. A script prints one JSON
/// document whose "rows" have the members of `palaestra bench`; rows without "value" are figures of
/// a peer for our row of that name, n and threads.
class Peers {
 public:
  /// Throws UserError when the environment or the scripts are not there.
  Peers();

  /// Those of benchmarks/peers that measure speed, by name.
  std::vector<std::filesystem::path> scripts() const;
  /// The family whose rows a script is about: its name up to "_envpool", or to the first "_" or
  /// dot.
  static std::string family_of(const std::filesystem::path& script);
  PeerRows run(const std::filesystem::path& script) const;

 private:
  std::filesystem::path python_, folder_, package_;
};

/// Puts the peers' figures beside ours. Rows with a value of their own are added behind them; a
/// figure for a row that was not measured is left out.
void merge_peers(std::vector<benchmarks::Row>& ours, const std::vector<benchmarks::Row>& peers);

/// Makes the figures of `rows` the means of theirs and those of the same rows in `again`.
void average_with(std::vector<benchmarks::Row>& rows, const std::vector<benchmarks::Row>& again);

}  // namespace palaestra::cli
