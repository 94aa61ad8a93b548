#include <palaestra/cli/record.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <hdf5.h>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>

namespace palaestra::cli {

namespace fs = std::filesystem;

namespace {

/// Rows are gathered up to about this much per column before they are written.
constexpr std::size_t kChunkBytes = 1 << 20;

hid_t memory_type(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return H5T_NATIVE_FLOAT;
    case DType::kFloat64:
      return H5T_NATIVE_DOUBLE;
    case DType::kInt64:
      return H5T_NATIVE_INT64;
    case DType::kInt32:
      return H5T_NATIVE_INT32;
    case DType::kUint8:
    case DType::kBool:
      return H5T_NATIVE_UINT8;
  }
  return H5T_NATIVE_UINT8;
}

/// An HDF5 identifier and what closes it.
class Handle {
 public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id_(id), close_(close) {
    if (id < 0) {
      throw std::runtime_error("HDF5 refused a call");
    }
  }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() {
    if (id_ >= 0) {
      close_(id_);
    }
  }
  hid_t get() const { return id_; }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

/// One data set [steps, n, ...] that grows chunk by chunk.
class Column {
 public:
  Column(hid_t file, const char* name, DType dtype, Index n, const std::vector<Index>& shape)
      : type_(memory_type(dtype)), row_bytes_(size_of(dtype) * static_cast<std::size_t>(n)) {
    dims_ = {0, static_cast<hsize_t>(n)};
    for (const Index extent : shape) {
      dims_.push_back(static_cast<hsize_t>(extent));
      row_bytes_ *= static_cast<std::size_t>(extent);
    }
    rows_per_chunk_ = std::max<std::size_t>(1, kChunkBytes / std::max<std::size_t>(row_bytes_, 1));
    buffer_.resize(rows_per_chunk_ * row_bytes_);
    auto limits = dims_;
    limits[0] = H5S_UNLIMITED;
    auto chunk = dims_;
    chunk[0] = rows_per_chunk_;
    const Handle space(H5Screate_simple(rank(), dims_.data(), limits.data()), H5Sclose);
    const Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_chunk(properties.get(), rank(), chunk.data());
    set_.emplace(
        H5Dcreate2(file, name, type_, space.get(), H5P_DEFAULT, properties.get(), H5P_DEFAULT),
        H5Dclose);
  }

  bool append(const void* row) {
    std::memcpy(buffer_.data() + filled_ * row_bytes_, row, row_bytes_);
    return ++filled_ < rows_per_chunk_ || flush();
  }

  bool flush() {
    if (filled_ == 0) {
      return true;
    }
    auto start = std::vector<hsize_t>(dims_.size(), 0);
    start[0] = dims_[0];
    auto count = dims_;
    count[0] = filled_;
    dims_[0] += filled_;
    filled_ = 0;
    if (H5Dset_extent(set_->get(), dims_.data()) < 0) {
      return false;
    }
    const Handle file_space(H5Dget_space(set_->get()), H5Sclose);
    const Handle memory_space(H5Screate_simple(rank(), count.data(), nullptr), H5Sclose);
    H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(),
                        nullptr);
    return H5Dwrite(set_->get(), type_, memory_space.get(), file_space.get(), H5P_DEFAULT,
                    buffer_.data()) >= 0;
  }

 private:
  int rank() const { return static_cast<int>(dims_.size()); }

  hid_t type_;
  std::size_t row_bytes_, rows_per_chunk_ = 1, filled_ = 0;
  std::vector<hsize_t> dims_;
  std::vector<std::byte> buffer_;
  std::optional<Handle> set_;
};

void write_text(hid_t file, const char* name, const std::string& text) {
  const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), std::max<std::size_t>(text.size(), 1));
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Handle attribute(H5Acreate2(file, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
                         H5Aclose);
  H5Awrite(attribute.get(), type.get(), text.c_str());
}

void write_number(hid_t file, const char* name, std::int64_t value) {
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Handle attribute(
      H5Acreate2(file, name, H5T_NATIVE_INT64, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  H5Awrite(attribute.get(), H5T_NATIVE_INT64, &value);
}

const fs::path& free_name(const fs::path& file) {
  std::error_code error;
  require(!fs::exists(fs::symlink_status(file, error)), "the recording ", file.string(),
          " exists and is not replaced; nothing was written");
  return file;
}

hid_t make_file(const fs::path& file) {
  H5dont_atexit();  // it would write to a full disk again, and die of that
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // messages are ours
  const hid_t id = H5Fcreate(file.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  require(id >= 0, "the recording ", file.string(),
          " cannot be made: is the folder there and writable?");
  return id;
}

}  // namespace

struct Recorder::Impl {
  Impl(const fs::path& target_file, const envs::AnyBatch& batch)
      : target(free_name(target_file)),
        partial(concat(target_file.string(), ".", getpid(), ".partial")),
        file(std::in_place, make_file(partial), H5Fclose) {
    const envs::EnvSpec& spec = batch.spec();
    const Index n = batch.size();
    const bool discrete = spec.action.kind == Space::Kind::kDiscrete;
    const auto add = [&](const char* name, DType dtype, const std::vector<Index>& shape) {
      columns.emplace_back(file->get(), name, dtype, n, shape);
    };
    add("observation", spec.observation.dtype, spec.observation.shape);
    add("action", discrete ? DType::kInt64 : DType::kFloat32, spec.action.shape);
    add("reward", DType::kFloat64, {});
    add("terminated", DType::kUint8, {});
    add("truncated", DType::kUint8, {});
    add("reset", DType::kUint8, {});
    write_text(file->get(), "env", spec.id);
    write_text(file->get(), "autoreset", "NextStep");
    write_number(file->get(), "seed", static_cast<std::int64_t>(batch.options().seed));
    Column first(file->get(), "first_observation", spec.observation.dtype, n,
                 spec.observation.shape);
    check(first.append(batch.columns().observation) && first.flush());
  }

  void check(bool ok) const {
    require(ok, "the recording ", target.string(), " cannot be written: is the disk full?");
  }

  fs::path target, partial;
  std::optional<Handle> file;
  std::vector<Column> columns;
  bool finished = false;
};

Recorder::Recorder(const fs::path& file, const envs::AnyBatch& batch)
    : impl_(std::make_unique<Impl>(file, batch)) {}

Recorder::~Recorder() {
  if (!impl_->finished) {
    std::error_code error;
    fs::remove(impl_->partial, error);
  }
}

void Recorder::append(const envs::AnyBatch& batch, const rollout::Actions& actions) {
  const auto& c = batch.columns();
  const void* action = actions.choices.empty() ? static_cast<const void*>(actions.numbers.data())
                                               : actions.choices.data();
  const std::array<const void*, 6> rows{c.observation, action,      c.reward,
                                        c.terminated,  c.truncated, c.reset};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    impl_->check(impl_->columns[i].append(rows[i]));
  }
}

void Recorder::finish() {
  for (Column& column : impl_->columns) {
    impl_->check(column.flush());
  }
  impl_->check(H5Fflush(impl_->file->get(), H5F_SCOPE_GLOBAL) >= 0);
  impl_->columns.clear();  // data sets before their file
  impl_->file.reset();
  rename_to_free_name(impl_->partial, impl_->target);
  impl_->finished = true;
}

}  // namespace palaestra::cli
