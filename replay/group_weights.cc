#include <palaestra/replay/group_weights.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include <palaestra/core/error.h>

namespace palaestra::replay {

namespace {

constexpr Index kLongTable = 1 << 16;  // ages beyond this are found by a logarithm
constexpr double kSmallest = 0x1p-60;  // below the spacing of u: no draw is older

}  // namespace

GeometricAges::GeometricAges(double discount) : discount_(discount) {
  require(discount > 0.0 && discount <= 1.0, "replay: the discount of groups is ", discount,
          ", expected above 0 and at most 1");
  log_keep_ = std::log1p(-discount);  // minus infinity for 1
  double mass = 1.0;
  for (Index age = 0; mass > kSmallest && age < kLongTable; ++age) {
    tail_.push_back(mass);
    mass = std::exp(static_cast<double>(age + 1) * log_keep_);
  }
  longest_ = std::ssize(tail_) - 1;
  Index age = 0;
  for (Index cell = 0; cell < static_cast<Index>(kCells); ++cell) {
    const double most = 1.0 - static_cast<double>(cell) / kCells;
    while (age + 1 < std::ssize(tail_) && tail_[static_cast<std::size_t>(age + 1)] >= most) ++age;
    youngest_.push_back(age);
  }
}

/// For draws that reach the end of the table.
Index GeometricAges::age_by_logarithm(double left, Index age, Index oldest) const {
  if (longest_ + 1 < kLongTable) {
    return std::min(age, oldest);  // the table ends where no draw is older
  }
  const double exact = std::floor(std::log(left) / log_keep_);
  return exact < static_cast<double>(oldest) ? static_cast<Index>(exact) : oldest;
}

double GeometricAges::tail_by_exponential(Index age) const {
  return std::exp(static_cast<double>(age) * log_keep_);
}

AliasTable::AliasTable(std::span<const double> weights)
    : keep_(weights.size()), probability_(weights.size()), other_(weights.size()) {
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (!(total > 0.0) || !std::isfinite(total) ||
      std::any_of(weights.begin(), weights.end(), [](double w) { return !(w >= 0.0); })) {
    throw std::logic_error("AliasTable: weights must be finite, not negative, and not all zero");
  }
  const auto n = static_cast<double>(weights.size());
  std::vector<Index> poor, rich;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    probability_[i] = weights[i] / total;
    keep_[i] = probability_[i] * n;
    other_[i] = static_cast<Index>(i);
    (keep_[i] < 1.0 ? poor : rich).push_back(static_cast<Index>(i));
  }
  while (!poor.empty() && !rich.empty()) {
    const auto p = static_cast<std::size_t>(poor.back()), r = static_cast<std::size_t>(rich.back());
    poor.pop_back();
    other_[p] = rich.back();
    keep_[r] -= 1.0 - keep_[p];
    if (keep_[r] < 1.0) {
      poor.push_back(rich.back());
      rich.pop_back();
    }
  }
  // what is left differs from 1 by rounding alone, but a weight of zero must never be drawn
  const auto largest = std::max_element(weights.begin(), weights.end()) - weights.begin();
  for (const std::vector<Index>* rest : {&poor, &rich}) {
    for (const Index i : *rest) {
      const bool never = weights[static_cast<std::size_t>(i)] == 0.0;
      keep_[static_cast<std::size_t>(i)] = never ? 0.0 : 1.0;
      if (never) other_[static_cast<std::size_t>(i)] = static_cast<Index>(largest);
    }
  }
}

}  // namespace palaestra::replay
