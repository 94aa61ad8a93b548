#include <algorithm>
#include <cstring>

#include <palaestra/core/error.h>
#include <palaestra/replay/storable.h>
#include <palaestra/replay/storage.h>

namespace palaestra::replay {
namespace {

constexpr char kCaller[] = "WeightedReplayBuffer::append";

template <class... Parts>
void accept(bool ok, const Parts&... parts) {
  require(ok, kCaller, ": ", parts..., "; nothing was appended");
}

/// Becomes text only in a message that is really built.
struct Shape {
  Index rows, size;

  friend std::ostream& operator<<(std::ostream& out, const Shape& shape) {
    if (shape.rows > 0 && shape.size % shape.rows == 0) {
      return out << "[" << shape.rows << ", " << shape.size / shape.rows << "]";
    }
    return out << "[" << shape.size << "]";
  }
};

void require_flags(std::span<const std::uint8_t> flags, Index rows, std::string_view name,
                   std::string_view unit) {
  accept(static_cast<Index>(flags.size()) == rows, "\"", name, "\" has ", flags.size(),
         " values, expected ", rows, unit);
}

}  // namespace

/// Points `sources` at the given columns, converted where need be; checks names, types and lengths.
void Storage::resolve(std::span<const NamedValues> given, bool states_only, std::string_view what,
                      Index rows, Sources& sources) {
  std::fill(sources.data.begin(), sources.data.end(), nullptr);
  for (const NamedValues& input : given) {
    const std::size_t i = find_column(columns_, input.name, kCaller);
    const ColumnSpec& column = columns_[i];
    const Values& values = input.values;
    accept(column.state || !states_only, what, "column \"", column.name, "\" is no state");
    accept(sources.data[i] == nullptr, what, "column \"", column.name, "\" is given twice");
    accept(values.size == rows * column.width(), what, "column \"", column.name, "\" has shape ",
           Shape{rows, values.size}, ", expected [", rows, ", ", column.width(), "]");
    accept(values.data != nullptr || values.size == 0, what, "column \"", column.name,
           "\" is a null pointer");
    const bool narrow = column.dtype == DType::kFloat32 && values.dtype == DType::kFloat64;
    accept(values.dtype == column.dtype || narrow, what, "column \"", column.name, "\" is ",
           name_of(values.dtype), ", expected ", name_of(column.dtype));
    if (narrow) {
      std::vector<float>& copy = sources.converted[i];
      copy.resize(static_cast<std::size_t>(values.size));
      const auto* const wide = static_cast<const double*>(values.data);
      for (std::size_t k = 0; k < copy.size(); ++k) {
        copy[k] = static_cast<float>(wide[k]);
      }
      sources.data[i] = reinterpret_cast<const std::byte*>(copy.data());
    } else {
      sources.data[i] = static_cast<const std::byte*>(values.data);
    }
  }
  for (std::size_t i = 0; i < columns_.size() && (rows > 0); ++i) {
    accept(sources.data[i] != nullptr || (states_only && !columns_[i].state), what, "column \"",
           columns_[i].name, "\" is missing");
  }
}

/// Refuses numbers that are not finite, and truth values other than 0 and 1, in relevant rows.
template <class Relevant>
void Storage::check_numbers(const Sources& sources, Index rows, std::string_view what,
                            const Relevant& relevant) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const ColumnSpec& column = columns_[i];
    const std::byte* const data = sources.data[i];
    if (data == nullptr || all_storable(column.dtype, data, rows * column.width())) {
      continue;
    }
    for (Index row = 0; row < rows; ++row) {
      accept(!relevant(row) ||
                 all_storable(column.dtype, data + static_cast<std::size_t>(row) * column.bytes(),
                              column.width()),
             what, "row ", row, " of column \"", column.name, "\" holds ",
             what_is_not_storable(column.dtype));
    }
  }
}

bool Storage::same_states(const std::byte* record, const Sources& sources, Index row) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].state) {
      const std::size_t bytes = columns_[i].bytes();
      if (std::memcmp(record + layout_.offset[i],
                      sources.data[i] + static_cast<std::size_t>(row) * bytes, bytes) != 0) {
        return false;
      }
    }
  }
  return true;
}

void Storage::copy_states(const Sources& sources, Index row, std::byte* record) const {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i].state) {
      const std::size_t bytes = columns_[i].bytes();
      std::memcpy(record + layout_.offset[i],
                  sources.data[i] + static_cast<std::size_t>(row) * bytes, bytes);
    }
  }
}

/// The states announced after a row must be those that the next row starts from: one copy serves
/// both. A reset that nobody reported is found here.
void Storage::check_continuity(const Rows& rows) const {
  const bool next_given = !rows.steps.next.empty();
  for (Index row = 0; row < rows.count; ++row) {
    if (rows.skipped(row)) {
      continue;
    }
    const Lane& lane = lane_at(rows.lane_of(row));
    bool same = true;
    if (!rows.one_lane || row == 0) {
      same = lane.announced == 0 || same_states(record(end_slot(rows.lane_of(row))), now_, row);
    } else if (next_given && !rows.skipped(row - 1) && !rows.ended(row - 1)) {
      for (std::size_t i = 0; i < columns_.size() && same; ++i) {
        const std::size_t bytes = columns_[i].bytes();
        const auto at = static_cast<std::size_t>(row);
        same = !columns_[i].state ||
               std::memcmp(now_.data[i] + at * bytes, next_.data[i] + (at - 1) * bytes, bytes) == 0;
      }
    }
    accept(same, "lane ", rows.lane_of(row), ", row ", row,
           " does not start from the states given as next in the row before; end that row, or "
           "cut() the lane");
  }
}

void Storage::evict(Index index) {
  Lane& lane = lane_at(index);
  const Index slot = lane.base + lane.tail;
  const Link gone = link(slot);
  if (gone.ends()) {
    finals_.release(gone.entry());
  }
  ++lane.first;
  lane.tail = lane.wrapped(lane.tail + 1);
  changes_.push_back({slot, index, -1, -1, Change::Kind::kEvicted});
}

void Storage::close(Index index) {
  Lane& lane = lane_at(index);
  if (lane.open == 0) {
    return;
  }
  if (lane.announced == 0) {
    --lane.next;  // it never was drawable, so nobody holds its id
  }
  lane.open = lane.announced = 0;
  if (lane.rows() > 0) {
    // the states behind the newest row are the announced ones or those of the row just dropped
    const Index newest = newest_slot(lane);
    if (!link(newest).ends()) {
      const Index entry = finals_.acquire();
      std::memcpy(finals_.at(entry), record(end_slot(index)), layout_.state_bytes);
      set_link(newest, Link::end(entry, false, true));
    }
  }
}

void Storage::store_row(const Rows& rows, Index row) {
  const Index index = rows.lane_of(row);
  if (rows.skipped(row)) {
    close(index);
    return;
  }
  Lane& lane = lane_at(index);
  if (lane.open != 0 && lane.announced == 0) {
    changes_.push_back({newest_slot(lane), index, rows.one_lane ? row - 1 : -1, lane.episode,
                        Change::Kind::kDelayed});
  }
  if (lane.rows() == rows_of_lane(index)) {
    evict(index);
  }
  if (lane.open == 0) {
    lane.episode = lane.next;
  }
  const Index slot = end_slot(index);
  std::byte* const to = record_at(slot);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::size_t bytes = columns_[i].bytes();
    std::memcpy(to + layout_.offset[i], now_.data[i] + static_cast<std::size_t>(row) * bytes,
                bytes);
  }
  ++lane.next;
  const bool ended = rows.ended(row);
  lane.open = ended ? 0 : 1;
  lane.announced = !ended && !rows.steps.next.empty() ? 1 : 0;
  if (ended) {
    const Index entry = finals_.acquire();
    copy_states(last_, row, finals_.at(entry));
    set_link(slot, Link::end(entry, rows.terminated(row), rows.truncated(row)));
  } else {
    set_link(slot, Link{});
    if (lane.announced != 0) {
      copy_states(next_, row, record_at(end_slot(index)));
    }
  }
  if (ended || lane.announced != 0) {
    changes_.push_back({slot, index, row, lane.episode, Change::Kind::kAdded});
  }
}

void Storage::append(const Steps& steps) {
  for (Index i = 0; i < step_lanes(); ++i) {  // what the checks below give time to arrive
    const Lane& lane = lane_at(first_lane() + i);
    const Index end = lane.wrapped(lane.tail + lane.rows());
    const std::byte* const first = record(lane.base + end);
    const std::byte* const second = record(lane.base + lane.wrapped(end + 1));
    for (std::size_t at = 0; at < std::min<std::size_t>(layout_.used, 512); at += 64) {
      __builtin_prefetch(first + at, 1);
      __builtin_prefetch(second + at, 1);
    }
  }
  append(Rows{steps, step_lanes(), first_lane(), false});
}

Index Storage::step_lane(Index lane, std::string_view caller) const {
  require(lane >= 0 && lane < step_lanes(), caller, ": lane is ", lane, ", expected 0 to ",
          step_lanes() - 1);
  return first_lane() + lane;
}

void Storage::extend(Index lane, const Steps& steps) {
  append(Rows{steps, std::ssize(steps.terminated), step_lane(lane, "WeightedReplayBuffer::extend"),
              true});
}

void Storage::pin(const Steps& steps) {
  constexpr std::string_view kPin = "WeightedReplayBuffer::pin";
  require(room_.pinned > 0, kPin, ": this buffer has no room for pinned rows");
  const Index lane = pinned_lane(), rows = std::ssize(steps.terminated);
  const Index room = rows_of_lane(lane) - lane_at(lane).rows();
  require(rows <= room, kPin, ": ", rows, " rows, room for ", room, " more of ", room_.pinned,
          "; nothing was appended");
  append(Rows{steps, rows, lane, true});
}

void Storage::append(const Rows& rows) {
  const Steps& steps = rows.steps;
  const std::string_view unit = rows.one_lane ? ", one per row" : ", one per lane";
  require_flags(steps.terminated, rows.count, "terminated", unit);
  require_flags(steps.truncated, rows.count, "truncated", unit);
  if (!steps.skip.empty()) {
    require_flags(steps.skip, rows.count, "skip", unit);
  }
  resolve(steps.columns, false, "", rows.count, now_);
  if (!steps.next.empty()) {
    resolve(steps.next, true, "next ", rows.count, next_);
  }
  if (!steps.last.empty()) {
    resolve(steps.last, true, "last ", rows.count, last_);
  }
  Index ends = 0;
  for (Index row = 0; row < rows.count; ++row) {
    const bool ended = !rows.skipped(row) && rows.ended(row);
    accept(!ended || !steps.last.empty(), "row ", row,
           " ended its episode, but no last states are given");
    ends += ended || rows.skipped(row) ? 1 : 0;
  }
  check_numbers(now_, rows.count, "", [&](Index row) { return !rows.skipped(row); });
  if (!steps.next.empty()) {
    check_numbers(next_, rows.count, "next states: ", [&](Index row) {
      return !rows.skipped(row) && !rows.ended(row);
    });
  }
  if (!steps.last.empty() && ends > 0) {
    check_numbers(last_, rows.count, "last states: ", [&](Index row) {
      return !rows.skipped(row) && rows.ended(row);
    });
  }
  check_continuity(rows);
  finals_.reserve(ends);
  changes_.clear();
  changes_.reserve(static_cast<std::size_t>(3 * rows.count));
  for (Index row = 0; row < rows.count; ++row) {
    store_row(rows, row);
  }
  count_drawable();
}

void Storage::cut(Index lane) {
  const Index index = step_lane(lane, "WeightedReplayBuffer::cut");
  changes_.clear();
  finals_.reserve(1);
  close(index);
  count_drawable();
}

void Storage::evict_oldest(Index lane, Index rows) {
  constexpr std::string_view kEvict = "WeightedReplayBuffer::evict_oldest";
  require(lane >= 0 && lane < step_lanes(), kEvict, ": lane is ", lane, ", expected 0 to ",
          step_lanes() - 1);
  const Index most = lane_at(lane).open != 0 ? std::max<Index>(size(lane) - 1, 0) : size(lane);
  require(rows >= 0 && rows <= most, kEvict, ": rows is ", rows, ", expected 0 to ", most,
          "; nothing was evicted");
  changes_.clear();
  for (Index k = 0; k < rows; ++k) {
    evict(lane);
  }
  count_drawable();
}

void Storage::mark() {
  constexpr std::string_view kMark = "WeightedReplayBuffer::mark";
  require(room_.tail > 0, kMark, ": this buffer has no room for a tail");
  require(!marked_, kMark, ": a mark is set already");
  changes_.clear();
  finals_.reserve(step_lanes());
  for (Index lane = 0; lane < step_lanes(); ++lane) {
    close(lane);
  }
  marked_ = true;
  count_drawable();
}

void Storage::roll_back() {
  require(marked_, "WeightedReplayBuffer::roll_back: no mark is set");
  changes_.clear();
  finals_.reserve(step_lanes());
  for (Index lane = step_lanes(); lane < 2 * step_lanes(); ++lane) {
    close(lane);
    while (lane_at(lane).rows() > 0) {
      evict(lane);
    }
  }
  marked_ = false;
  count_drawable();
}

}  // namespace palaestra::replay
