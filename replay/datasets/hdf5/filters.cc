#include <palaestra/replay/datasets/hdf5/filters.h>

#include <zlib.h>

#include <algorithm>
#include <memory>

namespace palaestra::replay::hdf5 {
namespace {

constexpr std::uint64_t kBestCompression = 1032;

std::vector<std::byte> inflate_all(const Source& source, std::span<const std::byte> packed,
                                   std::uint64_t room) {
  if (room > kBestCompression * (packed.size() + 16)) {
    source.damaged("a chunk of ", packed.size(), " bytes claims to unpack to ", room);
  }
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) {
    throw std::bad_alloc();
  }
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  std::vector<std::byte> out(room);
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  if (inflate(&stream, Z_FINISH) != Z_STREAM_END) {
    source.damaged("a compressed chunk cannot be unpacked");
  }
  out.resize(out.size() - stream.avail_out);
  return out;
}

/// First bytes of all elements, then second bytes, ...: back to elements. What does not fill an
/// element stays behind them.
std::vector<std::byte> unshuffle(std::span<const std::byte> mixed, std::size_t element) {
  std::vector<std::byte> out(mixed.begin(), mixed.end());
  const std::size_t count = mixed.size() / element;
  for (std::size_t k = 0; k < element; ++k) {
    for (std::size_t i = 0; i < count; ++i) {
      out[i * element + k] = mixed[k * count + i];
    }
  }
  return out;
}

/// HDF5's Fletcher-32: sums over big-endian 16-bit words.
std::uint32_t fletcher32(std::span<const std::byte> bytes) {
  std::uint32_t first = 0, second = 0;
  const auto add = [&](std::uint32_t word) {
    first += word;
    first = (first & 0xFFFF) + (first >> 16);
    second += first;
    second = (second & 0xFFFF) + (second >> 16);
  };
  std::size_t i = 0;
  for (; i + 1 < bytes.size(); i += 2) {
    add(std::to_integer<std::uint32_t>(bytes[i]) << 8 |
        std::to_integer<std::uint32_t>(bytes[i + 1]));
  }
  if (i < bytes.size()) {
    add(std::to_integer<std::uint32_t>(bytes[i]) << 8);
  }
  first = (first & 0xFFFF) + (first >> 16);
  second = (second & 0xFFFF) + (second >> 16);
  return second << 16 | first;
}

void take_checksum(const Source& source, std::vector<std::byte>& bytes) {
  if (bytes.size() < 4) {
    source.damaged("a chunk is shorter than its checksum");
  }
  Cursor in(source, std::span(bytes).last(4), "a chunk");
  [[maybe_unused]] const std::uint32_t stored = in.u32();
  bytes.resize(bytes.size() - 4);
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
  if (fletcher32(bytes) != stored) {
    source.damaged("the checksum of a chunk is wrong");
  }
#endif
}

}  // namespace

std::vector<std::byte> undo_filters(const Source& source, std::span<const Filter> filters,
                                    std::uint32_t mask, std::size_t element_bytes,
                                    std::vector<std::byte> packed, std::uint64_t expected) {
  for (std::size_t i = filters.size(); i-- > 0;) {
    if ((mask >> i & 1) != 0) {
      continue;
    }
    switch (filters[i].id) {
      case Filter::kDeflate:
        // a checksum that was added before is packed too
        packed = inflate_all(source, packed, expected + 4);
        break;
      case Filter::kShuffle:
        packed = unshuffle(packed, element_bytes);
        break;
      default:
        take_checksum(source, packed);
    }
  }
  if (packed.size() != expected) {
    source.damaged("a chunk has ", packed.size(), " bytes instead of ", expected);
  }
  return packed;
}

}  // namespace palaestra::replay::hdf5
