#pragma once

#include <palaestra/replay/datasets/hdf5/object.h>

namespace palaestra::replay::hdf5 {

/// A table of numbers in a file: rows along its first axis, read range by range. What was unpacked
/// last is kept, so that reading on row by row costs no second unpacking. One thread at a time.
class Table {
 public:
  /// Throws UserError unless the object is a data set whose claims fit the size of its file.
  /// `name` is for messages.
  Table(const Object& object, std::string name);

  const std::string& name() const { return name_; }
  const Type& type() const { return type_; }
  /// The element type that read() gives; nothing for text and other kinds, which are not read.
  std::optional<DType> dtype() const { return type_.dtype(); }
  /// Extents; empty for a single value.
  const std::vector<Index>& shape() const { return shape_; }
  /// Extents of a row: all but the first.
  std::vector<Index> row_shape() const;
  Index rows() const { return shape_.empty() ? 1 : shape_.front(); }
  Index row_elements() const { return row_elements_; }

  /// Copies rows [first, first + count), `out` of exactly their size in dtype(). Throws UserError
  /// for a range outside of the table and for what is damaged.
  void read(Index first, Index count, std::span<std::byte> out) const;
  /// A data set that is one text of fixed length.
  std::string read_text() const;

 private:
  struct Chunk {
    Address at = kNowhere;
    std::uint32_t bytes = 0, mask = 0;
  };
  using Unpacked = std::vector<std::byte>;

  void read_raw(Index first, Index count, std::span<std::byte> out) const;
  void read_chunks(Index first, Index count, std::span<std::byte> out) const;
  void find_chunks() const;
  const Unpacked& unpack(std::size_t number) const;

  std::shared_ptr<const Source> source_;
  std::string name_;
  Type type_;
  std::vector<Index> shape_;
  Index row_elements_ = 1;
  bool empty_ = false;
  Layout layout_;
  std::vector<Filter> filters_;
  std::vector<std::uint64_t> grid_;  // chunks along each axis
  std::uint64_t chunk_bytes_ = 0;    // unpacked

  mutable std::vector<Chunk> chunks_;  // by place in the grid, row-major; empty until needed
  mutable std::vector<std::pair<std::size_t, Unpacked>> cache_;
  mutable std::size_t next_out_ = 0;  // of the cache
};

}  // namespace palaestra::replay::hdf5
