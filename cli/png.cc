#include <palaestra/cli/png.h>

#include <zlib.h>

#include <array>
#include <new>
#include <stdexcept>
#include <string_view>

namespace palaestra::cli {
namespace {

using Bytes = std::vector<std::byte>;

void append_number(Bytes& out, std::uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) {
    out.push_back(static_cast<std::byte>(value >> shift));
  }
}

/// Length, type, contents, CRC-32 of type and contents.
void append_chunk(Bytes& out, std::string_view type, std::span<const std::byte> contents) {
  append_number(out, static_cast<std::uint32_t>(contents.size()));
  const std::size_t start = out.size();
  const auto name = std::as_bytes(std::span(type));
  out.insert(out.end(), name.begin(), name.end());
  out.insert(out.end(), contents.begin(), contents.end());
  const auto* checked = reinterpret_cast<const Bytef*>(out.data() + start);
  append_number(
      out, static_cast<std::uint32_t>(crc32(0, checked, static_cast<uInt>(out.size() - start))));
}

}  // namespace

Bytes encode_png(std::span<const std::uint8_t> picture, Index width, Index height) {
  if (width < 1 || height < 1 || std::ssize(picture) != width * height * 3) {
    throw std::logic_error("encode_png: the length does not fit the size");
  }
  // Every row is stored as what it differs by from the pixel on its left (filter 1): flat colours
  // become zeros.
  constexpr std::uint8_t kSub = 1;
  const auto stride = static_cast<std::size_t>(width) * 3;
  std::vector<std::uint8_t> rows;
  rows.reserve((stride + 1) * static_cast<std::size_t>(height));
  for (std::size_t start = 0; start < picture.size(); start += stride) {
    const auto row = picture.subspan(start, stride);
    rows.push_back(kSub);
    rows.insert(rows.end(), row.begin(), row.begin() + 3);
    for (std::size_t i = 3; i < stride; ++i) {
      rows.push_back(static_cast<std::uint8_t>(row[i] - row[i - 3]));
    }
  }
  uLongf size = compressBound(static_cast<uLong>(rows.size()));
  Bytes packed(size);
  if (compress2(reinterpret_cast<Bytef*>(packed.data()), &size, rows.data(),
                static_cast<uLong>(rows.size()), 6) != Z_OK) {
    throw std::bad_alloc();  // the only reason with a buffer of this size
  }
  packed.resize(size);

  constexpr std::array<unsigned char, 8> kSignature = {0x89, 'P', 'N', 'G', 0x0D, 0x0A, 0x1A, 0x0A};
  const auto signature = std::as_bytes(std::span(kSignature));
  Bytes out(signature.begin(), signature.end());
  Bytes header;
  append_number(header, static_cast<std::uint32_t>(width));
  append_number(header, static_cast<std::uint32_t>(height));
  for (const int field : {8, 2, 0, 0, 0}) {  // bits, RGB, deflate, filters, not interlaced
    header.push_back(static_cast<std::byte>(field));
  }
  append_chunk(out, "IHDR", header);
  append_chunk(out, "IDAT", packed);
  append_chunk(out, "IEND", {});
  return out;
}

}  // namespace palaestra::cli
