#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/agents/doc/config.h>
#include <palaestra/agents/doc/learnt.h>
#include <palaestra/agents/doc/networks.h>
#include <palaestra/agents/doc/task.h>
#include <palaestra/agents/doc/window_blocks.h>
#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/nn/program.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::doc {

/// The learning half of Dichotomy of Control: parameters, optimisers and the programs of an update.
///
/// An update is `critic_steps` steps of the critic, each with fresh draws of z on the same windows,
/// one step of the critic without z, then one step of encoder, policy, value and prior together.
/// With beta 0 there are no critics to train, and none is.
class Learner {
 public:
  /// Throws UserError for a setting out of range.
  Learner(Task task, const DocConfig& config, std::uint64_t seed, Threads threads = Threads{1});
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  /// One update from 1 to batch_size windows of `window` steps with window_columns(). Throws
  /// UserError for a batch that does not fit (see WindowBlocks::fill; nothing changes), and
  /// std::runtime_error when a loss is not finite: the network that it belongs to is then as it was
  /// before this update.
  void update(const replay::WindowBatch& batch);

  /// Draws of q(z|τ), one per window of the batch: [windows, latent]. Throws as update().
  void encode(const replay::WindowBatch& batch, Stream& random, std::span<float> z);

  /// Losses of the last update. All in nats, but for value_loss (of standardised returns) and
  /// gradient_norm.
  ///   policy_loss  -log π;  penalty  the term that β weighs;  value_loss;  prior_kl  KL(q ‖ p)
  ///   critic_loss, free_critic_loss  -log ω, -log ω0 (contrastive: minus the brackets)
  ///   information  free_critic_loss - critic_loss: what z tells of outcomes, if both are right
  std::span<const rollout::Metric> metrics() const { return learnt_.losses.metrics(); }
  Index updates() const { return learnt_.updates; }
  std::uint64_t seed() const { return learnt_.seed; }

  const Task& task() const { return learnt_.task; }
  const DocConfig& config() const { return config_; }
  const Networks& networks() const { return nets_; }
  std::span<const float> model() const { return learnt_.model.values; }
  std::span<float> model() { return learnt_.model.values; }

  /// load() throws UserError on a mismatch and then leaves everything as it was. The task's scales
  /// and outcomes are part of it.
  void save(ArchiveWriter& archive, std::string_view prefix) const {
    learnt_.save(layouts(), archive, prefix);
  }
  void load(const ArchiveReader& archive, std::string_view prefix) {
    learnt_.load(layouts(), archive, prefix);
  }

  /// Floating-point operations of an update; multiply-adds count two.
  Index flop() const;
  std::string describe() const;
  void set_profiling(bool on);

 private:
  using Program = nn::Program<float>;
  /// Outputs of the programs.
  struct Handles {
    int critic = -1, free_critic = -1, total = -1, policy = -1, value = -1, prior = -1,
        penalty = -1;
  };

  Layouts layouts() const { return {nets_.model, nets_.critic.layout, nets_.free_critic.layout}; }
  Program compile_encoder() const;
  Program compile_critic() const;
  Program compile_free_critic() const;
  Program compile_model() const;
  void bind();
  void update_critics();
  void update_model();

  DocConfig config_;
  Threads threads_;
  Networks nets_;
  Learnt learnt_;
  WindowBlocks blocks_;
  std::vector<float> mean_, deviation_, noise_;  // of q, [B, latent]

  Program encoder_step_, critic_step_, free_critic_step_, model_step_;
  Handles handles_;
};

}  // namespace palaestra::agents::doc
