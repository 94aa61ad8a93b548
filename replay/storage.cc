#include <palaestra/replay/storage.h>

#include <algorithm>
#include <cstring>

#include <palaestra/core/error.h>

namespace palaestra::replay {
namespace {

Index slots_of_lane(Index capacity, Index lanes) {
  constexpr Index kMaxRows = Index{1} << kSequenceBits;
  require(lanes >= 1 && lanes < (Index{1} << 22), "WeightedReplayBuffer: lanes is ", lanes,
          ", expected 1 to ", (Index{1} << 22) - 1);
  require(capacity >= lanes && capacity < kMaxRows, "WeightedReplayBuffer: capacity is ", capacity,
          ", expected at least one row for each of ", lanes, " lanes and below 2^40");
  return capacity / lanes + 1;
}

}  // namespace

Storage::Storage(std::vector<ColumnSpec> columns, Index capacity, Index lanes)
    : columns_(std::move(columns)),
      layout_(columns_),
      slots_per_lane_(slots_of_lane(capacity, lanes)),
      records_(static_cast<std::size_t>(slots_per_lane_ * lanes) * layout_.stride),
      finals_(layout_.state_bytes),
      lanes_(static_cast<std::size_t>(lanes)),
      first_drawable_(static_cast<std::size_t>(lanes) + 1, 0) {
  for (Sources* sources : {&now_, &next_, &last_}) {
    sources->data.resize(columns_.size());
    sources->converted.resize(columns_.size());
  }
}

void Storage::count_drawable() {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    first_drawable_[i + 1] = first_drawable_[i] + lanes_[i].drawable();
  }
  lanes_per_row_ =
      size() > 0 ? static_cast<double>(lanes_.size()) / static_cast<double>(size()) : 0.0;
}

Storage::Place Storage::locate(Index k) const {
  // lanes are about equally full, so that the guess is nearly always right
  auto lane = static_cast<std::size_t>(static_cast<double>(k) * lanes_per_row_);
  lane = std::min(lane, lanes_.size() - 1);
  if (k < first_drawable_[lane] || k >= first_drawable_[lane + 1]) [[unlikely]] {
    lane = static_cast<std::size_t>(
        std::upper_bound(first_drawable_.begin() + 1, first_drawable_.end(), k) -
        first_drawable_.begin() - 1);
  }
  const Index order = k - first_drawable_[lane];
  return {static_cast<Index>(lane), wrapped(lanes_[lane].tail + order),
          first_drawable_[lane + 1] - k};
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
