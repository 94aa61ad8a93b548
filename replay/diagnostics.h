#pragma once

#include <span>
#include <vector>

#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::replay {

/// (sum w)^2 / sum w^2: as many equal weights would average as well. 0 where all are zero. Throws
/// UserError for weights that are negative or not finite.
double effective_sample_size(std::span<const float> weights);
double effective_sample_size(std::span<const double> weights);

/// How many of the drawn rows are of each closed group, oldest first; at the back, of none.
std::vector<Index> group_histogram(const WeightedReplayBuffer& buffer, std::span<const RowId> rows);

/// How long ago rows were appended, in rows of their lane that came since.
struct AgeSummary {
  Index youngest = 0, oldest = 0;
  double mean = 0, median = 0;
  /// Rows by age relative to the oldest row that is stored in their lane: ten equal parts, young to
  /// old. Even where draws are uniform.
  std::vector<Index> tenths = std::vector<Index>(10);
};
/// Of drawn rows. Throws UserError for none, or a row that is not stored.
AgeSummary age_summary(const WeightedReplayBuffer& buffer, std::span<const RowId> rows);

/// The weights of the stored rows: priority^alpha, or priorities where they are ranked.
struct PrioritySummary {
  Index rows = 0;                   ///< that can be drawn at all
  Index never = 0;                  ///< of which with weight zero
  float smallest = 0, largest = 0;  ///< of the positive ones
  double mean = 0;                  ///< of all
  double effective_rows = 0;        ///< effective_sample_size() of all
};
/// O(rows). Throws UserError for a buffer without priorities.
PrioritySummary priority_summary(const WeightedReplayBuffer& buffer);

}  // namespace palaestra::replay
