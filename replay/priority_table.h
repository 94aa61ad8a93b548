#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/replay/draw.h>
#include <palaestra/replay/importance.h>
#include <palaestra/replay/power_law.h>
#include <palaestra/replay/rank_list.h>
#include <palaestra/replay/storage.h>
#include <palaestra/replay/sum_tree.h>

namespace palaestra::replay {

/// Whether rows have priorities p, and how likely a row is by them (Schaul et al. 2016, arXiv
/// 1511.05952).
enum class PriorityKind : std::uint8_t {
  kNone,
  kProportional,  ///< p^alpha over the sum of all
  kRanked,        ///< r^-alpha over the sum of all, r = 1 for the largest p: outliers do not matter
};

/// The priorities of stored rows, kept in step with the storage, and draws by them. A row of
/// priority zero is never drawn.
class PriorityTable {
 public:
  /// For the slots of a storage and changes of `lanes` lanes. Throws UserError for an exponent
  /// (alpha) outside [0, 1].
  PriorityTable(PriorityKind kind, double exponent, Index slots, Index lanes);

  PriorityKind kind() const { return kind_; }
  double exponent() const { return exponent_; }
  /// Throws UserError unless there are `rows` numbers, finite and not negative.
  void check(std::span<const float> priority, Index rows, std::string_view caller,
             std::string_view outcome) const;

  /// To be called with every change of the storage. `priority` are those of the rows of the append,
  /// [rows], or empty: then a new row gets the largest priority ever given (at first 1), so that it
  /// is seen soon. Row i is of lane `lane + i`, or of `lane` where `one_lane`; what a row has that
  /// cannot be drawn yet is remembered by its lane.
  void follow(std::span<const Change> changes, std::span<const float> priority, Index rows,
              Index lane, bool one_lane);

  /// Gives rows their priorities; of a repeated row the last one stays. Rows that have been evicted
  /// are left alone; returns how many. Throws UserError, and nothing is changed, for an id that
  /// never was given.
  Index update(const Storage& storage, std::span<const RowId> ids, std::span<const float> priority);

  /// Whether any row can be drawn.
  bool drawable() const { return rows() > 0; }
  /// Rows of positive priority are drawn; `stratified` takes one from each of as many equal slices
  /// of the total as rows are drawn. Needs drawable().
  void draw(const Storage& storage, Stream& random, bool stratified, Draw& out) const;
  /// Importance weights (N p)^-beta of drawn rows, N of the storage.
  void weigh(const Storage& storage, const Importance& importance, Draw& out) const;

  /// p^alpha, or p where ranked, of the row in a slot.
  float weight(Index slot) const;
  /// Of the row in a slot, in one draw.
  double probability(Index slot) const;
  /// Sum over all rows of p^alpha, or of r^-alpha.
  double total() const;
  float largest_priority() const { return largest_priority_; }
  /// [slots]: weight() of each.
  std::span<const float> weights() const;
  /// Of kProportional.
  const SumTree& tree() const { return tree_; }

  void save(ArchiveWriter& archive, const std::string& name) const;
  /// The priorities as saved, for a storage of the same room that has been loaded. Throws UserError
  /// when they do not fit.
  static PriorityTable load(const ArchiveReader& archive, const std::string& name,
                            const PriorityTable& like, const Storage& storage);

 private:
  Index rows() const;  // of positive priority
  float weight_of(float priority) const;
  void set(std::span<const Index> slots, std::span<const float> weights);
  double smallest_probability() const;

  PriorityKind kind_;
  double exponent_;
  SumTree tree_;    // of kProportional: one item per slot
  RankList ranks_;  // of kRanked: one item per slot
  PowerLaw law_;
  std::vector<float> newest_weight_;  // per lane: for a row that cannot be drawn yet
  float largest_priority_ = 1.0f;
  std::vector<Index> changed_slots_;
  std::vector<float> changed_weights_;
};

}  // namespace palaestra::replay
