#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
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
/// Names are unique; block order in
/// the file is the order of the calls, so equal contents give equal bytes.
class ArchiveWriter {
 public:
  ArchiveWriter();
  ~ArchiveWriter();
  ArchiveWriter(ArchiveWriter&&) noexcept;
  ArchiveWriter& operator=(ArchiveWriter&&) noexcept;

  /// Adds a block; an empty `shape` means [values.size()]. Throws std::logic_error on a repeated
  /// name or a shape that does not multiply to the number of values.
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
  /// A text, kept in the file's metadata.
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

/// Reads what ArchiveWriter wrote. Every length, offset, type and checksum is verified before any
/// value is handed out: a truncated or altered file throws UserError.
class ArchiveReader {
 public:
  explicit ArchiveReader(const std::filesystem::path& file);
  ~ArchiveReader();
  ArchiveReader(ArchiveReader&&) noexcept;
  ArchiveReader& operator=(ArchiveReader&&) noexcept;

  struct Block {
    DType dtype;
    std::vector<Index> shape;
    std::span<const std::byte> bytes;  ///< any alignment; valid while the reader lives
  };

  bool contains(std::string_view name) const;
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
  Index get_index(std::string_view name) const;
  double get_double(std::string_view name) const;
  Stream get_stream(std::string_view name) const;
  /// Throws UserError when there is no such text.
  std::string get_text(std::string_view name) const;

 private:
  void get_bytes(std::string_view name, DType dtype, std::span<std::byte> out) const;

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace palaestra
