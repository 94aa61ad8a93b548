#pragma once

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/replay/column.h>
#include <palaestra/replay/final_table.h>
#include <palaestra/replay/memory.h>
#include <palaestra/replay/record_layout.h>

namespace palaestra::replay {

/// A stored row for good: its lane and its number within the lane, counted from the first append.
/// An id is never reused, so that an update meant for an evicted row is recognised.
using RowId = Index;
inline constexpr int kSequenceBits = 40;
constexpr RowId row_id(Index lane, Index sequence) { return (lane << kSequenceBits) | sequence; }
constexpr Index lane_of(RowId id) { return id >> kSequenceBits; }
constexpr Index sequence_of(RowId id) { return id & ((Index{1} << kSequenceBits) - 1); }

/// What one append brings: for `append` row i is one step of lane i, for `extend` the rows follow
/// each other in one lane. Everything is row-major, [rows, width].
struct Steps {
  /// Every column of the buffer once: states before the step, the others of the step. The dtype is
  /// the column's; float64 is accepted where the column is float32.
  std::span<const NamedValues> columns;
  std::span<const std::uint8_t> terminated;  ///< [rows] the task ended: no value after it
  std::span<const std::uint8_t> truncated;   ///< [rows] cut off: the last states still have a value
  /// [rows] or empty. Non-zero: there is no transition in this row (Gymnasium's NEXT_STEP reset
  /// rows) and nothing of it is read or stored. If the lane's episode was running it is cut there.
  std::span<const std::uint8_t> skip;
  /// Empty, or the states after the step, read in rows that go on. Without them the newest row of
  /// a lane cannot be drawn before the next append.
  std::span<const NamedValues> next;
  /// The states after the step, read in rows that ended; needed when there is one.
  std::span<const NamedValues> last;
};

/// What an append did to the drawable rows, in order.
struct Change {
  Index slot;
  Index lane;
  Index row;      ///< of the steps; -1 where the row came with an earlier append
  Index episode;  ///< number of the first row of its episode; -1 for kEvicted
  enum class Kind : std::uint8_t {
    kAdded,    ///< this row can now be drawn
    kDelayed,  ///< the same, for the row of the previous append, whose next state has now come
    kEvicted,  ///< this row is gone
  } kind;
};

/// How many rows a storage has room for, and where.
struct Room {
  Index capacity = 1'000'000;  ///< rows of the step lanes; rounded down to a multiple of them
  Index lanes = 1;             ///< step lanes: rows of the collector's batch
  Index tail = 0;              ///< rows behind a mark, rounded down to a multiple of the step lanes
  Index pinned = 0;            ///< rows that are never evicted
  bool single = false;  ///< each row is a lane of its own, made by adopt(); the rest is 1, 0, 0
  /// Empty: the rows are in memory. Otherwise they are in this file, which must not exist, may be
  /// larger than memory, and is gone with the storage (also after a crash); its space is taken at
  /// once. Last states of episodes stay in memory.
  std::filesystem::path file = {};
};

/// Rows in one ring per lane, of typed columns, without any notion of how they are drawn.
///
/// The rows of a lane follow each other in time, so that a row and the states after it are
/// neighbours in memory. Each ring has one slot more than it keeps rows: there the states after the
/// newest row wait. There are three kinds of lanes, in this order:
///
///   step lanes  one per environment row of a collector; a full one evicts its oldest row
///   tail lanes  as many, where there is room for a tail: while a mark is set, what would go to a
///               step lane goes to its tail lane instead, and roll_back() forgets it
///   pinned      one, where there is room for it: demonstrations, which nothing evicts
///
/// Where any row may have to go first, each is in a lane of its own (Room::single): then it has its
/// own copy of the states after it, and its neighbours are unknown.
class Storage {
 public:
  /// A drawable row: where it is, and for how many rows of its lane (itself included) one can go
  /// on from it.
  struct Place {
    Index lane;
    Index position;  ///< in the lane's ring
    Index ahead;
  };

  /// Throws UserError for bad columns, numbers out of range, or a file that cannot be made.
  Storage(std::vector<ColumnSpec> columns, const Room& room);

  /// Row i of the steps goes to step lane i. Throws UserError, and nothing was appended, for a
  /// missing, unknown or repeated column, a wrong dtype or length, a number that is not finite, an
  /// ended row without last states, or states that differ from those announced as next.
  void append(const Steps& steps);
  /// Appends consecutive rows to one step lane: recorded episodes. Throws as append().
  void extend(Index lane, const Steps& steps);
  /// Appends consecutive rows that are never evicted. Throws as append(), and if they do not fit.
  void pin(const Steps& steps);
  /// Ends a step lane's running episode where it is, as a truncation: what comes next is no
  /// continuation. A newest row whose next states are not known is dropped; the row before it
  /// then is the truncated one.
  void cut(Index lane);
  /// Forgets the oldest `rows` rows of a step lane, as if newer ones had taken their place. Throws
  /// UserError for more rows than can be drawn there, or all of a lane whose episode is running.
  void evict_oldest(Index lane, Index rows);
  /// From here on appended rows are a tail: they evict none but one another, and roll_back()
  /// forgets them all. Both cut the running episodes. Throws UserError without room for a tail,
  /// when a mark is set already, or when none is.
  void mark();
  void roll_back();
  bool marked() const { return marked_; }
  /// Of Room::single: a copy of a drawable row of another storage, which has the same columns, in
  /// place of the row in `lane`, or in a new lane where `lane` is lanes(). `why` is that storage's
  /// change, whose lane and row changes() repeats.
  void adopt(const Storage& from, const Place& place, Index lane, const Change& why);
  /// What the last append(), extend(), pin(), cut(), mark() or roll_back() did.
  std::span<const Change> changes() const { return changes_; }

  const std::vector<ColumnSpec>& columns() const { return columns_; }
  const RecordLayout& layout() const { return layout_; }
  /// Of all kinds.
  Index lanes() const { return static_cast<Index>(lanes_.size()); }
  Index step_lanes() const { return room_.lanes; }
  /// Where rows for the first step lane go: itself, or its tail lane while a mark is set.
  Index first_lane() const { return marked_ ? room_.lanes : 0; }
  /// The lane of pinned rows, or -1.
  Index pinned_lane() const { return room_.pinned > 0 ? lanes() - 1 : -1; }
  Index rows_of_lane(Index lane) const { return lane_at(lane).slots - 1; }
  Index first_slot(Index lane) const { return lane_at(lane).base; }
  /// Rows that fit into all lanes.
  Index capacity() const { return room_.capacity + room_.tail + room_.pinned; }
  Index slots() const { return slots_; }
  const Room& room() const { return room_; }

  /// Rows that can be drawn, in all lanes or in one.
  Index size() const { return first_drawable_.back(); }
  Index size(Index lane) const { return drawable_before(lane + 1) - drawable_before(lane); }
  /// The number of the oldest row of a lane that is still stored.
  Index oldest(Index lane) const { return lane_at(lane).first; }
  /// The number that the next row of a lane will get.
  Index next(Index lane) const { return lane_at(lane).next; }

  /// The k-th drawable row, lane by lane and oldest first; k in [0, size()).
  Place locate(Index k) const {
    const Index index = lane_of_drawable(k), order = k - drawable_before(index);
    const Lane& lane = lane_at(index);
    return {index, lane.wrapped(lane.tail + order), size(index) - order};
  }
  Place place_of_slot(Index slot) const {
    const Index index = lane_of_slot(slot);
    const Lane& lane = lane_at(index);
    const Index position = slot - lane.base;
    return {index, position, size(index) - age_order(lane, position)};
  }
  Index slot_of(const Place& place) const { return lane_at(place.lane).base + place.position; }
  RowId id_of(const Place& place) const {
    const Lane& lane = lane_at(place.lane);
    return row_id(place.lane, lane.first + age_order(lane, place.position));
  }

  enum class Presence : std::uint8_t { kStored, kEvicted, kNever };
  /// Whether a row can be drawn, could once, or never was.
  Presence presence(RowId id) const;
  /// Of a row that is kStored.
  Place place_of(RowId id) const {
    const Lane& lane = lane_at(lane_of(id));
    const Index order = sequence_of(id) - lane.first;
    return {lane_of(id), lane.wrapped(lane.tail + order), size(lane_of(id)) - order};
  }

  const std::byte* record(Index slot) const {
    return records_.data() + static_cast<std::size_t>(slot) * layout_.stride;
  }
  /// Asks for the lines of `rows` rows from a slot on and of the states after them, which follow
  /// each other but at the end of a ring or episode. Into the second level of the caches: the first
  /// has room for the lines of a few rows in flight, no more.
  // always inlined: GCC deletes calls of a function that only prefetches, as without effect
  [[gnu::always_inline]] void prefetch(Index slot, Index rows) const {
    constexpr int kRead = 0, kSecondLevel = 2;
    constexpr std::size_t kMost = 2048;  // bytes; hardware sees a longer run
    const std::size_t bytes = std::min(layout_.stride * as_size(rows) + layout_.state_bytes, kMost);
    for (std::size_t at = 0; at < bytes; at += 64) {
      __builtin_prefetch(record(slot) + at, kRead, kSecondLevel);
    }
  }
  Link link(Index slot) const {
    Link link;
    std::memcpy(&link.bits, record(slot) + layout_.link_offset, sizeof link.bits);
    return link;
  }
  /// The slot behind this one in its lane's ring.
  Index next_slot(Index lane, Index slot) const {
    const Lane& ring = lane_at(lane);
    return slot + 1 == ring.base + ring.slots ? ring.base : slot + 1;
  }
  /// The states after the row: the leading layout().state_bytes of what is returned.
  const std::byte* next_states(const Place& place) const {
    return next_states(place, link(slot_of(place)));
  }
  /// The same where the row's link is at hand.
  const std::byte* next_states(const Place& place, Link link) const {
    return next_states(place.lane, slot_of(place), link);
  }
  const std::byte* next_states(Index lane, Index slot, Link link) const {
    return link.ends() ? finals_.at(link.entry()) : record(next_slot(lane, slot));
  }

  /// Copies one column of stored rows, [ids.size(), width] of its dtype, or a state column after
  /// the step. Throws UserError for an unknown column, a wrong length or a row that is not stored.
  void read(std::string_view column, std::span<const RowId> ids, std::span<std::byte> out) const;
  void read_next(std::string_view column, std::span<const RowId> ids,
                 std::span<std::byte> out) const;

  /// Overwrites one column of stored rows, [ids.size(), width]. Throws UserError, and nothing was
  /// written, for an unknown column, a state (its copy belongs to two rows), a wrong dtype or
  /// length, a number that is not finite, or a row that is not stored.
  void write(std::string_view column, std::span<const RowId> ids, const Values& values);

  /// Bytes by purpose.
  struct Footprint {
    std::size_t columns = 0;       ///< capacity() rows of every column
    std::size_t bookkeeping = 0;   ///< links, the extra slots, lanes
    std::size_t padding = 0;       ///< between records
    std::size_t final_states = 0;  ///< of ended episodes
    std::size_t total() const { return columns + bookkeeping + padding + final_states; }
  };
  Footprint footprint() const;

  /// Contents and positions; large blocks by reference, so that the storage must stay as it is
  /// until the archive is written. load() needs the same columns and room; it throws
  /// UserError and leaves the storage as it was otherwise.
  void save(ArchiveWriter& archive, const std::string& prefix) const;
  void load(const ArchiveReader& archive, const std::string& prefix);

 private:
  static constexpr Index kSingleSlots = 2;  // of a lane with one row: itself, the states after it

  struct Lane {
    Index base = 0;       // its first slot
    Index slots = 0;      // one more than it keeps rows
    Index first = 0;      // number of the oldest row
    Index next = 0;       // number of the row that comes next
    Index tail = 0;       // ring position of `first`
    Index episode = 0;    // number of the first row of the newest episode, perhaps evicted
    Index open = 0;       // the newest row did not end its episode
    Index announced = 0;  // ... and the states after it are in the slot behind it
    Index rows() const { return next - first; }
    Index drawable() const { return rows() - (open != 0 && announced == 0 ? 1 : 0); }
    Index wrapped(Index position) const { return position >= slots ? position - slots : position; }
  };
  /// The rows of one append: row i belongs to `lane`, or to the lane i behind it.
  struct Rows {
    const Steps& steps;
    Index count;
    Index lane;
    bool one_lane;

    Index lane_of(Index row) const { return one_lane ? lane : lane + row; }
    bool skipped(Index row) const {
      return !steps.skip.empty() && steps.skip[static_cast<std::size_t>(row)] != 0;
    }
    bool terminated(Index row) const {
      return steps.terminated[static_cast<std::size_t>(row)] != 0;
    }
    bool truncated(Index row) const { return steps.truncated[static_cast<std::size_t>(row)] != 0; }
    bool ended(Index row) const { return terminated(row) || truncated(row); }
  };
  struct Sources;

  const Lane& lane_at(Index lane) const { return lanes_[static_cast<std::size_t>(lane)]; }
  Lane& lane_at(Index lane) { return lanes_[static_cast<std::size_t>(lane)]; }
  Index lane_of_slot(Index slot) const {
    return slot < step_slots_ ? slot / lanes_[0].slots : lane_of_extra_slot(slot);
  }
  Index lane_of_extra_slot(Index slot) const;
  Index drawable_before(Index lane) const {
    return first_drawable_[static_cast<std::size_t>(lane)];
  }
  /// The lane of the k-th drawable row. Step lanes are about equally full, so that the guess is
  /// nearly always right.
  Index lane_of_drawable(Index k) const {
    const Index guess =
        std::min(static_cast<Index>(static_cast<double>(k) * lanes_per_row_), lanes() - 1);
    return k >= drawable_before(guess) && k < drawable_before(guess + 1) ? guess : lane_search(k);
  }
  Index lane_search(Index k) const;
  /// Slots from the first one on that were ever written.
  static Index used_slots(const Lane& lane) { return std::min(lane.next + 1, lane.slots); }
  static bool is_used_up(const Lane& lane) { return used_slots(lane) == lane.slots; }
  /// How many rows of the lane are older than the one at this ring position.
  Index age_order(const Lane& lane, Index position) const {
    const Index order = position - lane.tail;
    return order < 0 ? order + lane.slots : order;
  }
  Index end_slot(Index index) const {
    const Lane& lane = lane_at(index);
    return lane.base + lane.wrapped(lane.tail + lane.rows());
  }
  Index newest_slot(const Lane& lane) const {
    return lane.base + lane.wrapped(lane.tail + lane.rows() - 1);
  }
  std::byte* record_at(Index slot) {
    return records_.data() + static_cast<std::size_t>(slot) * layout_.stride;
  }
  void set_link(Index slot, Link link);

  std::vector<Lane> load_lanes(const ArchiveReader& archive, const std::string& prefix) const;
  std::vector<std::span<const std::byte>> load_records(const ArchiveReader& archive,
                                                       const std::string& prefix,
                                                       const std::vector<Lane>& loaded) const;
  void check_records(std::span<const std::byte> records, const FinalTable& finals,
                     std::vector<std::uint8_t>& unclaimed, Lane& lane) const;
  void append(const Rows& rows);
  void resolve(std::span<const NamedValues> given, bool states_only, std::string_view what,
               Index rows, Sources& sources);
  template <class Relevant>
  void check_numbers(const Sources& sources, Index rows, std::string_view what,
                     const Relevant& relevant) const;
  void check_continuity(const Rows& rows) const;
  bool same_states(const std::byte* record, const Sources& sources, Index row) const;
  void copy_states(const Sources& sources, Index row, std::byte* record) const;
  void store_row(const Rows& rows, Index row);
  void evict(Index lane);
  void close(Index lane);
  void count_drawable();

  Index step_lane(Index lane, std::string_view caller) const;

  std::vector<ColumnSpec> columns_;
  RecordLayout layout_;
  Room room_;
  std::vector<Lane> lanes_;
  Index step_slots_ = 0, slots_ = 0;
  Memory records_;
  FinalTable finals_;
  bool marked_ = false;
  std::vector<Index> first_drawable_;  // [lanes + 1] running sum of drawable rows
  double lanes_per_row_ = 0;           // step lanes / their rows: guesses the lane of the k-th row
  std::vector<Change> changes_;

  // work space of append(), kept so that it allocates once
  struct Sources {
    std::vector<const std::byte*> data;         // per column, null where not given
    std::vector<std::vector<float>> converted;  // of float64 input for float32 columns
  };
  Sources now_, next_, last_;
};

}  // namespace palaestra::replay
