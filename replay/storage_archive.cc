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

/// The positions of all lanes.
std::vector<Storage::Lane> Storage::load_lanes(const ArchiveReader& archive,
                                               const std::string& prefix) const {
  std::vector<Index> room(room_numbers(room_).size());
  archive.get(prefix + "room", room);
  const auto& block = archive.block(prefix + "lanes");
  const Index saved = block.shape.empty() ? 0 : block.shape[0];
  // a lane is a row where rows are single
  const bool lanes_fit = room_.single ? saved <= room_.capacity : saved == lanes();
  require(block.dtype == DType::kInt64 && block.shape.size() == 2 && lanes_fit &&
              block.shape[1] == kLaneNumbers && room == room_numbers(room_),
          "replay: the archive has room for ", room[0], " rows, ", room[1], " behind a mark and ",
          room[2], " pinned, in ", saved, " lanes; this buffer for ", room_.capacity, ", ",
          room_.tail, " and ", room_.pinned, " in ", lanes(), "; nothing was loaded");
  std::vector<Index> numbers(static_cast<std::size_t>(saved * kLaneNumbers));
  archive.get(prefix + "lanes", numbers);

  std::vector<Lane> loaded = lanes_;
  if (room_.single) {
    loaded.clear();
    loaded.reserve(static_cast<std::size_t>(room_.capacity));
    for (Index i = 0; i < saved; ++i) {
      loaded.push_back({.base = kSingleSlots * i, .slots = kSingleSlots});
    }
  }
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    Lane& lane = loaded[i];
    lane.first = lane.episode = numbers[i * kLaneNumbers];
    lane.next = numbers[i * kLaneNumbers + 1];
    lane.open = numbers[i * kLaneNumbers + 2];
    lane.announced = numbers[i * kLaneNumbers + 3];
    const auto is_flag = [](Index n) { return n == 0 || n == 1; };
    const bool fits = lane.first >= 0 && lane.next >= lane.first && lane.rows() < lane.slots &&
                      lane.next < (Index{1} << kSequenceBits) && is_flag(lane.open) &&
                      is_flag(lane.announced) && lane.announced <= lane.open &&
                      (lane.open == 0 || lane.rows() > 0);
    require(fits && (!room_.single || (lane.rows() == 1 && lane.open == lane.announced)),
            "replay: the archive's positions of lane ", i, " are inconsistent");
    lane.tail = lane.first % lane.slots;
  }
  return loaded;
}

/// The saved records of each lane.
std::vector<std::span<const std::byte>> Storage::load_records(
    const ArchiveReader& archive, const std::string& prefix,
    const std::vector<Lane>& loaded) const {
  const auto take = [&](const std::string& name, Index slots) {
    const auto bytes = archive.block(name).bytes;
    require(bytes.size() == static_cast<std::size_t>(slots) * layout_.stride,
            "replay: the archive's rows have another size");
    return bytes;
  };
  std::vector<std::span<const std::byte>> parts;
  if (std::all_of(loaded.begin(), loaded.end(), is_used_up)) {
    const auto whole =
        take(prefix + "records", loaded.empty() ? 0 : loaded.back().base + loaded.back().slots);
    for (const Lane& lane : loaded) {
      parts.push_back(whole.subspan(static_cast<std::size_t>(lane.base) * layout_.stride,
                                    static_cast<std::size_t>(lane.slots) * layout_.stride));
    }
  } else {
    for (std::size_t i = 0; i < loaded.size(); ++i) {
      parts.push_back(take(prefix + "records/" + std::to_string(i), used_slots(loaded[i])));
    }
  }
  return parts;
}

/// Checks the saved rows of a lane and takes what they claim of the final states.
void Storage::check_records(std::span<const std::byte> records, const FinalTable& finals,
                            std::vector<std::uint8_t>& unclaimed, Lane& lane) const {
  const auto record_of = [&](Index order) {
    return records.data() +
           static_cast<std::size_t>(lane.wrapped(lane.tail + order)) * layout_.stride;
  };
  const auto check = [&](const std::byte* record, bool states_only) {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      if (columns_[c].state || !states_only) {
        require_storable(columns_[c], record + layout_.offset[c]);
      }
    }
  };
  for (Index order = 0; order < lane.rows(); ++order) {
    const std::byte* const row = record_of(order);
    check(row, false);
    Link link;
    std::memcpy(&link.bits, row + layout_.link_offset, sizeof link.bits);
    const bool newest = order + 1 == lane.rows();
    require(!newest || link.ends() == (lane.open == 0),
            "replay: the archive's newest rows are inconsistent");
    if (!link.ends()) {
      require(link.bits == Link::kContinues, "replay: the archive's rows are inconsistent");
      continue;
    }
    require((link.terminated() || link.truncated()) && link.entry() < finals.capacity() &&
                unclaimed[static_cast<std::size_t>(link.entry())]-- == 1,
            "replay: the archive's final states are inconsistent");
    check(finals.at(link.entry()), true);
    if (!newest) {
      lane.episode = lane.first + order + 1;
    }
  }
  if (lane.announced != 0) {
    check(record_of(lane.rows()), true);
  }
}

void Storage::load(const ArchiveReader& archive, const std::string& prefix) {
  require(archive.get_text(prefix + "columns") == describe(columns_, layout_),
          "replay: the archive holds other columns than this buffer; nothing was loaded");
  std::vector<Lane> loaded = load_lanes(archive, prefix);
  const Index marked = archive.get_index(prefix + "marked");
  require(marked == 0 || (marked == 1 && room_.tail > 0),
          "replay: the archive's mark is inconsistent");
  FinalTable finals = FinalTable::load(archive, prefix + "final/", layout_.state_bytes);
  const auto records = load_records(archive, prefix, loaded);
  std::vector<std::uint8_t> unclaimed = finals.in_use();
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    check_records(records[i], finals, unclaimed, loaded[i]);
  }
  require(std::all_of(unclaimed.begin(), unclaimed.end(), [](std::uint8_t n) { return n == 0; }),
          "replay: the archive's final states are inconsistent");

  for (std::size_t i = 0; i < loaded.size(); ++i) {
    std::memcpy(record_at(loaded[i].base), records[i].data(), records[i].size());
  }
  lanes_ = std::move(loaded);
  first_drawable_.assign(lanes_.size() + 1, 0);
  marked_ = marked != 0;
  finals_ = std::move(finals);
  changes_.clear();
  count_drawable();
}

}  // namespace palaestra::replay
