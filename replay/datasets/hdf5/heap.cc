#include <palaestra/replay/datasets/hdf5/heap.h>

#include <algorithm>
#include <bit>

#include <palaestra/replay/datasets/hdf5/tree.h>

namespace palaestra::replay::hdf5 {
namespace {

constexpr std::uint64_t kLongestText = 1 << 24;

int log2_of(std::uint64_t value) { return static_cast<int>(std::bit_width(value)) - 1; }

/// Finds objects in a fractal heap: blocks in rows of `width`, of a size that doubles from the
/// second row to the next; from some row on the blocks hold rows themselves.
class FractalHeap {
 public:
  FractalHeap(const Source& source, Address address) : source_(source) {
    const auto block = source.read(address, 146);
    Cursor in(source, block, "a heap");
    in.expect("FRHP");
    require_checksum(source, block, "a heap");
    in.skip(1);
    id_bytes_ = in.u16();
    const std::uint16_t filter_bytes = in.u16();
    if (filter_bytes != 0) {
      source.unsupported("a group or its attributes are compressed, which is not read");
    }
    in.skip(1);
    const std::uint32_t largest_object = in.u32();
    in.skip(96);  // twelve counts and sizes
    width_ = in.u16();
    start_bytes_ = in.u64();
    const std::uint64_t largest_direct = in.u64();
    const std::uint16_t heap_bits = in.u16();
    in.skip(2);
    root_ = in.u64();
    root_rows_ = in.u16();
    if (width_ == 0 || heap_bits == 0 || heap_bits > 64 || !std::has_single_bit(width_) ||
        !std::has_single_bit(start_bytes_) || !std::has_single_bit(largest_direct) ||
        start_bytes_ > largest_direct || largest_direct > (std::uint64_t{1} << 32)) {
      source.damaged("a heap has impossible sizes");
    }
    offset_bytes_ = (heap_bits + 7u) / 8;
    direct_rows_ = log2_of(largest_direct) - log2_of(start_bytes_) + 2;
    const auto bytes_for = [](std::uint64_t limit) {
      return limit == 0 ? std::size_t{1} : static_cast<std::size_t>(log2_of(limit)) / 8 + 1;
    };
    length_bytes_ = std::min(bytes_for(largest_direct), bytes_for(largest_object));
    header_ = address;
  }

  std::vector<std::byte> object(std::span<const std::byte> id) const {
    Cursor in(source_, id.first(std::min<std::size_t>(id.size(), id_bytes_)), "a heap's index");
    const unsigned kind = (in.u8() >> 4) & 3;
    if (kind == 2) {  // so short that it stands in the index itself; the length less one
      const std::size_t bytes = (std::to_integer<std::size_t>(id[0]) & 15) + 1;
      const auto value = in.take(bytes);
      return {value.begin(), value.end()};
    }
    if (kind != 0) {
      source_.unsupported("an attribute or name of more than 64 KiB is not read");
    }
    const std::uint64_t offset = in.number(offset_bytes_), bytes = in.number(length_bytes_);
    const Place place = find(offset);
    if (bytes > place.left) {
      source_.damaged("an object is longer than its block of the heap");
    }
    return source_.read(place.at, bytes);
  }

 private:
  struct Place {
    Address at;
    std::uint64_t left;  // bytes of the block from there
  };

  std::uint64_t row_block(int row) const {
    return row == 0 ? start_bytes_ : start_bytes_ << (row - 1);
  }

  Place find(std::uint64_t offset) const {
    if (root_rows_ == 0) {
      return in_block(root_, offset, start_bytes_);
    }
    Address block = root_;
    int rows = root_rows_;
    for (int depth = 0; depth < 16; ++depth) {
      // which row and column the offset falls into
      std::uint64_t row_start = 0;
      int row = 0;
      for (; row < rows; ++row) {
        if (row > 60 - log2_of(start_bytes_) - log2_of(width_)) {
          source_.damaged("a heap has impossible sizes");
        }
        const std::uint64_t row_bytes = row_block(row) * width_;
        if (offset - row_start < row_bytes) {
          break;
        }
        row_start += row_bytes;
      }
      if (row == rows) {
        source_.damaged("an object is outside of its heap");
      }
      const std::uint64_t column = (offset - row_start) / row_block(row);
      const std::uint64_t entry = static_cast<std::uint64_t>(row) * width_ + column;
      const auto head = source_.read(block, 4);
      Cursor signature(source_, head, "a block of a heap");
      signature.expect("FHIB");
      const auto pointer = source_.read(block + 13 + offset_bytes_ + entry * 8, 8);
      Cursor in(source_, pointer, "a block of a heap");
      block = in.u64();
      offset -= row_start + column * row_block(row);
      if (row < direct_rows_) {
        return in_block(block, offset, row_block(row));
      }
      rows = log2_of(row_block(row)) - log2_of(start_bytes_ * width_) + 1;
    }
    source_.damaged("a heap is nested too deeply");
  }

  Place in_block(Address block, std::uint64_t offset, std::uint64_t bytes) const {
    const auto head = source_.read(block, 13);
    Cursor in(source_, head, "a block of a heap");
    in.expect("FHDB");
    in.skip(1);
    if (in.u64() != header_ || offset >= bytes) {
      source_.damaged("an object is outside of its heap");
    }
    source_.require_inside(block, bytes);
    return {block + offset, bytes - offset};
  }

  const Source& source_;
  Address header_ = kNowhere, root_ = kNowhere;
  std::uint16_t id_bytes_ = 0, width_ = 0;
  std::uint64_t start_bytes_ = 0;
  std::size_t offset_bytes_ = 0, length_bytes_ = 0;
  int root_rows_ = 0, direct_rows_ = 0;
};

}  // namespace

void for_each_in_heap(const Source& source, Address heap, Address tree, HeapUse heap_use,
                      const std::function<void(std::span<const std::byte>)>& use) {
  const FractalHeap objects(source, heap);
  // records by name: links have a hash before the id, attributes flags and a hash behind it
  const std::uint8_t expected = heap_use == HeapUse::kLinks ? 5 : 8;
  const std::size_t id_at = heap_use == HeapUse::kLinks ? 4 : 0;
  const std::size_t id_bytes = heap_use == HeapUse::kLinks ? 7 : 8;
  for_each_record(source, tree, [&](std::uint8_t type, std::span<const std::byte> record) {
    if (type != expected || record.size() < id_at + id_bytes) {
      source.damaged("an index of names is of another kind");
    }
    use(objects.object(record.subspan(id_at, id_bytes)));
  });
}

std::string read_variable_text(const Source& source, std::span<const std::byte> reference) {
  Cursor in(source, reference, "a text");
  const std::uint32_t bytes = in.u32();
  const Address heap = in.u64();
  const std::uint32_t wanted = in.u32();
  if (bytes == 0) {
    return {};
  }
  const auto head_bytes = source.read(heap, 16);
  Cursor head(source, head_bytes, "a heap of texts");
  head.expect("GCOL");
  head.skip(4);
  const std::uint64_t heap_bytes = head.u64();
  if (heap_bytes < 16 || heap_bytes > kLongestText || bytes > heap_bytes) {
    source.damaged("a text has ", bytes, " bytes in a heap of ", heap_bytes);
  }
  const auto block = source.read(heap, heap_bytes);
  for (std::uint64_t at = 16; at + 16 <= heap_bytes;) {
    Cursor entry(source, std::span(block).subspan(at, 16), "a heap of texts");
    const std::uint16_t index = entry.u16();
    entry.skip(6);
    const std::uint64_t size = entry.u64();
    if (index == 0 || size > heap_bytes - at - 16) {
      break;
    }
    if (index == wanted) {
      if (bytes > size) {
        break;
      }
      return {reinterpret_cast<const char*>(block.data()) + at + 16, bytes};
    }
    at += 16 + (size + 7) / 8 * 8;
  }
  source.damaged("a text is not where it should be");
}

}  // namespace palaestra::replay::hdf5
