#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <palaestra/experiments/statistics/comparison.h>

namespace palaestra::experiments {
namespace {

constexpr Purpose kPermutationPurpose = purpose("experiments/permutation");

/// Counts arrangements at least as extreme as the observed one, to either side.
class Tails {
 public:
  Tails(double observed, double scale)
      // sums of the same numbers in another order differ in the last bits
      : observed_(observed), slack_(1e-12 * scale) {}

  void add(double value) {
    above_ += value >= observed_ - slack_;
    below_ += value <= observed_ + slack_;
    all_ += 1;
  }
  double p() const {
    return std::min(1.0,
                    2 * static_cast<double>(std::min(above_, below_)) / static_cast<double>(all_));
  }

 private:
  double observed_, slack_;
  Index above_ = 0, below_ = 0, all_ = 0;
};

void require_options(const PermutationOptions& options) {
  require(options.resamples >= 100, "a permutation test of ", options.resamples,
          " resamples; accepted: 100 or more");
  require(options.most_exact >= 0 && options.most_exact <= 100'000'000,
          "most_exact of a permutation test is ", options.most_exact,
          "; accepted: 0 to 100,000,000");
}

/// n over k, or `most` + 1 where it is more than `most`.
Index choose(Index n, Index k, Index most) {
  double ways = 1;
  for (Index i = 1; i <= k; ++i) {
    ways = ways * static_cast<double>(n - k + i) / static_cast<double>(i);
    if (ways > static_cast<double>(most)) {
      return most + 1;
    }
  }
  return static_cast<Index>(std::llround(ways));
}

/// Moves on to the next set of chosen.size() of n numbers, in lexicographic order; false at the
/// end.
bool next_choice(std::vector<std::size_t>& chosen, std::size_t n) {
  const std::size_t k = chosen.size();
  for (std::size_t i = k; i-- > 0;) {
    if (chosen[i] < n - k + i) {
      ++chosen[i];
      for (std::size_t j = i + 1; j < k; ++j) {
        chosen[j] = chosen[j - 1] + 1;
      }
      return true;
    }
  }
  return false;
}

double magnitude(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0,
                         [](double sum, double x) { return sum + std::abs(x); });
}

}  // namespace

PermutationTest permutation(std::span<const double> x, std::span<const double> y,
                            const PermutationOptions& options) {
  require_options(options);
  const double difference = mean(x) - mean(y);
  std::vector<double> pool(x.begin(), x.end());
  pool.insert(pool.end(), y.begin(), y.end());
  const double total = std::accumulate(pool.begin(), pool.end(), 0.0);
  const auto n = static_cast<double>(x.size()), m = static_cast<double>(y.size());
  const auto difference_of = [&](double sum) { return sum / n - (total - sum) / m; };
  Tails tails(difference, magnitude(pool));

  const bool exact =
      choose(std::ssize(pool), std::ssize(x), options.most_exact) <= options.most_exact;
  if (exact) {
    std::vector<std::size_t> chosen(x.size());
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
    do {
      double sum = 0;
      for (const std::size_t i : chosen) {
        sum += pool[i];
      }
      tails.add(difference_of(sum));
    } while (next_choice(chosen, pool.size()));
  } else {
    tails.add(difference);
    Stream random(options.seed, kPermutationPurpose);
    for (Index r = 0; r < options.resamples; ++r) {
      double sum = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {  // the first x.size() places of a shuffle
        const auto other =
            i + static_cast<std::size_t>(random.below(static_cast<Index>(pool.size() - i)));
        std::swap(pool[i], pool[other]);
        sum += pool[i];
      }
      tails.add(difference_of(sum));
    }
  }
  return {difference, tails.p(), exact};
}

PermutationTest paired_permutation(std::span<const double> x, std::span<const double> y,
                                   const PermutationOptions& options) {
  require_options(options);
  require(x.size() == y.size(), "paired samples of ", x.size(), " and ", y.size(), " values");
  std::vector<double> d(x.size());
  for (std::size_t i = 0; i < d.size(); ++i) {
    d[i] = x[i] - y[i];
  }
  const double difference = mean(d);
  const auto n = static_cast<double>(d.size());
  Tails tails(difference, magnitude(d) / n);
  const auto add = [&](auto negative) {
    double sum = 0;
    for (std::size_t i = 0; i < d.size(); ++i) {
      sum += negative(i) ? -d[i] : d[i];
    }
    tails.add(sum / n);
  };

  const bool exact = d.size() < 27 && Index{1} << d.size() <= options.most_exact;
  if (exact) {
    for (std::uint64_t signs = 0; signs < std::uint64_t{1} << d.size(); ++signs) {
      add([&](std::size_t i) { return (signs >> i & 1) != 0; });
    }
  } else {
    tails.add(difference);
    Stream random(options.seed, kPermutationPurpose, 1);
    for (Index r = 0; r < options.resamples; ++r) {
      add([&](std::size_t) { return (random.bits32() & 1) != 0; });
    }
  }
  return {difference, tails.p(), exact};
}

}  // namespace palaestra::experiments
