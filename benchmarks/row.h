#pragma once

#include <functional>
#include <string>
#include <vector>

#include <palaestra/benchmarks/wanted.h>
#include <palaestra/core/types.h>

namespace palaestra::benchmarks {

/// One line of `palaestra bench`: our figure, a peer's beside it in the same run, and the physical
/// or library limit where there is one. Zero means "not measured" for the optional figures.
struct Row {
  std::string name;  ///< "envs/CartPole-v1/step"
  double value = 0;  ///< ours, in `unit`
  std::string unit;  ///< "steps/s", "us", "GFLOP/s", "updates/s"
  bool higher_is_better = true;
  int threads = 1;
  Index n = 1;            ///< batch size
  std::string peer = {};  ///< "envpool", "stable-baselines3", ...; empty without one
  std::string peer_version = {};
  double peer_value = 0;
  double limit = 0;             ///< the bound this is measured against, same unit
  std::string limit_name = {};  ///< "bare mj_step loop", "sgemm (oneDNN)"

  /// Whether both are about the same thing: name, n and threads.
  bool same(const Row& other) const {
    return name == other.name && n == other.n && threads == other.threads;
  }
  /// How many times better than the peer; above 1 is better whatever the direction of the unit.
  double ratio() const;
  /// Share of the limit reached, 1 = at the limit.
  double share_of_limit() const;
};

/// CPU seconds of the calling thread.
double thread_cpu_seconds();
/// CPU seconds of the whole process.
double process_cpu_seconds();

/// A thing to time: `burst` does `work` units (steps, updates, samples) each call.
struct Contender {
  std::string name;
  double work;
  std::function<void()> burst;
};

/// Runs the contenders in turn, A B C A B C ..., `rounds` times after `warmup` uncounted rounds,
/// and returns for each the median CPU seconds per unit of work. Interleaving makes the ratios hold
/// when the speed of a shared machine drifts.
std::vector<double> interleave(const std::vector<Contender>& contenders, int rounds = 15,
                               int warmup = 2);

/// A named family of rows: `palaestra bench envs`. Runs only what does not need Python, at least
/// the rows that are wanted.
struct Family {
  std::string name;
  std::string summary;
  std::function<std::vector<Row>(const Wanted&)> run;
};

}  // namespace palaestra::benchmarks
