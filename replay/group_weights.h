#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/core/types.h>

namespace palaestra::replay {

/// How much of all draws each group gets. Groups are counted by age: 0 is the newest.
struct GroupWeights {
  enum class Kind : unsigned char {
    kEqual,      ///< each group alike
    kGeometric,  ///< discount (1 - discount)^age; the oldest group carries the rest
    kGiven,      ///< as Groups::set_weights() said
  };
  /// What becomes of the mass of a group that is evicted, for kGeometric.
  enum class Eviction : unsigned char {
    kInherit,      ///< the next oldest takes it over: the closed form stays exact, in O(1)
    kRenormalise,  ///< all survivors are scaled up alike; O(groups) per group
  };
  Kind kind = Kind::kEqual;
  double discount = 0.05;  ///< alpha in (0, 1] of AILBoost (arXiv 2404.08513); 1: the newest only
  Eviction eviction = Eviction::kInherit;
};

/// Ages with probability a (1 - a)^age, clamped to the oldest by the caller, which gives the oldest
/// its rest of the mass. One number in [0, 1) per draw; no state depends on the number of groups.
class GeometricAges {
 public:
  GeometricAges() = default;
  /// Throws UserError unless 0 < discount <= 1.
  explicit GeometricAges(double discount);

  /// floor(ln(1 - u) / ln(1 - a)), at most `oldest`.
  Index age(double u, Index oldest) const {
    const double left = 1.0 - u;
    Index age = youngest_[static_cast<std::size_t>(u * kCells)];
    const Index last = std::min(oldest, longest_);
    while (age < last && tail_[static_cast<std::size_t>(age + 1)] >= left) ++age;
    return age < longest_ ? std::min(age, oldest) : age_by_logarithm(left, age, oldest);
  }
  /// Of one age among ages 0 to oldest, after clamping.
  double probability(Index age, Index oldest) const {
    const double as_old_or_older =
        age <= longest_ ? tail_[static_cast<std::size_t>(age)] : tail_by_exponential(age);
    return age < oldest ? discount_ * as_old_or_older : as_old_or_older;
  }

 private:
  static constexpr double kCells = 4096;  // of the guide

  Index age_by_logarithm(double left, Index age, Index oldest) const;
  double tail_by_exponential(Index age) const;

  double discount_ = 1;
  double log_keep_ = 0;          // ln(1 - a)
  Index longest_ = 0;            // age at the end of the table
  std::vector<double> tail_;     // (1 - a)^age: at least this much mass is as old or older
  std::vector<Index> youngest_;  // of the u of each of equal cells: where a search begins
};

/// Draws of an index in proportion to fixed weights, O(1) each (Walker 1977, Vose 1991).
class AliasTable {
 public:
  AliasTable() = default;
  /// Weights finite, not negative and not all zero; std::logic_error otherwise. O(n).
  explicit AliasTable(std::span<const double> weights);

  Index size() const { return static_cast<Index>(keep_.size()); }
  /// u in [0, 1).
  Index draw(double u) const {
    const double scaled = u * static_cast<double>(keep_.size());
    const auto i = std::min(static_cast<std::size_t>(scaled), keep_.size() - 1);
    return scaled - static_cast<double>(i) < keep_[i] ? static_cast<Index>(i) : other_[i];
  }
  double probability(Index i) const { return probability_[static_cast<std::size_t>(i)]; }

 private:
  std::vector<double> keep_, probability_;
  std::vector<Index> other_;
};

}  // namespace palaestra::replay
