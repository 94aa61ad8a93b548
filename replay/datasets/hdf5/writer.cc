#include <palaestra/replay/datasets/hdf5/writer.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include <hdf5.h>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/replay/datasets/hdf5/driver.h>

namespace palaestra::replay::hdf5 {

namespace fs = std::filesystem;

namespace {

/// Debian's libhdf5 is not thread-safe: one call at a time in the process.
std::recursive_mutex& hdf5_mutex() {
  static std::recursive_mutex mutex;
  return mutex;
}
using Lock = std::lock_guard<std::recursive_mutex>;

Handle own(hid_t id, herr_t (*close)(hid_t)) { return {id, close}; }

/// h5py's bool: an enumeration over int8.
Handle file_type(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return own(H5Tcopy(H5T_IEEE_F32LE), H5Tclose);
    case DType::kFloat64:
      return own(H5Tcopy(H5T_IEEE_F64LE), H5Tclose);
    case DType::kInt64:
      return own(H5Tcopy(H5T_STD_I64LE), H5Tclose);
    case DType::kInt32:
      return own(H5Tcopy(H5T_STD_I32LE), H5Tclose);
    case DType::kUint8:
      return own(H5Tcopy(H5T_STD_U8LE), H5Tclose);
    case DType::kBool:
      break;
  }
  Handle type = own(H5Tenum_create(H5T_STD_I8LE), H5Tclose);
  for (const std::int8_t value : {std::int8_t{0}, std::int8_t{1}}) {
    H5Tenum_insert(type.get(), value == 0 ? "FALSE" : "TRUE", &value);
  }
  return type;
}

Handle text_type(const std::string& text) {
  Handle type = own(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), std::max<std::size_t>(text.size(), 1));
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

/// Without times, which would make equal files differ.
Handle creation_properties(hid_t kind) {
  Handle properties = own(H5Pcreate(kind), H5Pclose);
  H5Pset_obj_track_times(properties.get(), false);
  return properties;
}

std::size_t row_bytes_of(DType dtype, std::span<const Index> shape) {
  std::size_t bytes = size_of(dtype);
  for (const Index extent : shape) {
    bytes *= static_cast<std::size_t>(extent);
  }
  return bytes;
}

void set_chunks(hid_t properties, const std::vector<hsize_t>& chunk, int compression) {
  H5Pset_chunk(properties, static_cast<int>(chunk.size()), chunk.data());
  if (compression > 0) {
    H5Pset_shuffle(properties);
    H5Pset_deflate(properties, static_cast<unsigned>(compression));
  }
}

/// Messages are ours: none of libhdf5's own on the terminal. The caller's setting comes back.
class Silence {
 public:
  Silence() {
    H5Eget_auto2(H5E_DEFAULT, &function_, &data_);
    H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  }
  ~Silence() { H5Eset_auto2(H5E_DEFAULT, function_, data_); }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  H5E_auto2_t function_ = nullptr;
  void* data_ = nullptr;
};

fs::path temporary_name(const fs::path& file) {
  static std::atomic<unsigned> counter{0};
  return file.parent_path() / concat(".", file.filename().string(), ".palaestra-tmp-", ::getpid(),
                                     "-h", counter.fetch_add(1));
}

}  // namespace

Handle::Handle(Id id, int (*close)(Id)) : id_(id), close_(close) {
  if (id < 0) {
    throw std::runtime_error("HDF5 refused a call");
  }
}
Handle::Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
Handle& Handle::operator=(Handle&& other) noexcept {
  std::swap(id_, other.id_);
  std::swap(close_, other.close_);
  return *this;
}
Handle::~Handle() {
  if (id_ >= 0) {
    const Lock lock(hdf5_mutex());
    close_(id_);
  }
}

// ---- the file

struct FileWriter::Impl {
  fs::path target, partial;
  FileState state;
  std::optional<Handle> file;

  /// Without finish() nothing is left.
  ~Impl() {
    if (file) {
      state.error = state.error != 0 ? state.error : ECANCELED;  // nothing more is written
      const Lock lock(hdf5_mutex());
      const Silence silence;
      file.reset();
    }
    if (state.descriptor >= 0) {
      ::close(state.descriptor);
      ::unlink(partial.c_str());
    }
  }
};

FileWriter::FileWriter(const fs::path& file) : impl_(std::make_unique<Impl>()) {
  std::error_code error;
  require(!fs::exists(fs::symlink_status(file, error)), file.string(),
          " exists and is not replaced; nothing was written");
  impl_->target = file;
  impl_->partial = temporary_name(file);
  impl_->state.descriptor =
      ::open(impl_->partial.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  require(impl_->state.descriptor >= 0, "cannot write ", file.string(), ": ", std::strerror(errno));
  const Lock lock(hdf5_mutex());
  const Silence silence;
  const Handle access = access_properties(impl_->state);
  const Handle creation = creation_properties(H5P_FILE_CREATE);
  impl_->file.emplace(own(
      H5Fcreate(impl_->partial.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose));
}

FileWriter::~FileWriter() = default;

const fs::path& FileWriter::file() const { return impl_->target; }

void FileWriter::check(bool ok) const {
  if (impl_->state.error != 0) {
    throw UserError(concat(
        "cannot write ", impl_->target.string(), ": ", std::strerror(impl_->state.error),
        impl_->state.error == EFBIG || impl_->state.error == ENOSPC ? "; is the disk full?" : ""));
  }
  if (!ok) {
    throw std::runtime_error("HDF5 refused a call");
  }
}

void FileWriter::add_group(const std::string& name) {
  const Lock lock(hdf5_mutex());
  const Silence silence;
  const Handle creation = creation_properties(H5P_GROUP_CREATE);
  const Handle group =
      own(H5Gcreate2(impl_->file->get(), name.c_str(), H5P_DEFAULT, creation.get(), H5P_DEFAULT),
          H5Gclose);
  check(true);
}

void FileWriter::add_table(const std::string& name, DType dtype, std::span<const Index> shape,
                           const void* values, int compression) {
  const Lock lock(hdf5_mutex());
  const Silence silence;
  const std::vector<hsize_t> extents(shape.begin(), shape.end());
  const bool empty = std::find(extents.begin(), extents.end(), 0u) != extents.end();
  const Handle space =
      own(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr), H5Sclose);
  const Handle type = file_type(dtype);
  const Handle creation = creation_properties(H5P_DATASET_CREATE);
  if (compression > 0 && !empty && !extents.empty()) {
    auto chunk = extents;
    const std::size_t row = row_bytes_of(dtype, shape.subspan(1));
    chunk[0] = std::min<hsize_t>(chunk[0], std::max<hsize_t>(1, (1 << 20) / row));
    set_chunks(creation.get(), chunk, compression);
  }
  const Handle set = own(H5Dcreate2(impl_->file->get(), name.c_str(), type.get(), space.get(),
                                    H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                         H5Dclose);
  const herr_t written =
      empty ? 0 : H5Dwrite(set.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  check(written >= 0);
}

void FileWriter::add_text(const std::string& name, const std::string& text) {
  const Lock lock(hdf5_mutex());
  const Silence silence;
  const Handle type = text_type(text);
  const Handle space = own(H5Screate(H5S_SCALAR), H5Sclose);
  const Handle creation = creation_properties(H5P_DATASET_CREATE);
  const Handle set = own(H5Dcreate2(impl_->file->get(), name.c_str(), type.get(), space.get(),
                                    H5P_DEFAULT, creation.get(), H5P_DEFAULT),
                         H5Dclose);
  check(H5Dwrite(set.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.c_str()) >= 0);
}

void FileWriter::set_attribute(const std::string& group, const char* name,
                               const std::string& text) {
  const Lock lock(hdf5_mutex());
  const Silence silence;
  const Handle type = text_type(text);
  const Handle space = own(H5Screate(H5S_SCALAR), H5Sclose);
  const Handle attribute =
      own(H5Acreate_by_name(impl_->file->get(), group.c_str(), name, type.get(), space.get(),
                            H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
          H5Aclose);
  check(H5Awrite(attribute.get(), type.get(), text.c_str()) >= 0);
}

void FileWriter::set_attribute(const std::string& group, const char* name, Index value) {
  const Lock lock(hdf5_mutex());
  const Silence silence;
  const Handle space = own(H5Screate(H5S_SCALAR), H5Sclose);
  const Handle attribute =
      own(H5Acreate_by_name(impl_->file->get(), group.c_str(), name, H5T_STD_I64LE, space.get(),
                            H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
          H5Aclose);
  check(H5Awrite(attribute.get(), H5T_NATIVE_INT64, &value) >= 0);
}

void FileWriter::finish() {
  {
    const Lock lock(hdf5_mutex());
    const Silence silence;
    const herr_t flushed = H5Fflush(impl_->file->get(), H5F_SCOPE_GLOBAL);
    check(flushed >= 0);
    impl_->file.reset();
  }
  FileState& state = impl_->state;
  if (state.error == 0 && ::fsync(state.descriptor) != 0) {
    state.error = errno;
  }
  check(true);
  rename_to_free_name(impl_->partial, impl_->target);
  ::close(std::exchange(state.descriptor, -1));
}

// ---- rows

struct RowWriter::Impl {
  FileWriter* file;
  Handle type;
  std::vector<hsize_t> extents;  // rows so far, then the row's shape
  std::size_t row_bytes, rows_per_chunk;
  std::vector<std::byte> buffer;
  std::size_t filled = 0;
  std::string name;
  int compression;
  std::optional<Handle> set;  // made with the first rows: a chunk is no longer than a short column

  void make_set(hid_t parent) {
    auto limits = extents, chunk = extents;
    limits[0] = H5S_UNLIMITED;
    chunk[0] = std::max<std::size_t>(filled, 1);
    const Handle space =
        own(H5Screate_simple(static_cast<int>(extents.size()), extents.data(), limits.data()),
            H5Sclose);
    const Handle creation = creation_properties(H5P_DATASET_CREATE);
    set_chunks(creation.get(), chunk, compression);
    set.emplace(own(H5Dcreate2(parent, name.c_str(), type.get(), space.get(), H5P_DEFAULT,
                               creation.get(), H5P_DEFAULT),
                    H5Dclose));
  }

  ~Impl() {
    const Lock lock(hdf5_mutex());
    set.reset();
  }
};

RowWriter::RowWriter(RowWriter&&) noexcept = default;
RowWriter& RowWriter::operator=(RowWriter&&) noexcept = default;
RowWriter::~RowWriter() = default;

RowWriter::RowWriter(FileWriter& file, const std::string& name, DType dtype,
                     std::vector<Index> row_shape, const ColumnOptions& options) {
  const Lock lock(hdf5_mutex());
  const Silence silence;
  std::vector<hsize_t> extents{0};
  extents.insert(extents.end(), row_shape.begin(), row_shape.end());
  const std::size_t row_bytes = std::max<std::size_t>(row_bytes_of(dtype, row_shape), 1);
  const std::size_t rows = std::max<std::size_t>(1, options.chunk_bytes / row_bytes);
  impl_.reset(new Impl{.file = &file,
                       .type = file_type(dtype),
                       .extents = extents,
                       .row_bytes = row_bytes,
                       .rows_per_chunk = rows,
                       .buffer = std::vector<std::byte>(rows * row_bytes),
                       .name = name,
                       .compression = options.compression,
                       .set = {}});
}

void RowWriter::append(const void* values, Index rows) {
  const auto* from = static_cast<const std::byte*>(values);
  for (auto left = static_cast<std::size_t>(rows); left > 0;) {
    const std::size_t count = std::min(left, impl_->rows_per_chunk - impl_->filled);
    std::memcpy(impl_->buffer.data() + impl_->filled * impl_->row_bytes, from,
                count * impl_->row_bytes);
    impl_->filled += count;
    left -= count;
    from += count * impl_->row_bytes;
    if (impl_->filled == impl_->rows_per_chunk) {
      flush();
    }
  }
}

void RowWriter::flush() {
  Impl& self = *impl_;
  const Lock lock(hdf5_mutex());
  const Silence silence;
  if (!self.set) {
    self.make_set(self.file->impl_->file->get());
  }
  if (self.filled == 0) {
    return;
  }
  const int rank = static_cast<int>(self.extents.size());
  auto start = std::vector<hsize_t>(self.extents.size(), 0);
  start[0] = self.extents[0];
  auto count = self.extents;
  count[0] = self.filled;
  self.extents[0] += self.filled;
  self.filled = 0;
  self.file->check(H5Dset_extent(self.set->get(), self.extents.data()) >= 0);
  const Handle file_space = own(H5Dget_space(self.set->get()), H5Sclose);
  const Handle memory_space = own(H5Screate_simple(rank, count.data(), nullptr), H5Sclose);
  H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(),
                      nullptr);
  self.file->check(H5Dwrite(self.set->get(), self.type.get(), memory_space.get(), file_space.get(),
                            H5P_DEFAULT, self.buffer.data()) >= 0);
}

}  // namespace palaestra::replay::hdf5
