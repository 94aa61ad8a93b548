#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <palaestra/core/space.h>

namespace palaestra {

namespace detail {

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::kFloat32;
  if constexpr (std::is_same_v<T, double>) return DType::kFloat64;
  if constexpr (std::is_same_v<T, std::int32_t>) return DType::kInt32;
  if constexpr (std::is_same_v<T, std::uint8_t>) return DType::kUint8;
  if constexpr (std::is_same_v<T, bool>) return DType::kBool;
  return DType::kInt64;  // std::int64_t; std::uint64_t is stored as its bits
}

}  // namespace detail

/// Named blocks of numbers and short texts, written as one safetensors file.
///
/// Names are unique. Blocks lie in the order of the calls, wide elements (8 bytes) before narrow
/// ones, from a multiple of 64 bytes on: each is aligned to its elements, without the gaps that the
/// format forbids. Equal contents give equal bytes. A SHA-256 over the whole file is part of it.
class ArchiveWriter {
 public:
  ArchiveWriter();
  ~ArchiveWriter();
  ArchiveWriter(ArchiveWriter&&) noexcept;
  ArchiveWriter& operator=(ArchiveWriter&&) noexcept;

  /// Adds a block; an empty `shape` means [values.size()]. Throws std::logic_error on a repeated or
  /// reserved name, or a shape that does not multiply to the number of values.
  template <class T>
  void put(std::string_view name, std::span<const T> values, std::vector<Index> shape = {}) {
    put_bytes(name, detail::dtype_of<T>(), std::as_bytes(values), std::move(shape));
  }
  template <class T>
  void put(std::string_view name, const std::vector<T>& values, std::vector<Index> shape = {}) {
    put(name, std::span<const T>(values), std::move(shape));
  }
  /// The same without a copy: `values` must stay as they are until save().
  template <class T>
  void put_view(std::string_view name, std::span<const T> values, std::vector<Index> shape = {}) {
    put_view_bytes(name, detail::dtype_of<T>(), std::as_bytes(values), std::move(shape));
  }
  /// A single number (int64 or float64 block of shape [1]) or a stream (3 x int64).
  void put_scalar(std::string_view name, Index value) {
    put(name, std::span<const Index>(&value, 1));
  }
  void put_scalar(std::string_view name, double value) {
    put(name, std::span<const double>(&value, 1));
  }
  void put_stream(std::string_view name, const Stream& stream);
  /// A text in UTF-8, kept in the file's metadata. Throws UserError for other bytes.
  void put_text(std::string_view name, std::string_view text);

  void put_bytes(std::string_view name, DType dtype, std::span<const std::byte> bytes,
                 std::vector<Index> shape);

  void put_view_bytes(std::string_view name, DType dtype, std::span<const std::byte> bytes,
                      std::vector<Index> shape);

  /// Writes to a temporary name beside `file`, syncs, renames. Throws UserError that names the file
  /// and the cause (disk full, no permission); an older file of that name is then still whole.
  void save(const std::filesystem::path& file) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reads what ArchiveWriter wrote. Every length, offset, type and the checksum is verified before
/// any value is handed out: a truncated or altered file throws UserError, whoever altered it.
class ArchiveReader {
 public:
  enum class Origin : unsigned char {
    kPalaestra,  ///< the checksum must be there and agree
    kForeign,    ///< any safetensors file of our element types; a checksum is optional
  };

  /// The file must not be cut short by others while the reader lives (it is mapped); replacing it
  /// by a new one of the same name, as ArchiveWriter does, is fine.
  explicit ArchiveReader(const std::filesystem::path& file, Origin origin = Origin::kPalaestra);
  ~ArchiveReader();
  ArchiveReader(ArchiveReader&&) noexcept;
  ArchiveReader& operator=(ArchiveReader&&) noexcept;

  struct Block {
    DType dtype;
    std::vector<Index> shape;
    std::span<const std::byte> bytes;  ///< any alignment; valid while the reader lives
  };

  bool contains(std::string_view name) const;
  /// The blocks, in the order of the file.
  std::vector<std::string> names() const;
  /// Throws UserError when there is no such block.
  const Block& block(std::string_view name) const;

  /// Copies a block into `out`; throws UserError unless type and number of values agree.
  template <class T>
  void get(std::string_view name, std::span<T> out) const {
    get_bytes(name, detail::dtype_of<T>(), std::as_writable_bytes(out));
  }
  template <class T>
  void get(std::string_view name, std::vector<T>& out) const {
    get(name, std::span<T>(out));
  }
  /// A block of any length as a vector.
  template <class T>
  std::vector<T> get_vector(std::string_view name) const {
    std::vector<T> values(block(name).bytes.size() / sizeof(T));
    get(name, std::span<T>(values));
    return values;
  }
  Index get_index(std::string_view name) const;
  double get_double(std::string_view name) const;
  Stream get_stream(std::string_view name) const;
  bool contains_text(std::string_view name) const;
  /// Throws UserError when there is no such text.
  std::string get_text(std::string_view name) const;

 private:
  void get_bytes(std::string_view name, DType dtype, std::span<std::byte> out) const;

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace palaestra
