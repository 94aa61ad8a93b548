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

  std::vector<std::filesystem::path> scripts() const;
  PeerRows run(const std::filesystem::path& script) const;

 private:
  std::filesystem::path python_, folder_, package_;
};

/// Puts the peers' figures beside ours; what has no row of ours is added behind them.
void merge_peers(std::vector<benchmarks::Row>& ours, const std::vector<benchmarks::Row>& peers);

}  // namespace palaestra::cli
