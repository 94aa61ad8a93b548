#pragma once

#include <filesystem>
#include <optional>

#include <palaestra/replay/gather.h>
#include <palaestra/replay/groups.h>
#include <palaestra/replay/limiter.h>
#include <palaestra/replay/priority_table.h>
#include <palaestra/replay/removal_queue.h>

namespace palaestra::replay {

/// Which row makes room for a new one in a full buffer. Pinned rows never do.
enum class Removal : std::uint8_t {
  kOldest,          ///< of the new row's lane
  kLowestPriority,  ///< of all, the oldest of equal ones
};

struct BufferOptions {
  Index capacity = 1'000'000;       ///< rows; rounded down to a multiple of the lanes
  Index lanes = 1;                  ///< rows of the collector's batch
  Index tail = 0;                   ///< more rows, for those between mark() and roll_back()
  Index pinned = 0;                 ///< more rows, for those that are never evicted: pin()
  std::filesystem::path file = {};  ///< keeps the rows in this new file, see Room; empty: in memory
  PriorityKind priorities = PriorityKind::kNone;
  double priority_exponent = 0.6;  ///< alpha in [0, 1]
  GroupWeights groups = {};        ///< how groups of rows share the draws
  /// kLowestPriority needs priorities and rows that stand alone: it does without episodes, groups,
  /// a tail and n-step returns, and takes twice the memory for states and 150 bytes more per row.
  Removal removal = Removal::kOldest;
  Threads threads{1};  ///< that copy large minibatches
};

enum class Selection : std::uint8_t {
  kUniform,        ///< every row alike
  kRecent,         ///< the newest rows of each lane alike, see draw_recent()
  kEpisode,        ///< an episode, each alike, then each of its rows alike
  kPriority,       ///< by priority, see PriorityKind
  kGroup,          ///< a closed group by its weight, then each of its rows alike
  kGroupPriority,  ///< a closed group by its weight, then in it in proportion to priority^alpha
  kGroupEpisode,   ///< a closed group by its weight, then as kEpisode among its rows
};

struct SampleRequest {
  Index rows = 256;
  Selection selection = Selection::kUniform;
  Index recent = 10'000;             ///< rows of kRecent, over all lanes
  Index n_step = 1;                  ///< rewards per row, see TransitionGather
  double discount = 0.99;            ///< gamma in [0, 1]
  double importance_exponent = 0.4;  ///< beta >= 0 of kPriority and kGroupPriority
  WeightScale scale = WeightScale::kBuffer;
  /// kPriority: one draw from each of `rows` equal slices of the total. Less variance, but then a
  /// part of the minibatch is no fair sample by itself.
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

  /// Row i of the steps becomes the newest row of lane i. `priority` is empty or [rows], finite and
  /// not negative, see PriorityTable::follow(). Throws UserError, and nothing was appended; see
  /// Storage::append().
  void append(const Steps& steps, std::span<const float> priority = {});
  /// Consecutive rows of one lane: recorded episodes. Where any row may be removed first, `next` is
  /// needed, and the rows are no continuation of those before.
  void extend(Index lane, const Steps& steps, std::span<const float> priority = {});
  /// Consecutive rows that are never evicted: demonstrations. Throws UserError, and nothing was
  /// appended, when they are more than BufferOptions::pinned has room for.
  void pin(const Steps& steps, std::span<const float> priority = {});
  /// Ends a lane's running episode as a truncation; see Storage::cut().
  void cut(Index lane);
  /// Forgets the oldest rows of a lane; see Storage::evict_oldest().
  void evict_oldest(Index lane, Index rows);
  /// What is appended from here on is forgotten by roll_back(), and evicts none of the rows before.
  /// Both cut the running episodes. See Storage::mark().
  void mark();
  void roll_back();

  /// Rows appended between the two belong to a group of their own, such as the rollouts of one
  /// policy; see Groups. begin_group() returns the id.
  Index begin_group(Index tag = 0);
  void end_group() { groups_.end(storage_, episodes_); }
  void drop_group(Index id) { groups_.drop(id); }
  void set_group_weights(const GroupWeights& weights) { groups_.set_weights(weights); }
  void set_group_weights(std::span<const double> weights) { groups_.set_weights(weights); }
  const Groups& groups() const { return groups_; }

  /// Refuses from now on what would take drawing and appending too far apart: sample() throws
  /// UserError for more rows than may_sample(), append(), extend() and pin() for more than
  /// may_insert(). Rows of draw() count only if count_samples() is told.
  void set_limit(const Limit& limit) { limiter_.set(limit); }
  void count_samples(Index rows) { limiter_.sampled(rows); }
  Index may_sample() const { return limiter_.may_sample(size()); }
  Index may_insert() const { return limiter_.may_insert(size()); }

  /// Draws with replacement and copies; the importance weights are 1 unless drawn by priority. The
  /// minibatch is valid until the next call. Throws UserError for an empty buffer, priorities that
  /// are all zero, or a request out of range; the stream is then where it was.
  const Minibatch& sample(Stream& random, const SampleRequest& request);
  /// The two halves of sample(), on memory of the caller: safe from several threads at once.
  void draw(Stream& random, const SampleRequest& request, Draw& out) const;
  void gather(const Draw& draw, const SampleRequest& request, MinibatchMemory& out) const;

  /// Gives rows their priorities, finite and not negative; zero means never. Rows that have been
  /// evicted are left alone; returns how many. Of a repeated row the last priority stays. Throws
  /// UserError, and nothing is changed, for a length, number or id that is wrong.
  Index update_priorities(std::span<const RowId> ids, std::span<const float> priorities);
  /// The weight of a stored row: priority^alpha, or its priority where they are ranked.
  float weight(RowId id) const;
  const PriorityTable& priorities() const { return priorities_; }

  /// Overwrites a column of stored rows; see Storage::write().
  void write(std::string_view column, std::span<const RowId> ids, const Values& values) {
    storage_.write(column, ids, values);
  }

  Index size() const { return storage_.size(); }
  Index capacity() const { return storage_.capacity(); }
  const Storage& storage() const { return storage_; }
  const EpisodeIndex& episodes() const { return episodes_; }
  const BufferOptions& options() const { return options_; }

  /// Contents, positions and priorities: a loaded buffer draws the same rows. Large blocks go by
  /// reference: the buffer must stay as it is until the archive is written. load() needs the same
  /// columns and options; it throws UserError and leaves the buffer as it was otherwise.
  void save(ArchiveWriter& archive, std::string_view prefix) const;
  void load(const ArchiveReader& archive, std::string_view prefix);

 private:
  void require_request(const SampleRequest& request) const;
  void require_append(std::span<const float> priority, Index rows, std::string_view caller) const;
  void require_neighbours(std::string_view caller) const;
  void require_transitions() const;
  void follow();
  void follow(std::span<const float> priority, Index rows, Index lane, bool one_lane);
  Storage checked_rows(const Steps& steps, std::string_view caller) const;
  void adopt(const Storage& from, std::span<const float> priority, Index rows, Index lane,
             bool one_lane, bool pinned);
  RemovalQueue load_removal(const ArchiveReader& archive, const std::string& name,
                            const Storage& storage, const PriorityTable& priorities) const;

  BufferOptions options_;
  Storage storage_;
  std::optional<TransitionGather> gather_;  // absent where the columns are no transitions
  EpisodeIndex episodes_;
  Groups groups_;
  PriorityTable priorities_;
  Limiter limiter_;
  std::optional<Storage> inbox_;  // of kLowestPriority: the newest rows of each lane
  RemovalQueue removal_;          // of kLowestPriority: lanes of the rows that are not pinned

  Draw draw_;
  MinibatchMemory memory_;
  Minibatch minibatch_;
};

}  // namespace palaestra::replay
