#include <palaestra/replay/windows.h>

#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <palaestra/core/error.h>
#include <palaestra/replay/neighbours.h>

namespace palaestra::replay {
namespace {

constexpr char kCaller[] = "WindowGather";
constexpr std::size_t kLine = 64;
constexpr std::size_t kStretch = 8;                     // rows between two prefetches
constexpr std::size_t kFetched = std::size_t{1} << 14;  // bytes of a window: half a first cache
constexpr std::size_t kBytesPerBlock = std::size_t{1} << 18;  // worth a thread's wake-up

/// Copies `count` pieces of `bytes` bytes, 1 to 2 sizeof(T), as two words that may overlap: no byte
/// beyond a piece is read or written.
template <class T>
void copy_pairs(const std::byte* from, std::size_t stride, std::byte* to, std::size_t bytes,
                std::size_t count) {
  const std::size_t second = bytes - sizeof(T);
  for (std::size_t i = 0; i < count; ++i, from += stride, to += bytes) {
    T low, high;
    std::memcpy(&low, from, sizeof low);
    std::memcpy(&high, from + second, sizeof high);
    std::memcpy(to, &low, sizeof low);
    std::memcpy(to + second, &high, sizeof high);
  }
}

/// The same for kVectors whole vectors of 32 bytes and one that ends with the piece.
template <std::size_t kVectors>
void copy_vectors(const std::byte* from, std::size_t stride, std::byte* to, std::size_t bytes,
                  std::size_t count) {
  const auto load = [](const std::byte* at) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  };
  const auto store = [](std::byte* at, __m256i vector) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), vector);
  };
  const std::size_t last = bytes - 32;
  for (std::size_t i = 0; i < count; ++i, from += stride, to += bytes) {
    for (std::size_t k = 0; k < kVectors; ++k) {
      store(to + 32 * k, load(from + 32 * k));
    }
    store(to + last, load(from + last));
  }
}

template <class T>
void copy_words(const std::byte* from, std::size_t stride, std::byte* to, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i, from += stride, to += sizeof(T)) {
    std::memcpy(to, from, sizeof(T));
  }
}

/// `count` pieces that lie `stride` bytes apart become neighbours.
void copy_pieces(const std::byte* from, std::size_t stride, std::byte* to, std::size_t bytes,
                 std::size_t count) {
  switch (bytes) {
    case 1:
      return copy_words<std::uint8_t>(from, stride, to, count);
    case 4:
      return copy_words<std::uint32_t>(from, stride, to, count);
    case 8:
      return copy_words<std::uint64_t>(from, stride, to, count);
    default:
      break;
  }
  if (bytes < 4) return copy_pairs<std::uint16_t>(from, stride, to, bytes, count);
  if (bytes < 8) return copy_pairs<std::uint32_t>(from, stride, to, bytes, count);
  if (bytes <= 16) return copy_pairs<std::uint64_t>(from, stride, to, bytes, count);
  if (bytes < 32) return copy_pairs<__m128i>(from, stride, to, bytes, count);
  if (bytes <= 64) return copy_vectors<1>(from, stride, to, bytes, count);
  if (bytes <= 96) return copy_vectors<2>(from, stride, to, bytes, count);
  if (bytes <= 128) return copy_vectors<3>(from, stride, to, bytes, count);
  for (std::size_t i = 0; i < count; ++i, from += stride, to += bytes) {
    std::memcpy(to, from, bytes);
  }
}

}  // namespace

void require_shape(const WindowShape& shape, std::string_view caller) {
  require(shape.length >= 1 && shape.length <= Index{1} << 20, caller, ": length is ", shape.length,
          ", expected 1 to 2^20");
  require(shape.before >= 0 && shape.before < shape.length, caller, ": before is ", shape.before,
          ", expected 0 to ", shape.length - 1, ", the length less one");
}

void WindowBlock::require_type(DType wanted) const {
  if (wanted != dtype) {
    throw std::logic_error(
        concat("WindowBlock::values: column \"", name, "\" is ", name_of(dtype)));
  }
}

const WindowBlock& WindowBatch::column(std::string_view name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const WindowBlock& block) { return block.name == name; });
  require(found != columns.end(), "WindowBatch::column: \"", name, "\" was not asked for");
  return *found;
}

WindowBatch WindowMemory::view(const Draw& draw) const {
  return {.windows = draw.rows(),
          .length = length,
          .columns = blocks,
          .mask = mask,
          .terminated = terminated,
          .truncated = truncated,
          .start = start,
          .first = first,
          .rows = rows,
          .index = draw.id,
          .weight = draw.weight,
          .probability = draw.probability};
}

WindowGather::WindowGather(const Storage& storage, std::vector<WindowColumn> columns)
    : columns_(std::move(columns)) {
  require(!columns_.empty(), kCaller, ": no columns were given, expected at least one");
  for (std::size_t k = 0; k < columns_.size(); ++k) {
    const std::size_t i = find_column(storage.columns(), columns_[k].name, kCaller);
    const ColumnSpec& column = storage.columns()[i];
    require(column.state || !columns_[k].after, kCaller, ": column \"", column.name,
            "\" is no state, so that it has no value after the last row");
    for (std::size_t j = 0; j < k; ++j) {
      require(columns_[j].name != columns_[k].name, kCaller, ": column \"", column.name,
              "\" is given twice");
    }
    fields_.push_back({storage.layout().offset[i], column.bytes(), columns_[k].after});
    row_bytes_ += column.bytes();
  }
}

/// The rows of one window: `rows` from number `start` on, the first one in slot `slot`.
struct WindowGather::Extent {
  RowId start;
  Index slot;
  Index rows;
  Index unbroken;  // rows whose slots count up from `slot`: fewer than `rows` at the ring's seam
  Index position;  // of the first row in the window
  Storage::Place last;
  Link link;  // of the last row

  static Extent around(const Storage& storage, RowId drawn, const WindowShape& shape) {
    const Storage::Place place = storage.place_of(drawn);
    Extent extent{.start = drawn,
                  .slot = storage.slot_of(place),
                  .rows = 0,
                  .unbroken = 0,
                  .position = 0,
                  .last = place,
                  .link = {}};
    Index before = 0;
    while (before < shape.before &&
           storage.presence(extent.start - 1) == Storage::Presence::kStored) {
      const Index slot = storage.slot_of(storage.place_of(extent.start - 1));
      if (storage.link(slot).ends()) {
        break;
      }
      extent.slot = slot;
      --extent.start;
      ++before;
    }
    const Index ahead = std::min(shape.length - shape.before, place.ahead);
    Index slot = storage.slot_of(place), behind = 1;
    if (storage.slot_of(storage.place_of(drawn + ahead - 1)) == slot + ahead - 1) {
      for (; behind < ahead && !storage.link(slot).ends(); ++behind, ++slot) {
      }
    } else {
      for (; behind < ahead && !storage.link(slot).ends(); ++behind) {
        slot = storage.slot_of(storage.place_of(drawn + behind));
      }
    }
    extent.link = storage.link(slot);
    extent.rows = before + behind;
    extent.last = storage.place_of(drawn + behind - 1);
    extent.unbroken = extent.rows;
    if (slot != extent.slot + extent.rows - 1) {
      extent.unbroken = 1;
      while (storage.slot_of(storage.place_of(extent.start + extent.unbroken)) ==
             extent.slot + extent.unbroken) {
        ++extent.unbroken;
      }
    }
    switch (shape.padding) {
      case WindowPadding::kInPlace:
        extent.position = shape.before - before;
        break;
      case WindowPadding::kBehind:
        break;
      case WindowPadding::kInFront:
        extent.position = shape.length - extent.rows;
        break;
    }
    return extent;
  }
};

void WindowGather::resize(const Storage& storage, Index windows, Index length,
                          WindowMemory& out) const {
  const auto n = static_cast<std::size_t>(windows);
  const std::size_t steps = n * static_cast<std::size_t>(length);
  out.length = length;
  out.mask.resize(steps);
  out.terminated.resize(steps);
  out.truncated.resize(steps);
  out.start.resize(n);
  out.first.resize(n);
  out.rows.resize(n);
  out.columns.resize(fields_.size());
  out.blocks.clear();
  for (std::size_t k = 0; k < fields_.size(); ++k) {
    const ColumnSpec& column =
        storage.columns()[find_column(storage.columns(), columns_[k].name, kCaller)];
    const Index rows = length + (fields_[k].after ? 1 : 0);
    out.columns[k].resize(n * static_cast<std::size_t>(rows) * fields_[k].bytes);
    WindowBlock block;
    block.name = columns_[k].name;
    block.dtype = column.dtype;
    block.steps = rows;
    block.width = column.width();
    block.bytes = out.columns[k];
    out.blocks.push_back(block);
  }
}

/// `next` is where the next window's records are expected: they are fetched while this one is
/// copied, a few lines at a time, so that neither waits for the other.
void WindowGather::copy_window(const Storage& storage, const Extent& extent, const std::byte* next,
                               Index window, WindowMemory& out) const {
  const std::size_t stride = storage.layout().stride;
  const std::byte* const record = storage.record(extent.slot);
  const auto first = static_cast<std::size_t>(extent.position);
  const auto rows = static_cast<std::size_t>(extent.rows);
  const auto unbroken = static_cast<std::size_t>(extent.unbroken);
  for (std::size_t k = 0; k < fields_.size(); ++k) {
    const Field& field = fields_[k];
    const auto steps = static_cast<std::size_t>(out.length + (field.after ? 1 : 0));
    std::byte* const block =
        out.columns[k].data() + static_cast<std::size_t>(window) * steps * field.bytes;
    std::byte* to = block + first * field.bytes;
    std::memset(block, 0, first * field.bytes);
    for (std::size_t row = 0; row < unbroken; row += kStretch) {
      const std::size_t count = std::min(kStretch, unbroken - row);
      copy_pieces(record + row * stride + field.offset, stride, to + row * field.bytes, field.bytes,
                  count);
      const std::size_t fetch_end = k == 0 ? std::min((row + count) * stride, kFetched) : 0;
      for (std::size_t at = row * stride; at < fetch_end; at += kLine) {
        __builtin_prefetch(next + at);
      }
    }
    to += unbroken * field.bytes;
    if (unbroken < rows) {
      const Index slot = storage.slot_of(storage.place_of(extent.start + extent.unbroken));
      copy_pieces(storage.record(slot) + field.offset, stride, to, field.bytes, rows - unbroken);
      to += (rows - unbroken) * field.bytes;
    }
    if (field.after) {
      std::memcpy(to, storage.next_states(extent.last, extent.link) + field.offset, field.bytes);
      to += field.bytes;
    }
    std::memset(to, 0, static_cast<std::size_t>(block + steps * field.bytes - to));
  }
  const auto length = static_cast<std::size_t>(out.length);
  const std::size_t at = static_cast<std::size_t>(window) * length;
  std::uint8_t* const mask = out.mask.data() + at;
  std::memset(mask, 0, length);
  std::memset(mask + first, 1, rows);
  std::memset(out.terminated.data() + at, 0, length);
  std::memset(out.truncated.data() + at, 0, length);
  out.terminated[at + first + rows - 1] = extent.link.terminated();
  out.truncated[at + first + rows - 1] = extent.link.truncated();
  out.start[static_cast<std::size_t>(window)] = extent.start;
  out.first[static_cast<std::size_t>(window)] = static_cast<std::int32_t>(extent.position);
  out.rows[static_cast<std::size_t>(window)] = static_cast<std::int32_t>(extent.rows);
}

void WindowGather::operator()(const Storage& storage, const Draw& draw, const WindowShape& shape,
                              Threads threads, WindowMemory& out) const {
  require_shape(shape, kCaller);
  require_neighbours(storage, kCaller);
  resize(storage, draw.rows(), shape.length, out);
  const std::size_t bytes = row_bytes_ * static_cast<std::size_t>(shape.length);
  const auto grain = static_cast<Index>(
      std::max<std::size_t>(1, kBytesPerBlock / std::max<std::size_t>(1, bytes)));
  parallel_for(threads, draw.rows(), grain, [&](Index begin, Index end, int) {
    for (Index window = begin; window < end; ++window) {
      const auto ahead = static_cast<std::size_t>(std::min(window + 1, end - 1));
      const std::byte* const next =
          storage.record(std::max<Index>(0, draw.slot[ahead] - shape.before));
      const Extent extent =
          Extent::around(storage, draw.id[static_cast<std::size_t>(window)], shape);
      copy_window(storage, extent, next, window, out);
    }
  });
}

}  // namespace palaestra::replay
