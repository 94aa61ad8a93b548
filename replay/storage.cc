#include <palaestra/replay/storage.h>

#include <algorithm>
#include <cstring>

#include <palaestra/core/error.h>
#include <palaestra/replay/storable.h>

namespace palaestra::replay {
namespace {

constexpr Index kMaxRows = Index{1} << kSequenceBits;
constexpr Index kMaxLanes = Index{1} << 22;

Room checked(Room room) {
  require(room.lanes >= 1 && room.lanes <= kMaxLanes, "WeightedReplayBuffer: lanes is ", room.lanes,
          ", expected 1 to ", kMaxLanes);
  require(room.capacity >= room.lanes && room.capacity < kMaxRows,
          "WeightedReplayBuffer: capacity is ", room.capacity,
          ", expected at least one row for each of ", room.lanes, " lanes and below 2^40");
  require(room.tail == 0 || (room.tail >= room.lanes && room.tail < kMaxRows),
          "WeightedReplayBuffer: tail is ", room.tail,
          ", expected 0, or at least one row for each of ", room.lanes, " lanes and below 2^40");
  require(room.pinned >= 0 && room.pinned < kMaxRows, "WeightedReplayBuffer: pinned is ",
          room.pinned, ", expected 0 or more and below 2^40");
  require(!room.single || room.capacity <= kMaxLanes, "WeightedReplayBuffer: capacity is ",
          room.capacity, ", expected at most ", kMaxLanes, " where any row may be removed first");
  room.capacity = room.capacity / room.lanes * room.lanes;
  room.tail = room.tail / room.lanes * room.lanes;
  return room;
}

}  // namespace

Storage::Storage(std::vector<ColumnSpec> columns, const Room& room)
    : columns_(std::move(columns)),
      layout_(columns_),
      room_(checked(room)),
      finals_(layout_.state_bytes) {
  const auto add_lanes = [&](Index count, Index rows) {
    for (Index i = 0; i < count; ++i) {
      lanes_.push_back({.base = slots_, .slots = rows / count + 1});
      slots_ += lanes_.back().slots;
    }
  };
  if (room_.single) {
    step_slots_ = slots_ = kSingleSlots * room_.capacity;
    lanes_.reserve(static_cast<std::size_t>(room_.capacity));
    first_drawable_.reserve(lanes_.capacity() + 1);
  } else {
    add_lanes(room_.lanes, room_.capacity);
    step_slots_ = slots_;
  }
  if (room_.tail > 0) {
    add_lanes(room_.lanes, room_.tail);
  }
  if (room_.pinned > 0) {
    add_lanes(1, room_.pinned);
  }
  const std::size_t bytes = static_cast<std::size_t>(slots_) * layout_.stride;
  records_ = room_.file.empty() ? Memory(bytes) : Memory(bytes, room_.file);
  first_drawable_.assign(lanes_.size() + 1, 0);
  for (Sources* sources : {&now_, &next_, &last_}) {
    sources->data.resize(columns_.size());
    sources->converted.resize(columns_.size());
  }
}

Index Storage::lane_of_extra_slot(Index slot) const {
  const auto behind = std::upper_bound(lanes_.begin() + room_.lanes, lanes_.end(), slot,
                                       [](Index s, const Lane& lane) { return s < lane.base; });
  return static_cast<Index>(behind - lanes_.begin()) - 1;
}

void Storage::adopt(const Storage& from, const Place& place, Index index, const Change& why) {
  changes_.clear();
  if (index == lanes()) {
    lanes_.push_back({.base = kSingleSlots * index, .slots = kSingleSlots});
    first_drawable_.push_back(index + 1);
    lanes_per_row_ = 1;
  } else {
    evict(index);
  }
  Lane& lane = lane_at(index);
  const Index slot = lane.base + lane.tail;
  const Link link = from.link(from.slot_of(place));
  std::memcpy(record_at(slot), from.record(from.slot_of(place)), layout_.link_offset);
  std::byte* after = record_at(lane.base + lane.wrapped(lane.tail + 1));
  if (link.ends()) {
    finals_.reserve(1);
    const Index entry = finals_.acquire();
    after = finals_.at(entry);
    set_link(slot, Link::end(entry, link.terminated(), link.truncated()));
  } else {
    set_link(slot, link);
  }
  std::memcpy(after, from.next_states(place, link), layout_.state_bytes);
  lane.episode = lane.next++;
  lane.open = lane.announced = link.ends() ? 0 : 1;
  changes_.push_back({slot, why.lane, why.row, lane.episode, why.kind});
}

void Storage::count_drawable() {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    first_drawable_[i + 1] = first_drawable_[i] + lanes_[i].drawable();
  }
  if (room_.single) {
    lanes_per_row_ = 1;
    return;
  }
  const Index rows = first_drawable_[static_cast<std::size_t>(room_.lanes)];
  lanes_per_row_ = rows > 0 ? static_cast<double>(room_.lanes) / static_cast<double>(rows) : 0.0;
}

Index Storage::lane_search(Index k) const {
  return std::upper_bound(first_drawable_.begin() + 1, first_drawable_.end(), k) -
         first_drawable_.begin() - 1;
}

Storage::Presence Storage::presence(RowId id) const {
  if (id < 0 || lane_of(id) >= lanes()) {
    return Presence::kNever;
  }
  const Lane& lane = lane_at(lane_of(id));
  if (sequence_of(id) < lane.first) {
    return Presence::kEvicted;
  }
  return sequence_of(id) < lane.first + lane.drawable() ? Presence::kStored : Presence::kNever;
}

void Storage::set_link(Index slot, Link link) {
  std::memcpy(record_at(slot) + layout_.link_offset, &link.bits, sizeof link.bits);
}

namespace {

void require_output(const ColumnSpec& column, std::size_t rows, std::size_t bytes) {
  require(bytes == rows * column.bytes(), "WeightedReplayBuffer::read: column \"", column.name,
          "\" needs ", rows * column.bytes(), " bytes for ", rows, " rows, got ", bytes);
}

void require_stored(const Storage& storage, RowId id) {
  require(storage.presence(id) == Storage::Presence::kStored, "WeightedReplayBuffer::read: row id ",
          id, " is not stored");
}

}  // namespace

void Storage::read(std::string_view name, std::span<const RowId> ids,
                   std::span<std::byte> out) const {
  const std::size_t i = find_column(columns_, name, "WeightedReplayBuffer::read");
  require_output(columns_[i], ids.size(), out.size());
  std::byte* to = out.data();
  for (const RowId id : ids) {
    require_stored(*this, id);
    std::memcpy(to, record(slot_of(place_of(id))) + layout_.offset[i], columns_[i].bytes());
    to += columns_[i].bytes();
  }
}

void Storage::read_next(std::string_view name, std::span<const RowId> ids,
                        std::span<std::byte> out) const {
  const std::size_t i = find_column(columns_, name, "WeightedReplayBuffer::read_next");
  require(columns_[i].state, "WeightedReplayBuffer::read_next: column \"", name, "\" is no state");
  require_output(columns_[i], ids.size(), out.size());
  std::byte* to = out.data();
  for (const RowId id : ids) {
    require_stored(*this, id);
    std::memcpy(to, next_states(place_of(id)) + layout_.offset[i], columns_[i].bytes());
    to += columns_[i].bytes();
  }
}

void Storage::write(std::string_view name, std::span<const RowId> ids, const Values& values) {
  constexpr std::string_view kCaller = "WeightedReplayBuffer::write";
  constexpr std::string_view kOutcome = "; nothing was written";
  const std::size_t i = find_column(columns_, name, kCaller);
  const ColumnSpec& column = columns_[i];
  require(!column.state, kCaller, ": column \"", name, "\" is a state, which two rows share",
          kOutcome);
  require(values.dtype == column.dtype, kCaller, ": column \"", name, "\" is ",
          name_of(column.dtype), ", got ", name_of(values.dtype), kOutcome);
  require(values.size == std::ssize(ids) * column.width(), kCaller, ": column \"", name,
          "\" needs ", std::ssize(ids) * column.width(), " numbers for ", ids.size(), " rows, got ",
          values.size, kOutcome);
  const auto* const from = static_cast<const std::byte*>(values.data);
  require(all_storable(column.dtype, from, values.size), kCaller, ": column \"", name, "\" gets ",
          what_is_not_storable(column.dtype), kOutcome);
  for (const RowId id : ids) {
    require(presence(id) == Presence::kStored, kCaller, ": row id ", id, " is not stored",
            kOutcome);
  }
  for (std::size_t k = 0; k < ids.size(); ++k) {
    std::memcpy(record_at(slot_of(place_of(ids[k]))) + layout_.offset[i], from + k * column.bytes(),
                column.bytes());
  }
}

Storage::Footprint Storage::footprint() const {
  std::size_t row = 0;
  for (const ColumnSpec& column : columns_) {
    row += column.bytes();
  }
  Footprint bytes;
  bytes.columns = static_cast<std::size_t>(capacity()) * row;
  bytes.padding = static_cast<std::size_t>(slots()) * (layout_.stride - layout_.used);
  bytes.bookkeeping = static_cast<std::size_t>(slots()) * layout_.used - bytes.columns +
                      lanes_.size() * (sizeof(Lane) + sizeof(Index));
  bytes.final_states = finals_.bytes();
  return bytes;
}

}  // namespace palaestra::replay
