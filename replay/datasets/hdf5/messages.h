#pragma once

#include <optional>

#include <palaestra/core/space.h>
#include <palaestra/replay/datasets/hdf5/source.h>

namespace palaestra::replay::hdf5 {

/// What the elements of a data set or attribute are.
struct Type {
  enum class Kind : std::uint8_t {
    kInteger,
    kReal,
    kBool,          ///< h5py's enumeration of FALSE and TRUE
    kText,          ///< of fixed length, `size` bytes
    kVariableText,  ///< a reference of 16 bytes into a heap of the file
    kOther,
  };
  Kind kind = Kind::kOther;
  std::uint32_t size = 0;  ///< bytes per element
  bool is_signed = false, big_endian = false;

  /// The element type that holds every value: the same, or the next wider one (int16 as int32).
  /// Nothing for text, and for what is not read.
  std::optional<DType> dtype() const;
  /// The bytes in the file are those in memory.
  bool is_native() const;
  /// "float32", "big-endian int16", "text"
  std::string name() const;

  friend bool operator==(const Type&, const Type&) = default;
};
Type parse_type(Cursor& in);

/// Bytes of `count` elements as in the file to their dtype(). Throws UserError for a uint64 that no
/// int64 holds.
void convert(const Source& source, const Type& type, std::span<std::byte> raw, Index count,
             std::span<std::byte> out);

/// Extents; none for a single value.
struct Shape {
  std::vector<std::uint64_t> extents;
  bool empty = false;  ///< HDF5's null space: no element at all
  /// Throws UserError where the product does not fit 62 bits.
  std::uint64_t elements(const Source& source) const;
};
Shape parse_shape(const Source& source, Cursor& in);

struct Layout {
  enum class Kind : std::uint8_t { kCompact, kContiguous, kChunked };
  Kind kind = Kind::kContiguous;
  std::vector<std::byte> values;     ///< kCompact: the elements themselves
  Address address = kNowhere;        ///< of the elements, or of the tree of chunks
  std::uint64_t bytes = 0;           ///< kContiguous
  std::vector<std::uint64_t> chunk;  ///< kChunked: extents of a chunk, then bytes per element
};
Layout parse_layout(const Source& source, Cursor& in);

struct Filter {
  static constexpr std::uint16_t kDeflate = 1, kShuffle = 2, kFletcher32 = 3;
  std::uint16_t id = 0;
};
std::vector<Filter> parse_filters(const Source& source, Cursor& in);

}  // namespace palaestra::replay::hdf5
