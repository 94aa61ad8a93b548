#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <palaestra/agents/doc/learner.h>
#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::agents::doc {

/// Draws of the encoder, kept with the state in which their window begins: candidates that the
/// encoder really gave to that state, where a Gaussian fitted to all of them has density between
/// them too.
class Bank {
 public:
  Bank() = default;

  /// Encodes `bank_windows` windows of the buffer (columns as window_columns()), drawn as the
  /// stream of (seed, "doc/bank") has it; where states are counted it keeps the first
  /// `bank_candidates` of each. Throws as Learner::encode().
  static Bank fill(Learner& learner, const replay::WeightedReplayBuffer& buffer,
                   std::uint64_t seed);

  /// What find() writes; reused from call to call.
  struct Found {
    std::vector<Index> rows;  ///< of z()
    std::vector<std::pair<float, Index>> nearest{};
  };
  /// Candidates for a state as the buffer stores it: of the same state where states are counted,
  /// else of the nearest ones (standardised distance; ties to the older); at most `most`, in the
  /// order in which they were drawn. None: the bank does not know the state.
  void find(const Task& task, std::span<const float> state, Index most, Found& found) const;
  std::span<const float> z(Index row) const {
    return std::span(z_).subspan(static_cast<std::size_t>(row * latent_),
                                 static_cast<std::size_t>(latent_));
  }

  Index size() const { return latent_ == 0 ? 0 : std::ssize(z_) / latent_; }

  void save(ArchiveWriter& archive, std::string_view prefix) const;
  /// Throws UserError for a bank of another task or latent.
  static Bank load(const ArchiveReader& archive, std::string_view prefix, const Learner& learner);

 private:
  void sort_by_state();

  Index latent_ = 0, width_ = 0;
  std::vector<float> z_;       // [size, latent]
  std::vector<float> states_;  // [size, width] as networks see them; counted: the number, ascending
};

}  // namespace palaestra::agents::doc
