#include <palaestra/experiments/statistics/bootstrap.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

namespace palaestra::experiments {
namespace {

constexpr Purpose kBootstrapPurpose = purpose("experiments/bootstrap");

void draw_runs(const Scores& from, Stream& random, Scores& to) {
  for (std::size_t task = 0; task < from.size(); ++task) {
    const auto runs = static_cast<Index>(from[task].size());
    for (double& x : to[task]) {
      x = from[task][static_cast<std::size_t>(random.below(runs))];
    }
  }
}

/// Whether redrawing the runs of each task changes nothing: one run, or all alike.
bool constant(const Scores& scores) {
  return std::ranges::all_of(scores, [](const std::vector<double>& runs) {
    return std::ranges::adjacent_find(runs, std::not_equal_to()) == runs.end();
  });
}

/// The interval of statistic(random) over resamples; `make` gives each block of them its work
/// space. Resample r has a stream of its own: no interval depends on the threads. `only`: the value
/// that every resample has, where there is but one.
template <class Make>
Interval percentiles(const BootstrapOptions& options, std::optional<double> only, Make&& make) {
  require(options.resamples >= 100, "a bootstrap of ", options.resamples,
          " resamples; accepted: 100 or more");
  require(options.confidence > 0 && options.confidence < 1, "a confidence of ", options.confidence,
          "; accepted: between 0 and 1");
  if (only) {
    require(std::isfinite(*only), "a statistic of runs is ", *only, "; accepted: finite numbers");
    return {*only, *only};
  }
  std::vector<double> values(static_cast<std::size_t>(options.resamples));
  parallel_for(options.threads, options.resamples, 500, [&](Index begin, Index end, int) {
    auto statistic = make();
    for (Index r = begin; r < end; ++r) {
      Stream random(options.seed, kBootstrapPurpose, static_cast<std::uint64_t>(r));
      const double value = statistic(random);
      require(std::isfinite(value), "a statistic of redrawn runs is ", value,
              "; accepted: finite numbers");
      values[static_cast<std::size_t>(r)] = value;
    }
  });
  const double tail = (1 - options.confidence) / 2;
  std::ranges::sort(values);
  return {quantile(values, tail), quantile(std::move(values), 1 - tail)};
}

}  // namespace

Interval stratified_bootstrap(const Scores& scores,
                              const std::function<double(const Scores&)>& statistic,
                              const BootstrapOptions& options) {
  const double whole = statistic(scores);  // refuses what is no sample before anything is drawn
  return percentiles(options, constant(scores) ? std::optional(whole) : std::nullopt, [&] {
    return [&scores, &statistic, drawn = scores](Stream& random) mutable {
      draw_runs(scores, random, drawn);
      return statistic(drawn);
    };
  });
}

Interval stratified_bootstrap(const Scores& x, const Scores& y,
                              const std::function<double(const Scores&, const Scores&)>& statistic,
                              const BootstrapOptions& options) {
  const double whole = statistic(x, y);
  const bool alike = constant(x) && constant(y);
  return percentiles(options, alike ? std::optional(whole) : std::nullopt, [&] {
    return [&x, &y, &statistic, drawn_x = x, drawn_y = y](Stream& random) mutable {
      draw_runs(x, random, drawn_x);
      draw_runs(y, random, drawn_y);
      return statistic(drawn_x, drawn_y);
    };
  });
}

double quantile(std::vector<double> sample, double q) {
  require(!sample.empty(), "a quantile of no values");
  require(q >= 0 && q <= 1, "quantile ", q, "; accepted: 0 to 1");
  if (!std::ranges::is_sorted(sample)) {
    std::ranges::sort(sample);
  }
  const double place = q * static_cast<double>(sample.size() - 1);
  const double below = std::floor(place);
  const auto i = static_cast<std::size_t>(below);
  const double next = sample[std::min(i + 1, sample.size() - 1)];
  return std::lerp(sample[i], next, place - below);
}

}  // namespace palaestra::experiments
