#pragma once

#include <span>
#include <string>
#include <vector>

#include <palaestra/experiments/experiment.h>
#include <palaestra/experiments/measurement.h>
#include <palaestra/experiments/statistics/bootstrap.h>

namespace palaestra::experiments {

enum class Verdict : unsigned char {
  kPassed,
  kFailed,
  kSupported,     ///< of reported claims: the whole interval is on the right side
  kInconclusive,  ///< the threshold is within the interval
  kNotSupported,
};
std::string_view name_of(Verdict verdict);
std::string_view name_of(GateKind kind);

/// What became of a gate.
struct Judgement {
  Verdict verdict = Verdict::kFailed;
  std::optional<double> measured;    ///< none where the runs do not allow one
  std::optional<Interval> interval;  ///< 95 %, where the statistic has one
  std::vector<Index> seeds;          ///< of the runs that counted
  std::string why;  ///< expected, measured and the seeds, or what is missing; empty: passed

  bool passed() const { return verdict == Verdict::kPassed || verdict == Verdict::kSupported; }
};

/// ">= 0.88", "== 0.5 within 0.05", ">= 0.15, fails at 0".
std::string expectation(const Gate& gate);

/// Whether a gate is judged at this scale.
bool applies(const Gate& gate, Scale scale);

/// Judges a gate by the runs of its arms. Nothing passes for want of runs: an arm that did not run,
/// a failed run, a number that is missing or not finite, fewer seeds than declared is a failure
/// (of a reported claim: inconclusive) that says so.
Judgement judge(const Gate& gate, std::span<const Measurement> runs, Scale scale, Threads threads);

/// Judges those of the gates that apply at this scale, in their order: claims about claims by what
/// became of these. `applying` is left with the ones that were judged.
std::vector<Judgement> judge_all(std::span<const Gate> gates, std::span<const Measurement> runs,
                                 Scale scale, Threads threads, std::vector<Gate>& applying);

/// The exit code that the judgements of an experiment come to: 3 when a hard gate, or with `strict`
/// a provisional one, was missed, else 0.
int exit_code(std::span<const Gate> gates, std::span<const Judgement> judgements, bool strict);

}  // namespace palaestra::experiments
