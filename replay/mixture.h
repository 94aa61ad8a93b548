#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/replay/quotas.h>
#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::replay {

/// One of the buffers that are mixed. It belongs to somebody else and outlives the mixture.
struct MixtureSource {
  std::string name;  ///< in messages and archives
  WeightedReplayBuffer* buffer = nullptr;
  Share share = 1.0;
  SampleRequest request = {};  ///< how its rows are drawn and folded; `rows` is not used
};

/// A minibatch whose rows come from several buffers.
struct MixtureBatch {
  Minibatch minibatch;                   ///< `index`, `weight`, `probability`: of the row's source
  std::span<const std::int32_t> source;  ///< [rows] which buffer, in the order they were given
};

/// The k-th of `of` parts; see part(const Minibatch&, ...).
MixtureBatch part(const MixtureBatch& batch, Index k, Index of);

/// Draws minibatches from several buffers in exact proportion: demonstrations and own experience,
/// half and half, or a ratio that goes over from one to the other. Fractions of a row are carried
/// over to the next minibatch, and the sources are interleaved, see Quotas: parts of a large
/// minibatch keep the proportion.
///
/// Draws depend on the stream, the contents and what was carried over. After the first calls of
/// each size nothing allocates.
class Mixture {
 public:
  /// Throws UserError for no sources, a repeated or empty name, buffers without transitions or of
  /// different widths, and shares outside [0, 1] or that do not add up to 1 at every step.
  explicit Mixture(std::vector<MixtureSource> sources);

  /// `step` is what the shares depend on, 0 or more. The batch is valid until the next call. Throws
  /// UserError for rows out of range, or if a source that has to give rows is empty or cannot serve
  /// its request; stream and mixture are then where they were.
  const MixtureBatch& sample(Stream& random, Index rows, Index step = 0);

  /// Gives the rows of a batch, or of a part of it, new priorities: those of sources that keep none
  /// are left out. Returns how many rows had been evicted. Throws UserError, and nothing is
  /// changed, for lengths, numbers or ids that are wrong.
  Index update_priorities(const MixtureBatch& batch, std::span<const float> priorities);

  Index size() const { return std::ssize(sources_); }
  const MixtureSource& source(Index k) const { return sources_[static_cast<std::size_t>(k)]; }
  const Quotas& quotas() const { return quotas_; }

  /// What is carried over; the buffers are saved by whoever owns them. load() needs the same
  /// sources; it throws UserError and leaves the mixture as it was otherwise.
  void save(ArchiveWriter& archive, std::string_view prefix) const;
  void load(const ArchiveReader& archive, std::string_view prefix);

 private:
  /// A source's part of a minibatch.
  struct Part {
    TransitionGather gather;
    Draw draw;
    std::vector<Index> to;  // rows of the minibatch
    std::vector<RowId> id;  // of an update
    std::vector<float> priority;
  };

  void resize(Index rows);
  void draw(Stream& random);
  void require_update(const MixtureBatch& batch, std::span<const float> priorities) const;

  std::vector<MixtureSource> sources_;
  std::vector<Part> parts_;
  Quotas quotas_, next_quotas_;
  std::vector<double> share_;
  std::vector<std::int32_t> source_;
  Draw merged_;
  MinibatchMemory memory_;
  MixtureBatch batch_;
};

}  // namespace palaestra::replay
