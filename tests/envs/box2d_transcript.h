#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/envs/any_batch.h>

/// What tests/golden/make_box2d_transcripts.py recorded, and how to compare with it.
namespace palaestra::testing {

/// The original's draws, one after another.
class RecordedDraws {
 public:
  explicit RecordedDraws(std::vector<double> draws) : draws_(std::move(draws)) {}
  double uniform(double, double) { return next(); }
  Index below(Index) { return static_cast<Index>(next()); }
  std::size_t used() const { return used_; }

 private:
  double next() {
    REQUIRE(used_ < draws_.size());
    return draws_[used_++];
  }
  std::vector<double> draws_;
  std::size_t used_ = 0;
};

/// The recordings of a task: those kept with the tests, or a fresh file that
/// tests/python/test_box2d_oracle.py has just written into the folder PALAESTRA_BOX2D_RECORDINGS.
inline ArchiveReader recordings(const std::string& name) {
  const char* fresh = std::getenv("PALAESTRA_BOX2D_RECORDINGS");
  const std::string folder = fresh != nullptr ? fresh : PALAESTRA_TESTS "/golden/box2d";
  return ArchiveReader(folder + "/" + name + ".safetensors", ArchiveReader::Origin::kForeign);
}

template <class T>
std::vector<T> block(const ArchiveReader& file, const std::string& name) {
  std::vector<T> values(file.block(name).bytes.size() / sizeof(T));
  file.get(name, values);
  return values;
}

/// The largest difference between corresponding numbers; infinite where the counts differ.
template <class A, class B>
double difference(const A& a, const B& b) {
  if (a.size() != b.size()) {
    return HUGE_VAL;
  }
  double worst = 0.0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    worst = std::max(worst, std::abs(static_cast<double>(a[k]) - static_cast<double>(b[k])));
  }
  return worst;
}

/// Probability that two samples of one continuous distribution lie at least as far apart as these
/// (two-sided Kolmogorov-Smirnov, asymptotic with Stephens' correction).
inline double kolmogorov_smirnov(std::vector<double> a, std::vector<double> b) {
  std::ranges::sort(a);
  std::ranges::sort(b);
  const auto n = static_cast<double>(a.size()), m = static_cast<double>(b.size());
  double distance = 0.0;
  for (const auto* sample : {&a, &b}) {
    for (const double x : *sample) {
      const auto below = [x](const std::vector<double>& s) {
        return static_cast<double>(std::ranges::upper_bound(s, x) - s.begin());
      };
      distance = std::max(distance, std::abs(below(a) / n - below(b) / m));
    }
  }
  const double root = std::sqrt(n * m / (n + m));
  const double lambda = (root + 0.12 + 0.11 / root) * distance;
  double tail = 0.0;
  for (int k = 1; k <= 100; ++k) {
    tail += (k % 2 == 1 ? 2.0 : -2.0) * std::exp(-2.0 * k * k * lambda * lambda);
  }
  return lambda < 0.2 ? 1.0 : std::clamp(tail, 0.0, 1.0);
}

/// How an episode ended; the numbers are those in the recordings.
enum class End : Index { kCrashed = 0, kSucceeded = 1, kTruncated = 2 };

struct Episodes {
  std::vector<double> total, length;
  std::vector<double> flight;  // steps until a leg of the lander touches
  std::vector<Index> end;
};

inline Episodes recorded_episodes(const ArchiveReader& file, const std::string& part) {
  Episodes e{.total = block<double>(file, part + ".return"),
             .length = {},
             .flight = {},
             .end = block<Index>(file, part + ".end")};
  for (const Index steps : block<Index>(file, part + ".length")) {
    e.length.push_back(static_cast<double>(steps));
  }
  for (const Index steps : block<Index>(file, part + ".flight")) {
    e.flight.push_back(static_cast<double>(steps));
  }
  return e;
}

/// Runs one episode in each row. `advance(row, t)` takes step t in that row alone: rows whose
/// episode is over stand still.
template <class Advance>
Episodes play(const envs::AnyBatch& batch, Advance&& advance) {
  const auto n = static_cast<std::size_t>(batch.size());
  Episodes e{.total = std::vector<double>(n),
             .length = std::vector<double>(n),
             .flight = std::vector<double>(n),
             .end = std::vector<Index>(n, -1)};
  const envs::BatchColumns& c = batch.columns();
  std::size_t running = n;
  for (Index t = 0; running > 0; ++t) {
    for (std::size_t i = 0; i < n; ++i) {
      if (e.end[i] >= 0) {
        continue;
      }
      advance(i, t);
      if (c.terminated[i] != 0 || c.truncated[i] != 0) {
        const End end = c.terminated[i] == 0    ? End::kTruncated
                        : c.reward[i] == -100.0 ? End::kCrashed
                                                : End::kSucceeded;
        e.total[i] = c.episode_return[i];
        e.length[i] = static_cast<double>(c.episode_length[i]);
        e.end[i] = static_cast<Index>(end);
        --running;
      }
    }
  }
  return e;
}

/// Two samples could be of one distribution: Kolmogorov-Smirnov, p > 0.001.
inline void check_alike(const std::vector<double>& ours, const std::vector<double>& theirs) {
  CHECK(kolmogorov_smirnov(ours, theirs) > 0.001);
}

/// Each kind of end is as frequent in both, within four standard errors.
inline void check_ends(const Episodes& ours, const Episodes& theirs) {
  for (Index end = 0; end < 3; ++end) {
    CAPTURE(end);
    const auto n = static_cast<double>(ours.end.size()), m = static_cast<double>(theirs.end.size());
    const double a = static_cast<double>(std::ranges::count(ours.end, end)) / n;
    const double b = static_cast<double>(std::ranges::count(theirs.end, end)) / m;
    const double both = (a * n + b * m) / (n + m);
    CHECK(std::abs(a - b) <= 4.0 * std::sqrt(both * (1.0 - both) * (1.0 / n + 1.0 / m)) + 1e-12);
  }
}

inline double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + std::ssize(values) / 2);
  return values[values.size() / 2];
}

}  // namespace palaestra::testing
