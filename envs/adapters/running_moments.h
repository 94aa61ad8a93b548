#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include <palaestra/core/space.h>

namespace palaestra::envs {

/// Mean and variance of all vectors seen so far, element by element, with Gymnasium's formulas
/// (`RunningMeanStd`): batches are merged by the parallel algorithm of Chan et al., and before the
/// first there are 1e-4 vectors of mean 0 and variance 1. In double; vectors are summed in the
/// order in which they are given.
class RunningMoments {
 public:
  explicit RunningMoments(Index width);

  /// Merges one batch: rows[r] points to `width` numbers of `dtype` (float32, float64 or uint8). No
  /// rows change nothing.
  void update(DType dtype, std::span<const std::byte* const> rows);
  /// The same for single numbers (width 1).
  void update(std::span<const double> values);

  double count() const { return numbers_[0]; }
  std::span<const double> mean() const { return std::span(numbers_).subspan(1, width_); }
  std::span<const double> variance() const { return std::span(numbers_).subspan(1 + width_); }
  /// All of it: count, means, variances.
  std::span<double> numbers() { return numbers_; }
  /// Throws UserError, naming `who`, for numbers that are none: not finite, or a negative count or
  /// variance.
  static void check(std::string_view who, std::span<const double> numbers);

 private:
  template <class T>
  void update_from(std::span<const std::byte* const> rows);
  void merge(double batch_count);

  std::size_t width_;
  std::vector<double> numbers_;
  std::vector<double> batch_mean_, batch_variance_;
};

}  // namespace palaestra::envs
