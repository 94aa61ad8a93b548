#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/agents/doc/learnt.h>
#include <palaestra/agents/doc/transformer/blocks.h>
#include <palaestra/agents/doc/transformer/losses.h>
#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/nn/program.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::doc {

/// The learning half of Dichotomy of Control with transformers: parameters, optimisers and the
/// programs of an update.
///
/// An update is `critic_steps` steps of both critics, each with fresh draws of z on the same
/// windows, then one step of stack, encoder, policy, value and prior. With beta 0 there are no
/// critics to train, and none is.
class SequenceLearner {
 public:
  /// Throws UserError for a setting out of range.
  SequenceLearner(Task task, const SequenceConfig& config, std::uint64_t seed,
                  Threads threads = Threads{1});
  SequenceLearner(const SequenceLearner&) = delete;
  SequenceLearner& operator=(const SequenceLearner&) = delete;

  /// One update from batch_size windows of SequenceConfig::shape() with window_columns(). Throws
  /// UserError for a batch that does not fit (nothing changes), and std::runtime_error when a loss
  /// is not finite: the networks that it belongs to are then as they were.
  void update(const replay::WindowBatch& batch);

  /// Draws of q(z|τ), one per window: [batch_size, latent]. Throws as update().
  void encode(const replay::WindowBatch& batch, Stream& random, std::span<float> z);

  /// Of the last update, in nats but for value_loss (of standardised returns), policy_loss of
  /// numbers (squared standard deviations) and gradient_norm: "policy_loss", "penalty" (what beta
  /// weighs), "value_loss", "prior_kl" (KL(q ‖ p)), "critic_loss", "free_critic_loss" (-log ω,
  /// -log ω0), "information" (their difference: what z tells of outcomes, if both are right),
  /// "gradient_norm".
  std::span<const rollout::Metric> metrics() const { return learnt_.losses.metrics(); }
  Index updates() const { return learnt_.updates; }
  std::uint64_t seed() const { return learnt_.seed; }

  const Task& task() const { return learnt_.task; }
  const SequenceConfig& config() const { return config_; }
  const SequenceNetworks& networks() const { return nets_; }
  std::span<const float> model() const { return learnt_.model.values; }
  std::span<float> model() { return learnt_.model.values; }

  /// load() throws UserError on a mismatch and then leaves everything as it was. The task's scales
  /// and outcomes are part of it.
  void save(ArchiveWriter& archive, std::string_view prefix) const {
    learnt_.save(layouts(), archive, prefix);
  }
  void load(const ArchiveReader& archive, std::string_view prefix) {
    learnt_.load(layouts(), archive, prefix);
    bind();  // programs have the address of the task's numbers
  }

  /// Floating-point operations of an update; multiply-adds count two.
  Index flop() const;
  std::string describe() const;
  void set_profiling(bool on);

 private:
  using Program = nn::Program<float>;
  Layouts layouts() const { return {nets_.model, nets_.critic.layout, nets_.free_critic.layout}; }
  Program compile_encoder() const;
  Program compile_features() const;
  Program compile_critics() const;
  Program compile_model() const;
  void bind();
  bool has_critics() const { return config_.beta > 0; }
  void update_critics(Stream& random);
  void update_model(Stream& random);

  SequenceConfig config_;
  Threads threads_;
  SequenceNetworks nets_;
  Learnt learnt_;
  SequenceBlocks blocks_;
  sequence::Dropout stack_dropout_, encoder_dropout_;

  std::vector<float> mean_, log_std_, noise_;  // of q, [B, latent]
  std::vector<float> features_;                // h of all steps, [B * window, width]

  Program encoder_step_, features_step_, critic_step_, model_step_;
  /// Outputs of the programs; penalty_ is -1 without critics.
  int critic_loss_, free_critic_loss_, total_, policy_, value_, prior_, penalty_;
};

}  // namespace palaestra::agents::doc
