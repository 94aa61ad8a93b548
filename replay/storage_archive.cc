#include <algorithm>
#include <cstring>

#include <palaestra/core/error.h>
#include <palaestra/replay/storable.h>
#include <palaestra/replay/storage.h>

namespace palaestra::replay {
namespace {

/// The columns, in words that the loader compares and other programs can read.
std::string describe(const std::vector<ColumnSpec>& columns, const RecordLayout& layout) {
  std::string text;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    text += concat(columns[i].name, columns[i].state ? " state " : " ", name_of(columns[i].dtype));
    for (const Index extent : columns[i].shape) {
      text += concat(" ", extent);
    }
    text += concat(" @", layout.offset[i], "\n");
  }
  return text + concat("link int32 @", layout.link_offset, "\nstride ", layout.stride, "\n");
}

void require_storable(const ColumnSpec& column, const std::byte* data) {
  require(all_storable(column.dtype, data, column.width()), "replay: the archive's column \"",
          column.name, "\" holds ", what_is_not_storable(column.dtype));
}

constexpr Index kLaneNumbers = 4;

std::vector<Index> room_numbers(const Room& room) {
  return {room.capacity, room.tail, room.pinned, Index{room.single}};
}

}  // namespace

void Storage::save(ArchiveWriter& archive, const std::string& prefix) const {
  archive.put_text(prefix + "columns", describe(columns_, layout_));
  archive.put(prefix + "room", room_numbers(room_));
  archive.put_scalar(prefix + "marked", Index{marked_});
  std::vector<Index> numbers;
  for (const Lane& lane : lanes_) {
    numbers.insert(numbers.end(), {lane.first, lane.next, lane.open, lane.announced});
  }
  archive.put(prefix + "lanes", numbers, {lanes(), kLaneNumbers});
  finals_.save(archive, prefix + "final/");
  const auto stride = static_cast<Index>(layout_.stride);
  if (std::all_of(lanes_.begin(), lanes_.end(), is_used_up)) {
    const Index used = lanes_.empty() ? 0 : lanes_.back().base + lanes_.back().slots;
    archive.put_view_bytes(prefix + "records", DType::kUint8,
                           {records_.data(), static_cast<std::size_t>(used) * layout_.stride},
                           {used, stride});
    return;
  }
  for (Index i = 0; i < lanes(); ++i) {  // a lane that is filling up costs what is in it
    const Index used = used_slots(lane_at(i));
    archive.put_view_bytes(
        prefix + "records/" + std::to_string(i), DType::kUint8,
        {record(lane_at(i).base), static_cast<std::size_t>(used) * layout_.stride}, {used, stride});
  }
}

void Storage::load(const ArchiveReader& archive, const std::string& prefix) {
  require(archive.get_text(prefix + "columns") == describe(columns_, layout_),
          "replay: the archive holds other columns than this buffer; nothing was loaded");
  std::vector<Index> room(room_numbers(room_).size());
  archive.get(prefix + "room", room);
  const auto& block = archive.block(prefix + "lanes");
  const Index saved_lanes = block.shape.empty() ? 0 : block.shape[0];
  // a lane is a row where rows are single
  const bool lanes_fit = room_.single ? saved_lanes <= room_.capacity : saved_lanes == lanes();
  require(block.dtype == DType::kInt64 && block.shape.size() == 2 && lanes_fit &&
              block.shape[1] == kLaneNumbers && room == room_numbers(room_),
          "replay: the archive has room for ", room[0], " rows, ", room[1], " behind a mark and ",
          room[2], " pinned, in ", saved_lanes, " lanes; this buffer for ", room_.capacity, ", ",
          room_.tail, " and ", room_.pinned, " in ", lanes(), "; nothing was loaded");
  std::vector<Index> numbers(static_cast<std::size_t>(saved_lanes * kLaneNumbers));
  archive.get(prefix + "lanes", numbers);
  const Index marked = archive.get_index(prefix + "marked");
  require(marked == 0 || (marked == 1 && room_.tail > 0),
          "replay: the archive's mark is inconsistent");

  std::vector<Lane> loaded = lanes_;
  if (room_.single) {
    loaded.clear();
    loaded.reserve(static_cast<std::size_t>(room_.capacity));
    for (Index i = 0; i < saved_lanes; ++i) {
      loaded.push_back({.base = kSingleSlots * i, .slots = kSingleSlots});
    }
  }
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    const Index* const of = &numbers[i * kLaneNumbers];
    Lane& lane = loaded[i];
    require(of[0] >= 0 && of[1] >= of[0] && of[1] - of[0] < lane.slots &&
                of[1] < (Index{1} << kSequenceBits) && (of[2] == 0 || of[2] == 1) &&
                (of[3] == 0 || of[3] == 1) && of[3] <= of[2] && (of[2] == 0 || of[1] > of[0]),
            "replay: the archive's positions of lane ", i, " are inconsistent");
    require(!room_.single || (of[1] == of[0] + 1 && of[2] == of[3]),
            "replay: the archive's positions of lane ", i, " are inconsistent");
    lane.first = lane.episode = of[0];
    lane.next = of[1];
    lane.tail = of[0] % lane.slots;
    lane.open = of[2];
    lane.announced = of[3];
  }

  FinalTable finals = FinalTable::load(archive, prefix + "final/", layout_.state_bytes);
  std::vector<std::uint8_t> unclaimed = finals.in_use();
  std::vector<std::span<const std::byte>> parts(loaded.size());
  std::span<const std::byte> whole;
  const bool in_one = std::all_of(loaded.begin(), loaded.end(), is_used_up);
  if (in_one) {
    const Index used = loaded.empty() ? 0 : loaded.back().base + loaded.back().slots;
    whole = archive.block(prefix + "records").bytes;
    require(whole.size() == static_cast<std::size_t>(used) * layout_.stride,
            "replay: the archive's rows have another size");
  }
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    Lane& lane = loaded[i];
    parts[i] = in_one ? whole.subspan(static_cast<std::size_t>(lane.base) * layout_.stride,
                                      static_cast<std::size_t>(lane.slots) * layout_.stride)
                      : archive.block(prefix + "records/" + std::to_string(i)).bytes;
    require(parts[i].size() == static_cast<std::size_t>(used_slots(lane)) * layout_.stride,
            "replay: the archive's rows have another size");
    const auto row_at = [&](Index order) {
      return parts[i].data() +
             static_cast<std::size_t>(lane.wrapped(lane.tail + order)) * layout_.stride;
    };
    for (std::size_t c = 0; c < columns_.size() && lane.announced != 0; ++c) {
      if (columns_[c].state) {
        require_storable(columns_[c], row_at(lane.rows()) + layout_.offset[c]);
      }
    }
    for (Index order = 0; order < lane.rows(); ++order) {
      const std::byte* const row = row_at(order);
      Link link;
      std::memcpy(&link.bits, row + layout_.link_offset, sizeof link.bits);
      const bool newest = order + 1 == lane.rows();
      require(!newest || link.ends() == (lane.open == 0),
              "replay: the archive's newest row of lane ", i, " is inconsistent");
      if (link.ends()) {
        require((link.terminated() || link.truncated()) && link.entry() < finals.capacity() &&
                    unclaimed[static_cast<std::size_t>(link.entry())]-- == 1,
                "replay: the archive's final states are inconsistent");
        if (!newest) {
          lane.episode = lane.first + order + 1;
        }
      } else {
        require(link.bits == Link::kContinues, "replay: the archive's rows are inconsistent");
      }
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        require_storable(columns_[c], row + layout_.offset[c]);
        if (columns_[c].state && link.ends()) {
          require_storable(columns_[c], finals.at(link.entry()) + layout_.offset[c]);
        }
      }
    }
  }

  require(std::all_of(unclaimed.begin(), unclaimed.end(), [](std::uint8_t n) { return n == 0; }),
          "replay: the archive's final states are inconsistent");

  for (std::size_t i = 0; i < loaded.size(); ++i) {
    std::memcpy(record_at(loaded[i].base), parts[i].data(), parts[i].size());
  }
  lanes_ = std::move(loaded);
  first_drawable_.assign(lanes_.size() + 1, 0);
  marked_ = marked != 0;
  finals_ = std::move(finals);
  changes_.clear();
  count_drawable();
}

}  // namespace palaestra::replay
