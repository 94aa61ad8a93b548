#pragma once

#include <optional>
#include <span>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/replay/draw.h>
#include <palaestra/replay/front_vector.h>
#include <palaestra/replay/group_weights.h>
#include <palaestra/replay/importance.h>
#include <palaestra/replay/storage.h>
#include <palaestra/replay/sum_tree.h>

namespace palaestra::replay {

/// A closed group: the rows appended between begin() and end() that are still stored.
struct GroupInfo {
  Index id;    ///< counted from 0, never reused
  Index tag;   ///< whatever the caller wants to remember: a policy, a source
  Index rows;  ///< that can be drawn now
};

/// Rows by where they come from: the rollouts of one policy, one source of demonstrations, one
/// stage of a curriculum. Knows which rows belong to which group, follows evictions, and draws a
/// group by its weight, then one of its rows, each alike.
///
/// Closed groups are ordered by age; a group of which nothing is stored any more is gone.
class Groups {
 public:
  Groups(const Storage& storage, const GroupWeights& weights);

  /// Rows from now on belong to a new group. Throws UserError while one is open. Returns its id.
  Index begin(const Storage& storage, Index tag);
  /// Closes the open group: it can now be drawn. Throws UserError when none is open or nothing was
  /// appended to it (it stays open then).
  void end(const Storage& storage, const EpisodeIndex& index);
  /// Forgets a closed group; its rows stay stored, but belong to none. UserError for another id.
  void drop(Index id);

  /// Draws by other weights from now on. Throws UserError for a discount outside (0, 1].
  void set_weights(const GroupWeights& weights);
  /// One weight for each closed group, oldest first: finite, not negative, not all zero. The kind
  /// becomes kGiven; a group that is closed later gets the mean weight. Throws UserError otherwise.
  void set_weights(std::span<const double> weights);
  const GroupWeights& weights() const { return weights_; }

  /// To be called behind every append(), extend() and cut() of the storage, once the index of
  /// episodes has followed.
  void follow(const Storage& storage, const EpisodeIndex& index);

  Index size() const { return groups_.size(); }
  bool open() const { return open_.has_value(); }
  /// The k-th oldest closed group.
  GroupInfo info(Index k) const;
  /// The probability of the k-th oldest closed group in one draw.
  double probability(Index k) const;
  /// The group that a stored row belongs to, or -1.
  Index group_of(RowId row) const;

  /// Groups by weight, then their rows alike. Needs a closed group. The weights are 1.
  void draw(const Storage& storage, Stream& random, Draw& out) const;
  /// Groups by weight, then their episodes alike, then the rows of the episode alike. Of an episode
  /// that begins before a group or goes on behind it only the group's own rows count: it is an
  /// episode of each of the groups that it has rows in. Needs a closed group. The weights are 1.
  void draw_by_episode(const Storage& storage, const EpisodeIndex& index, Stream& random,
                       Draw& out) const;
  /// Groups by weight, then their rows in proportion to their weights in the tree, one item per
  /// slot. The importance weights turn an expectation into that of draw(): (n w / sum w)^-beta
  /// within a group of n rows, the largest of those drawn being 1 unless the scale is kNone. Needs
  /// a closed group; throws UserError for a group whose weights are all zero.
  void draw_by_priority(const Storage& storage, const SumTree& tree, Stream& random,
                        const Importance& importance, Draw& out) const;

  void save(ArchiveWriter& archive, const std::string& prefix) const;
  /// Throws UserError, and nothing has changed, unless the groups fit the storage.
  void load(const ArchiveReader& archive, const std::string& prefix, const Storage& storage,
            const EpisodeIndex& index);

 private:
  struct Group {
    Index id = 0, tag = 0;
    Index rows = 0;                           // drawable
    double mass = 0;                          // of kGiven and kRenormalise, relative
    std::vector<Index> begin = {}, end = {};  // per lane: numbers of its rows, some perhaps evicted

    /// The span, in one list for draws: rows of lane l that come after `before` others of it.
    struct Part {
      RowId first;
      Index before;
    };
    std::vector<Part> parts = {};  // per lane; at the back, before = all
    double lanes_per_row = 0;      // lanes with rows / span: guesses the lane of the k-th row
    Index first_lane = 0;          // with rows
    Index span() const { return parts.back().before; }
    bool whole() const { return rows == span(); }
    RowId row(Index k) const;  // the k-th of the span
    void count_span();

    /// Episodes of a lane with drawable rows of the group: numbers first to end - 1 of the index.
    struct Episodes {
      Index first, end;
      Index before;  // as many are in the lanes before
    };
    std::vector<Episodes> episodes = {};  // per lane; at the back, before = all
    bool counted = false;                 // `before` is up to date
    bool cut = false;                     // the span has lost a row that nobody could draw yet
    Index episode_count() const { return episodes.back().before; }
    /// The group's rows in the k-th of its episodes.
    Episode episode(const Storage& storage, const EpisodeIndex& index, Index k) const;
    void find_episodes(const Storage& storage, const EpisodeIndex& index);
    void find_episodes(const Storage& storage, const EpisodeIndex& index, Index lane);
    void lose_episodes(const Storage& storage, const EpisodeIndex& index, Index lane);
    void count_episodes();
  };
  /// How many of the oldest groups may have lost rows, and how many of the newest won some.
  struct Touched {
    Index oldest = 0, newest = 0;
  };

  static void measure(const Storage& storage, Group& group);
  void follow_lane(const Storage& storage, const EpisodeIndex& index, Index lane, Touched& touched);
  void remember(const Storage& storage);
  /// To be called when the set of groups or their masses have changed.
  void refresh();
  Index draw_group(double u, Stream& random) const;
  /// Fills in out.runs of a group once per draw; the first of them, and their number.
  std::span<const SlotRun> runs_of(const Storage& storage, const SumTree& tree, Index k,
                                   Draw& out) const;

  GroupWeights weights_;
  GeometricAges ages_;
  AliasTable table_;           // by mass
  FrontVector<Group> groups_;  // oldest first
  std::optional<Group> open_;
  Index next_id_ = 0;
  std::vector<Index> evicted_, drawable_;  // per lane: numbers that follow() has come to
};

}  // namespace palaestra::replay
