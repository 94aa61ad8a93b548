#pragma once

#include <optional>

#include <palaestra/replay/gather.h>
#include <palaestra/replay/groups.h>
#include <palaestra/replay/sum_tree.h>

namespace palaestra::replay {

struct BufferOptions {
  Index capacity = 1'000'000;      ///< rows; rounded down to a multiple of the lanes
  Index lanes = 1;                 ///< rows of the collector's batch
  bool priorities = false;         ///< keep a priority per row
  double priority_exponent = 0.6;  ///< alpha in [0, 1]: a row's weight is priority^alpha
  GroupWeights groups = {};        ///< how groups of rows share the draws of Selection::kGroup
  Threads threads{1};              ///< that copy large minibatches
};

enum class Selection : std::uint8_t {
  kUniform,   ///< every row alike
  kPriority,  ///< in proportion to priority^alpha (Schaul et al. 2016, arXiv 1511.05952)
  kGroup,     ///< a closed group by its weight, then each of its rows alike
};

/// What the largest importance weight, which becomes 1, is taken over.
enum class WeightScale : std::uint8_t {
  kBuffer,  ///< all rows: a row's weight does not depend on its company
  kBatch,   ///< the rows drawn
  kNone,    ///< unscaled: (N p)^-beta
};

struct SampleRequest {
  Index rows = 256;
  Selection selection = Selection::kUniform;
  Index n_step = 1;                  ///< rewards per row, see TransitionGather
  double discount = 0.99;            ///< gamma in [0, 1]
  double importance_exponent = 0.4;  ///< beta >= 0 of kPriority: weights (N p)^-beta
  WeightScale scale = WeightScale::kBuffer;
  /// One draw from each of `rows` equal slices of the total: less variance, but then a part of the
  /// minibatch is no fair sample by itself.
  bool stratified = false;
};

/// The replay buffer of every agent: rows in rings (Storage) and ways to choose among them.
///
/// Draws depend on the stream and the contents alone, never on the number of threads. After the
/// first calls of each size nothing allocates.
class WeightedReplayBuffer {
 public:
  /// Throws UserError for bad columns (see Storage) or options out of range.
  WeightedReplayBuffer(std::vector<ColumnSpec> columns, BufferOptions options);

  /// Row i of the steps becomes the newest row of lane i. `priority` is empty, [rows], finite and
  /// not negative; without it a new row gets the largest priority ever given (at first 1), so that
  /// it is seen soon. Throws UserError, and nothing was appended; see Storage::append().
  void append(const Steps& steps, std::span<const float> priority = {});
  /// Consecutive rows of one lane: recorded episodes.
  void extend(Index lane, const Steps& steps, std::span<const float> priority = {});
  /// Ends a lane's running episode as a truncation; see Storage::cut().
  void cut(Index lane);

  /// Rows appended between the two belong to a group of their own, such as the rollouts of one
  /// policy; see Groups. begin_group() returns the id.
  Index begin_group(Index tag = 0) { return groups_.begin(storage_, tag); }
  void end_group() { groups_.end(storage_); }
  void drop_group(Index id) { groups_.drop(id); }
  void set_group_weights(const GroupWeights& weights) { groups_.set_weights(weights); }
  void set_group_weights(std::span<const double> weights) { groups_.set_weights(weights); }
  const Groups& groups() const { return groups_; }

  /// Draws with replacement and copies. The minibatch is valid until the next call. Throws
  /// UserError for an empty buffer, priorities that are all zero, or a request out of range; the
  /// stream is then where it was.
  const Minibatch& sample(Stream& random, const SampleRequest& request);
  /// The two halves of sample(), on memory of the caller: safe from several threads at once.
  void draw(Stream& random, const SampleRequest& request, Draw& out) const;
  void gather(const Draw& draw, const SampleRequest& request, MinibatchMemory& out) const;

  /// Gives rows their priorities, finite and not negative; zero means never. Rows that have been
  /// evicted are left alone; returns how many. Of a repeated row the last priority stays. Throws
  /// UserError, and nothing is changed, for a length, number or id that is wrong.
  Index update_priorities(std::span<const RowId> ids, std::span<const float> priorities);
  /// The weight priority^alpha of a stored row, and the sum over all rows.
  float weight(RowId id) const;
  double total_weight() const { return tree_.total(); }
  float largest_priority() const { return largest_priority_; }

  Index size() const { return storage_.size(); }
  Index capacity() const { return storage_.capacity(); }
  const Storage& storage() const { return storage_; }
  const BufferOptions& options() const { return options_; }

  /// Contents, positions and priorities: a loaded buffer draws the same rows. Large blocks go by
  /// reference: the buffer must stay as it is until the archive is written. load() needs the same
  /// columns and options; it throws UserError and leaves the buffer as it was otherwise.
  void save(ArchiveWriter& archive, std::string_view prefix) const;
  void load(const ArchiveReader& archive, std::string_view prefix);

 private:
  float tree_weight(float priority) const;
  void check_priorities(std::span<const float> priority, Index rows, std::string_view caller,
                        std::string_view outcome) const;
  void require_transitions() const;
  void follow_changes(const Steps& steps, std::span<const float> priority, bool one_lane,
                      Index lane);
  void draw_by_priority(Stream& random, const SampleRequest& request, Draw& out) const;

  BufferOptions options_;
  Storage storage_;
  std::optional<TransitionGather> gather_;  // absent where the columns are no transitions
  Groups groups_;
  SumTree tree_;                      // one item per slot; empty without priorities
  std::vector<float> newest_weight_;  // per lane: for a row that cannot be drawn yet
  float largest_priority_ = 1.0f;

  Draw draw_;
  MinibatchMemory memory_;
  Minibatch minibatch_;
  std::vector<Index> changed_slots_;
  std::vector<float> changed_weights_;
};

}  // namespace palaestra::replay
