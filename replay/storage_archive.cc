#include <algorithm>
#include <cmath>
#include <cstring>

#include <palaestra/core/error.h>
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

template <class T>
bool is_finite(const std::byte* data, Index count) {
  for (Index i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, data + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
    if (!std::isfinite(value)) {
      return false;
    }
  }
  return true;
}

void require_finite(const ColumnSpec& column, const std::byte* data) {
  const bool finite = column.dtype == DType::kFloat32   ? is_finite<float>(data, column.width())
                      : column.dtype == DType::kFloat64 ? is_finite<double>(data, column.width())
                                                        : true;
  require(finite, "replay: the archive's column \"", column.name,
          "\" holds a number that is not finite");
}

constexpr Index kLaneNumbers = 4;

}  // namespace

void Storage::save(ArchiveWriter& archive, const std::string& prefix) const {
  archive.put_text(prefix + "columns", describe(columns_, layout_));
  archive.put_scalar(prefix + "capacity", capacity());
  std::vector<Index> numbers;
  bool full = true;
  for (const Lane& lane : lanes_) {
    numbers.insert(numbers.end(), {lane.first, lane.next, lane.open, lane.announced});
    full = full && lane.first > 0;
  }
  archive.put(prefix + "lanes", numbers, {lanes(), kLaneNumbers});
  finals_.save(archive, prefix + "final/");
  const auto stride = static_cast<Index>(layout_.stride);
  if (full) {
    archive.put_view_bytes(prefix + "records", DType::kUint8, records_.bytes(), {slots(), stride});
    return;
  }
  for (Index i = 0; i < lanes(); ++i) {  // a buffer that is filling up costs what is in it
    const Index used = lane_at(i).first > 0 ? slots_per_lane_ : lane_at(i).next + 1;
    archive.put_view_bytes(
        prefix + "records/" + std::to_string(i), DType::kUint8,
        {record(i * slots_per_lane_), static_cast<std::size_t>(used) * layout_.stride},
        {used, stride});
  }
}

void Storage::load(const ArchiveReader& archive, const std::string& prefix) {
  require(archive.get_text(prefix + "columns") == describe(columns_, layout_),
          "replay: the archive holds other columns than this buffer; nothing was loaded");
  const Index saved_capacity = archive.get_index(prefix + "capacity");
  const auto& block = archive.block(prefix + "lanes");
  require(block.dtype == DType::kInt64 && block.shape.size() == 2 && block.shape[0] == lanes() &&
              block.shape[1] == kLaneNumbers && saved_capacity == capacity(),
          "replay: the archive holds ", saved_capacity, " rows in ",
          block.shape.empty() ? 0 : block.shape[0], " lanes, this buffer ", capacity(), " in ",
          lanes(), "; nothing was loaded");
  std::vector<Index> numbers(static_cast<std::size_t>(lanes() * kLaneNumbers));
  archive.get(prefix + "lanes", numbers);

  std::vector<Lane> loaded(lanes_.size());
  bool full = true;
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    const Index* const of = &numbers[i * kLaneNumbers];
    Lane& lane = loaded[i];
    require(of[0] >= 0 && of[1] >= of[0] && of[1] - of[0] <= rows_per_lane() &&
                of[1] < (Index{1} << kSequenceBits) && (of[2] == 0 || of[2] == 1) &&
                (of[3] == 0 || of[3] == 1) && of[3] <= of[2] && (of[2] == 0 || of[1] > of[0]),
            "replay: the archive's positions of lane ", i, " are inconsistent");
    lane = {of[0], of[1], of[0] % slots_per_lane_, of[2], of[3]};
    full = full && lane.first > 0;
  }

  FinalTable finals = FinalTable::load(archive, prefix + "final/", layout_.state_bytes);
  std::vector<std::uint8_t> unclaimed = finals.in_use();
  const std::size_t lane_bytes = static_cast<std::size_t>(slots_per_lane_) * layout_.stride;
  std::vector<std::span<const std::byte>> parts(loaded.size());
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    const Lane& lane = loaded[i];
    if (full) {
      const auto& records = archive.block(prefix + "records").bytes;
      require(records.size() == records_.size(), "replay: the archive's rows have another size");
      parts[i] = records.subspan(i * lane_bytes, lane_bytes);
    } else {
      parts[i] = archive.block(prefix + "records/" + std::to_string(i)).bytes;
      const Index used = lane.first > 0 ? slots_per_lane_ : lane.next + 1;
      require(parts[i].size() == static_cast<std::size_t>(used) * layout_.stride,
              "replay: the archive's rows have another size");
    }
    for (Index order = 0; order < lane.rows(); ++order) {
      const std::byte* const row =
          parts[i].data() + static_cast<std::size_t>(wrapped(lane.tail + order)) * layout_.stride;
      Link link;
      std::memcpy(&link.bits, row + layout_.link_offset, sizeof link.bits);
      const bool newest = order + 1 == lane.rows();
      require(!newest || link.ends() == (lane.open == 0),
              "replay: the archive's newest row of lane ", i, " is inconsistent");
      if (link.ends()) {
        require((link.terminated() || link.truncated()) && link.entry() < finals.capacity() &&
                    unclaimed[static_cast<std::size_t>(link.entry())]-- == 1,
                "replay: the archive's final states are inconsistent");
      } else {
        require(link.bits == Link::kContinues, "replay: the archive's rows are inconsistent");
      }
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        require_finite(columns_[c], row + layout_.offset[c]);
        if (columns_[c].state && link.ends()) {
          require_finite(columns_[c], finals.at(link.entry()) + layout_.offset[c]);
        }
      }
    }
  }

  require(std::all_of(unclaimed.begin(), unclaimed.end(), [](std::uint8_t n) { return n == 0; }),
          "replay: the archive's final states are inconsistent");

  for (std::size_t i = 0; i < loaded.size(); ++i) {
    std::memcpy(records_.data() + i * lane_bytes, parts[i].data(), parts[i].size());
  }
  lanes_ = std::move(loaded);
  finals_ = std::move(finals);
  changes_.clear();
  count_drawable();
}

}  // namespace palaestra::replay
