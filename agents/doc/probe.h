#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <palaestra/agents/doc/learner.h>

namespace palaestra::agents::doc {

/// Asks how much luck a trained encoder's latents carry: fresh critics, ω(o|s,a,z) and ω0(o|s,a),
/// learn while the encoder is held still, and are then compared on windows that they did not see.
/// The critics of the training itself cannot say it: q was made to please them.
///
/// The learner must outlive it. Critics are those of its settings, also where beta is 0.
class Probe {
 public:
  Probe(Learner& learner, std::uint64_t seed, Threads threads = Threads{1});
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  /// One step of both critics. Throws as Learner::update().
  void update(const replay::WindowBatch& batch);
  /// Mean of log ω(o|s,a,z) - log ω0(o|s,a) over the steps of a batch, in nats: at most
  /// I(o; z|s,a) in the mean over batches that the critics have not seen, and that much where both
  /// are right; below 0 where ω has learnt by heart. Contrastive: of the batch's own outcomes.
  double information(const replay::WindowBatch& batch);

 private:
  using Program = nn::Program<float>;

  Program compile(bool free) const;
  double run(bool free);
  void load(const replay::WindowBatch& batch);

  Learner* learner_;
  std::uint64_t seed_;
  Threads threads_;
  Networks nets_;
  WindowBlocks blocks_;
  std::vector<float> critic_, free_critic_, critic_gradient_, free_critic_gradient_;
  nn::Adam critic_adam_, free_critic_adam_;
  std::vector<float> z_;  // [B, latent], 0 behind the windows of the batch
  Program critic_step_, free_critic_step_;
  int critic_output_, free_critic_output_;
  Index calls_ = 0;
};

}  // namespace palaestra::agents::doc
