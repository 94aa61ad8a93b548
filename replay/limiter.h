#pragma once

#include <limits>
#include <string>

#include <palaestra/core/archive.h>

namespace palaestra::replay {

/// How far drawing and appending may drift apart.
struct Limit {
  Index min_size = 1;             ///< rows the buffer must hold before any are drawn
  double samples_per_insert = 0;  ///< rows drawn per row appended; 0: no limit
  /// Rows drawn by which either side may be ahead. Needs to be at least the rows of one minibatch
  /// and samples_per_insert times the rows of one append, or neither side could ever move.
  double slack = 0;
};

/// Keeps the number of rows drawn near a multiple of the number of rows appended:
///
///   drawn - samples_per_insert * inserted   within  [-slack, slack]
///
/// counted from the row on with which the buffer holds min_size. It counts and answers; who must
/// wait is up to the caller.
class Limiter {
 public:
  static constexpr Index kUnlimited = std::numeric_limits<Index>::max();

  Limiter() = default;
  /// Throws UserError for numbers that are negative or not finite, or min_size < 1.
  explicit Limiter(const Limit& limit) { set(limit); }

  /// Another limit from now on; counting begins anew.
  void set(const Limit& limit);
  const Limit& limit() const { return limit_; }

  /// Rows that have been appended to a buffer which held `size` before.
  void inserted(Index rows, Index size);
  void sampled(Index rows) { drawn_ += rows; }

  /// How many more rows may be drawn from a buffer of this size, or appended to it; kUnlimited
  /// where nothing limits them.
  Index may_sample(Index size) const;
  Index may_insert(Index size) const;

  void save(ArchiveWriter& archive, const std::string& prefix) const;
  /// Throws UserError, and nothing has changed, for counts that cannot be.
  void load(const ArchiveReader& archive, const std::string& prefix);

 private:
  Limit limit_;
  Index inserted_ = 0, drawn_ = 0;  // since the buffer was large enough
};

}  // namespace palaestra::replay
