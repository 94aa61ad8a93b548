#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <palaestra/agents/doc/kept_windows.h>
#include <palaestra/agents/doc/task.h>
#include <palaestra/core/archive.h>

namespace palaestra::agents::doc {

/// Draws of an encoder, kept with the state in which their window begins: candidates that the
/// encoder really gave to that state, where a Gaussian fitted to all of them has density between
/// them too.
class Bank {
 public:
  Bank() = default;
  /// Latents [n, latent] and the states of their windows, [n, observation size] as the buffer
  /// stores them. Where states are counted the first `most` of each are kept, else all.
  Bank(const Task& task, Index latent, Index most, std::span<const float> states,
       std::span<const float> z);

  /// What find() writes; reused from call to call.
  struct Found {
    std::vector<Index> rows;  ///< of z()
    std::vector<float> key{}, distances{};
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
  static Bank load(const ArchiveReader& archive, std::string_view prefix, const Task& task,
                   Index latent);

 private:
  void sort_by_state();

  Index latent_ = 0, width_ = 0;
  std::vector<float> z_;       // [size, latent]
  std::vector<float> states_;  // [width, size] as networks see them; counted: the number, ascending
};

/// Draws of q(z|τ) for the windows of a batch, [windows, latent].
using Encode =
    std::function<void(const replay::WindowBatch& batch, Stream& random, std::span<float> z)>;

/// Encodes all kept windows, with the draws of (seed, "doc/bank"). Throws what `encode` throws.
Bank fill_bank(const Task& task, Index latent, Index most, const KeptWindows& windows,
               std::uint64_t seed, const Encode& encode);

/// The windows that (seed, "doc/bank") draws for a bank; see KeptWindows.
KeptWindows bank_windows(const replay::Storage& data, const rollout::WindowSampling& sampling,
                         Index windows, Index at_once, std::uint64_t seed);

}  // namespace palaestra::agents::doc
