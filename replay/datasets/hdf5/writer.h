#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <palaestra/core/space.h>

namespace palaestra::replay::hdf5 {

/// HDF5's hid_t, so that its header need not be included.
using Id = std::int64_t;

/// An identifier of libhdf5 and the call that gives it back.
class Handle {
 public:
  /// Throws std::runtime_error where `id` says that HDF5 refused.
  Handle(Id id, int (*close)(Id));
  Handle(Handle&& other) noexcept;
  Handle& operator=(Handle&& other) noexcept;
  ~Handle();
  Id get() const { return id_; }

 private:
  Id id_;
  int (*close_)(Id);
};

struct ColumnOptions {
  int compression = 0;                ///< gzip level, 0 to 9; with HDF5's byte shuffle
  std::size_t chunk_bytes = 1 << 20;  ///< rows are gathered up to about this much
};

class FileWriter;

/// A data set that grows row by row along its first axis.
class RowWriter {
 public:
  RowWriter(FileWriter& file, const std::string& name, DType dtype, std::vector<Index> row_shape,
            const ColumnOptions& options = {});
  RowWriter(RowWriter&&) noexcept;
  RowWriter& operator=(RowWriter&&) noexcept;
  ~RowWriter();

  /// `rows` of them, row-major. Throws UserError when the disk is full.
  void append(const void* values, Index rows = 1);
  /// Writes what was gathered; needed at the end. The first call fixes the length of a chunk.
  void flush();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Makes an HDF5 file under a temporary name. Nothing stands under the final one before finish().
///
/// libhdf5 never learns of a full disk: failed writes are noted here and reported as UserError by
/// the call that caused them or the next one. (Told of them, version 1.10 leaks its buffers and
/// stumbles when it tries again at the end of the process.) Equal contents give equal bytes.
class FileWriter {
 public:
  /// Throws UserError, and nothing was made, where `file` is taken or cannot be made.
  explicit FileWriter(const std::filesystem::path& file);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  /// Makes a group below the root; its parents are there.
  void add_group(const std::string& name);
  /// A data set of known extents, in one piece, or in chunks where it is to be compressed.
  void add_table(const std::string& name, DType dtype, std::span<const Index> shape,
                 const void* values, int compression = 0);
  /// A data set that is one text of fixed length.
  void add_text(const std::string& name, const std::string& text);
  /// Attributes of a group; "/" is the root.
  void set_attribute(const std::string& group, const char* name, const std::string& text);
  void set_attribute(const std::string& group, const char* name, Index value);

  /// Closes, syncs and names the file. Throws UserError, with nothing left behind, when the disk is
  /// full or the name was taken meanwhile.
  void finish();

  const std::filesystem::path& file() const;

 private:
  friend class RowWriter;
  void check(bool ok) const;

  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace palaestra::replay::hdf5
