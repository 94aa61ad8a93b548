#pragma once

#include <memory>
#include <vector>

#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

/// Keeps what the last episodes came to: the queues of Gymnasium's `RecordEpisodeStatistics`. (The
/// return and length of the running episode every batch shows, as `episode_return` and
/// `episode_length`; what is kept is the last value of those.)
///
/// Episodes that end in one step of the batch are noted in row order once all rows are stepped, so
/// rows are coupled: see AnyBatch::couples_rows(). Returns and lengths are shared numbers and
/// saved; times are not, as no two runs agree on them.
struct RecordStatistics {
  Index capacity = 100;  ///< episodes that are kept, 1 or more; Gymnasium's `buffer_length`
};

/// One finished episode.
struct RecordedStatistics {
  double episode_return;
  Index episode_length;
  /// Wall-clock seconds from its reset to its end; NaN where it was restored meanwhile.
  double seconds;
};

/// The spec of the wrapped task. Throws UserError for settings out of range.
EnvSpec wrapped(EnvSpec spec, const RecordStatistics& wrapper);
std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const RecordStatistics& wrapper);

struct EpisodeRecord {
  Index episodes;                        ///< that have ended so far
  std::vector<RecordedStatistics> last;  ///< the last of them, oldest first
};
/// What the outermost RecordStatistics of a batch keeps. Throws UserError for a batch without.
EpisodeRecord recorded_episodes(const AnyBatch& batch);

}  // namespace palaestra::envs
