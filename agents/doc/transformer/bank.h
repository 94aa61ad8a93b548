#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <palaestra/agents/doc/transformer/learner.h>
#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::agents::doc {

/// Draws of the encoder, kept with the state in which their future begins: candidates that the
/// encoder really gave, where a Gaussian fitted to all of them has density between them too.
class SequenceBank {
 public:
  SequenceBank() = default;

  /// Encodes at least `bank_windows` windows of the buffer, as the stream of (seed,
  /// "doc/transformer/bank") draws them. Throws as SequenceLearner::encode().
  static SequenceBank fill(SequenceLearner& learner, const replay::WeightedReplayBuffer& buffer,
                           std::uint64_t seed);

  /// Numbers of the up to `most` entries whose (encoded) states are nearest, ties to the older: of
  /// the same state where states are counted, and none where the bank does not know it.
  void find(std::span<const float> state, bool counted, Index most, std::vector<Index>& out);

  std::span<const float> z(Index entry) const {
    return std::span(z_).subspan(static_cast<std::size_t>(entry * latent_),
                                 static_cast<std::size_t>(latent_));
  }
  Index size() const { return latent_ == 0 ? 0 : std::ssize(z_) / latent_; }

 private:
  Index latent_ = 0, width_ = 0;
  std::vector<float> z_, states_;
  std::vector<std::pair<float, Index>> order_;  // room of find()
};

}  // namespace palaestra::agents::doc
