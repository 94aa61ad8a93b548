#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/agents/decision_transformer/networks.h>
#include <palaestra/agents/sequence/window_steps.h>
#include <palaestra/agents/trained_vector.h>
#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/nn/program.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::decision_transformer {

/// The learning half of Decision Transformer (Chen et al. 2021, arXiv 2106.01345): parameters, the
/// optimiser and the program of an update.
class Learner {
 public:
  /// Throws UserError for a setting out of range.
  Learner(doc::Task task, const DecisionTransformerConfig& config, std::uint64_t seed,
          Threads threads = Threads{1});
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  /// One update from 1 to batch_size windows of `context` steps with doc::window_columns();
  /// windows that begin at the drawn row train every length of history alike. Throws UserError for
  /// a batch that does not fit (see sequence::WindowSteps::fill; nothing changes), and
  /// std::runtime_error when the loss is not finite, parameters being as they were.
  void update(const replay::WindowBatch& batch);

  /// Of the last update: "loss" (nats, or squared standard deviations), "gradient_norm",
  /// "learning_rate".
  std::span<const rollout::Metric> metrics() const { return metrics_; }
  static constexpr std::array<std::string_view, 3> kMetricNames = {"loss", "gradient_norm",
                                                                   "learning_rate"};
  Index updates() const { return policy_vector_.adam.updates(); }
  std::uint64_t seed() const { return seed_; }

  const doc::Task& task() const { return task_; }
  const DecisionTransformerConfig& config() const { return config_; }
  const Policy& policy() const { return policy_; }
  std::span<float> vector() { return policy_vector_.values; }
  std::span<const float> vector() const { return policy_vector_.values; }

  /// The return that acting asks for: the setting, or the best of the data.
  double target() const {
    return std::isinf(config_.target_return) ? task_.best_return : config_.target_return;
  }

  /// load() throws UserError on a mismatch and then leaves everything as it was.
  void save(ArchiveWriter& archive, std::string_view prefix) const;
  void load(const ArchiveReader& archive, std::string_view prefix);

  /// Floating-point operations of an update of `windows` windows; multiply-adds count two.
  Index flop(Index windows) const { return step_.flop({&windows, 1}); }
  std::string describe() const { return step_.describe(); }
  void set_profiling(bool on) { step_.set_profiling(on); }

 private:
  nn::Program<float> compile() const;

  DecisionTransformerConfig config_;
  doc::Task task_;
  std::uint64_t seed_;
  Threads threads_;
  Policy policy_;
  TrainedVector policy_vector_;
  std::vector<float> weight_;
  sequence::WindowSteps steps_;
  sequence::Dropout dropout_;
  nn::Program<float> step_;
  int loss_;
  std::array<rollout::Metric, kMetricNames.size()> metrics_;
};

}  // namespace palaestra::agents::decision_transformer
