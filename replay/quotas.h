#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/core/types.h>

namespace palaestra::replay {

/// What part of all rows a source gives: constant, or on a line from one value to another.
struct Share {
  double begin, end;
  Index steps;  ///< from `begin` at step 0 to `end` at this one, and `end` from there on

  Share(double constant) : begin(constant), end(constant), steps(0) {}  // NOLINT: meant implicit
  Share(double first, double last, Index over) : begin(first), end(last), steps(over) {}
  double at(Index step) const;
};

/// Shares out rows among sources, in exact proportion, one by one.
///
/// With share s of n rows a source has n s - d of them, |d| <= 1 - 1 / (2 k - 2) for k >= 2
/// sources, after any number of rows: the chairman assignment of Tijdeman (1980), proved best
/// possible. So any contiguous run of rows is within one row of the proportion for two sources, and
/// within 2 - 1 / (k - 1) for more (no sequence keeps every run within one row for all shares
/// then). Where shares change on the way, n s is their sum; the bound is then proved for two
/// sources.
class Quotas {
 public:
  explicit Quotas(std::size_t sources) : owed_(sources, 0.0) {}

  /// The sources of the next rows, in order. `share` is not negative and sums to 1.
  void assign(std::span<const double> share, std::span<std::int32_t> source);
  /// Rows that each source should have had up to now, less those it had.
  std::span<const double> owed() const { return owed_; }

  void save(ArchiveWriter& archive, const std::string& prefix) const;
  /// Throws UserError, and nothing has changed, for another number of sources or impossible debts.
  void load(const ArchiveReader& archive, const std::string& prefix);

 private:
  std::vector<double> owed_;
};

}  // namespace palaestra::replay
