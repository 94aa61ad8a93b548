#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <palaestra/envs/adapters/wrappers.h>
#include <palaestra/envs/registry.h>
#include <palaestra/rollout/policy.h>

namespace palaestra::rollout {

/// Whole episodes of one policy, in the order of their numbers.
struct Evaluation {
  std::vector<std::uint64_t> seeds;  ///< what reset() was given: replay an episode anywhere
  std::vector<double> returns;       ///< undiscounted
  std::vector<Index> lengths;        ///< steps
  std::vector<double> success;       ///< last value of the info column; empty without one
  std::vector<double> promised;      ///< see RowMemory; empty where nothing is

  double return_mean() const;
  /// Standard deviation of the episodes (divided by their number, as NumPy does).
  double return_std() const;
  double length_mean() const;
  double success_mean() const;
  double promised_mean() const;
  /// Mean of what was promised beyond what came: 0 of a consistent policy, above it of one that
  /// counts on luck.
  double gap() const { return promised_mean() - return_mean(); }
};

/// Runs episodes on environments of its own: row e is episode e, started from seed e and left alone
/// once it ended. The result depends on the policy, the seeds and nothing else.
class Evaluator {
 public:
  /// Throws UserError for an unknown environment or option, wrappers that do not suit it, and for
  /// less than one episode. Statistics of the wrappers stay as they are: see use().
  Evaluator(const std::string& env, const envs::Keywords& options, Index episodes, Threads threads,
            const envs::Wrappers& wrappers = {});

  /// From now on the wrappers normalise with these: OnlineTrainer::statistics(). Throws UserError
  /// where they do not belong to the wrappers.
  void use(std::span<const double> statistics) { batch_->set_shared(statistics); }

  const envs::EnvSpec& spec() const { return batch_->spec(); }

  /// Episode e of evaluation number `number` starts from a seed that is drawn from
  /// (seed, "rollout/evaluation", e, number): never one that training uses. Number 0 is an
  /// evaluation by itself: the seed also draws the step from which it counts, so that noise and
  /// what else an actor addresses by (row, step) is another for another seed. Seed 0 counts from 0,
  /// as evaluations of a run do, whose numbers are its steps: what was learnt meanwhile tells those
  /// apart.
  Evaluation run(Policy& policy, std::uint64_t seed, Index number);

 private:
  void run_rows(Policy& policy, Index first_step, Index begin, Index end, int thread,
                Evaluation& result);
  Index collect_finished(Index begin, Index end, Evaluation& result);

  std::unique_ptr<envs::AnyBatch> batch_;
  Actions actions_;
  std::vector<float> observation_, reward_;
  std::vector<std::uint8_t> done_, begins_;
  Index success_column_ = -1;
};

}  // namespace palaestra::rollout
