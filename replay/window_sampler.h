#pragma once

#include <vector>

#include <palaestra/replay/weighted_replay_buffer.h>
#include <palaestra/replay/windows.h>

namespace palaestra::replay {

enum class WindowFit : std::uint8_t {
  kPad,    ///< around any row that the selection draws; what is missing is padding
  kWhole,  ///< each place where a whole window fits alike
};

struct WindowRequest {
  Index windows = 64;
  WindowShape shape = {};
  WindowFit fit = WindowFit::kPad;
  /// How rows are drawn for kPad; `rows`, `n_step` and `discount` are not used.
  SampleRequest choice = {};
};

/// Draws rows around which a whole window fits (`before` rows of the episode before it, the rest
/// from it on), each alike: by drawing among all rows until one fits, and when that fails too often
/// from a table of all episodes, O(episodes). Both have the same law. The probabilities are not
/// counted for that: they are not a number; the weights are 1. Needs a shape in range. Throws
/// UserError when no window fits anywhere; `random` has moved on then.
void draw_whole_windows(const Storage& storage, const EpisodeIndex& episodes, Stream& random,
                        const WindowShape& shape, Draw& out);

/// Draws and copies windows, for sequence and world models.
class WindowSampler {
 public:
  /// Throws as WindowGather.
  WindowSampler(const WeightedReplayBuffer& buffer, std::vector<WindowColumn> columns);

  /// `buffer` has the columns of the one given at first. The batch is valid until the next call.
  /// After the first call of each size nothing allocates. Throws UserError for a request out of
  /// range, an empty buffer, or when no whole window fits; the stream is then where it was.
  const WindowBatch& sample(const WeightedReplayBuffer& buffer, Stream& random,
                            const WindowRequest& request);

 private:
  WindowGather gather_;
  Draw draw_;
  WindowMemory memory_;
  WindowBatch batch_;
};

}  // namespace palaestra::replay
