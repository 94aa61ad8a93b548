#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/agents/discriminator/config.h>
#include <palaestra/agents/discriminator/network.h>
#include <palaestra/agents/discriminator/slopes.h>
#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/nn/optimizer.h>
#include <palaestra/nn/program.h>
#include <palaestra/replay/minibatch.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::discriminator {

/// Tells an expert's transitions from a policy's, and says so as a reward: parameters, optimiser
/// and programs. See docs/agents/discriminators.md.
///
/// Nothing allocates after the first update, reward() and metrics(). Actions are within [-1, 1].
class Learner {
 public:
  /// Throws UserError for a setting out of range.
  Learner(Index observation_size, Index action_size, const DiscriminatorConfig& config,
          std::uint64_t seed, Threads threads = Threads{1});
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  /// One step of Adam on 1 to batch_size rows of each side, equally many. Read are the parts of a
  /// transition that `inputs` names, and the weights: importance weights of either side, times
  /// whatever an expert's row is to count. Throws UserError for batches that do not fit (nothing
  /// changes), std::runtime_error when the loss is not finite (the parameters are then as before).
  void update(const replay::Minibatch& policy, const replay::Minibatch& expert);

  /// The rewards of any number of rows by the present parameters, to `out` [rows]. A row's has the
  /// same bits in any company. Throws UserError for sizes that do not fit.
  void reward(const replay::Minibatch& rows, std::span<float> out);

  /// Of the last update; all but the slopes are of the parameters before its step.
  ///   loss            what was minimised
  ///   expert_score, policy_score   mean f
  ///   divergence, kl_bound         rkl: E_e[w exp(-f)] + E_p[w f], which rises to 1 as the policy
  ///                                becomes the expert, and 1 - that, a lower bound of KL(p || e)
  ///   js_bound        js: a lower bound of the Jensen-Shannon divergence, in nats
  ///   wasserstein     wass: E_e[w f] - E_p[w f]
  ///   penalty         mean squared excess of the slopes, not weighted; 0 without one
  ///   policy_slope_*, expert_slope_*, point_slope_*   |∂f/∂x| at rows of either side and at the
  ///     penalty's points: mean, 95 % quantile (nearest rank), share at most penalty_target.
  ///     Computed when asked for, by the parameters after the step; 0 after load(), until the next
  ///     update.
  std::span<const rollout::Metric> metrics();
  Index updates() const { return updates_; }
  std::uint64_t seed() const { return seed_; }

  const DiscriminatorConfig& config() const { return config_; }
  const Network& network() const { return network_; }
  /// Laid out as the network says.
  std::span<float> vector() { return vector_; }

  /// load() throws UserError on a mismatch and then leaves everything as it was.
  void save(ArchiveWriter& archive, std::string_view prefix) const;
  void load(const ArchiveReader& archive, std::string_view prefix);

  /// Floating-point operations of an update of `rows` rows of each side; multiply-adds count two.
  Index flop(Index rows) const;
  /// The update's program as a table; with shares of time once profiling is on.
  std::string describe() const { return step_.describe(); }
  void set_profiling(bool on) { step_.set_profiling(on); }

 private:
  using Program = nn::Program<float>;

  /// Inputs and outputs of the programs.
  struct Handles {
    int loss = -1, divergence = -1, penalty = -1, expert_score = -1, policy_score = -1;
    int expert_divergence = -1, policy_divergence = -1;
    int first = -1, second = -1, reward = -1;
  };

  Program compile_step() const;
  Program compile_reward() const;
  void bind();
  void check(std::string_view what, const replay::Minibatch& batch) const;
  std::span<const float> second_of(const replay::Minibatch& batch) const;
  void pack(const replay::Minibatch& policy, const replay::Minibatch& expert);
  void draw();
  void draw_points(Index update);

  DiscriminatorConfig config_;
  std::uint64_t seed_;
  Threads threads_;
  Network network_;
  std::vector<float> vector_, gradient_, singular_;
  nn::Adam adam_;
  Program step_, reward_;
  Handles handles_;
  Slopes slopes_;

  Index rows_ = 0;  // of the last update; 0 before one
  std::vector<float> pairs_, expert_weight_, policy_weight_, labels_, mix_, noise_;
  bool slopes_known_ = true;

  Index updates_ = 0;
  std::vector<rollout::Metric> metrics_;
};

}  // namespace palaestra::agents::discriminator
