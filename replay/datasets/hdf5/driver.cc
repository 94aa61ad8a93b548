// A file driver for libhdf5 that keeps failures to itself.

#include <palaestra/replay/datasets/hdf5/driver.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <mutex>

#include <hdf5.h>

namespace palaestra::replay::hdf5 {
namespace {

static_assert(sizeof(Id) == sizeof(hid_t));

/// What the properties of an opened file carry: HDF5 copies it.
struct DriverInfo {
  FileState* state;
};

/// What libhdf5 knows of a file: its own part comes first.
struct DriverFile {
  H5FD_t head;
  FileState* state;
};

FileState& state_of(const H5FD_t* file) {
  return *reinterpret_cast<const DriverFile*>(file)->state;
}

H5FD_t* open_file(const char*, unsigned, hid_t access, haddr_t) {
  const auto* info = static_cast<const DriverInfo*>(H5Pget_driver_info(access));
  if (info == nullptr) {
    return nullptr;
  }
  return reinterpret_cast<H5FD_t*>(new DriverFile{{}, info->state});
}

herr_t close_file(H5FD_t* file) {
  delete reinterpret_cast<DriverFile*>(file);
  return 0;
}

int compare(const H5FD_t* a, const H5FD_t* b) {
  const auto *first = &state_of(a), *second = &state_of(b);
  return first == second ? 0 : (std::less<>{}(first, second) ? -1 : 1);
}

herr_t query(const H5FD_t*, unsigned long* flags) {
  if (flags != nullptr) {
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA;
  }
  return 0;
}

haddr_t allocated_end(const H5FD_t* file, H5FD_mem_t) { return state_of(file).allocated; }
herr_t set_allocated_end(H5FD_t* file, H5FD_mem_t, haddr_t end) {
  state_of(file).allocated = end;
  return 0;
}
haddr_t file_end(const H5FD_t* file, H5FD_mem_t) { return state_of(file).end; }

/// Bytes that were never written are zero.
herr_t read_bytes(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t size, void* out) {
  FileState& state = state_of(file);
  auto* bytes = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t count = ::pread(state.descriptor, bytes, size, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      state.error = count < 0 && state.error == 0 ? errno : state.error;
      std::memset(bytes, 0, size);
      return 0;
    }
    bytes += count, at += static_cast<haddr_t>(count), size -= static_cast<std::size_t>(count);
  }
  return 0;
}

herr_t write_bytes(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t at, std::size_t size,
                   const void* values) {
  FileState& state = state_of(file);
  state.end = std::max<std::uint64_t>(state.end, at + size);
  const auto* bytes = static_cast<const char*>(values);
  while (size > 0 && state.error == 0) {
    const ssize_t count = ::pwrite(state.descriptor, bytes, size, static_cast<off_t>(at));
    if (count < 0 && errno != EINTR) {
      state.error = errno;
    } else if (count > 0) {
      bytes += count, at += static_cast<haddr_t>(count), size -= static_cast<std::size_t>(count);
    }
  }
  return 0;
}

herr_t truncate_file(H5FD_t* file, hid_t, hbool_t) {
  FileState& state = state_of(file);
  if (state.error == 0 && state.end != state.allocated) {
    if (::ftruncate(state.descriptor, static_cast<off_t>(state.allocated)) != 0) {
      state.error = errno;
    }
  }
  state.end = state.allocated;
  return 0;
}

hid_t register_driver() {
  static H5FD_class_t driver = [] {
    H5FD_class_t d{};
    d.name = "palaestra";
    d.maxaddr = (haddr_t{1} << 62) - 1;
    d.fc_degree = H5F_CLOSE_WEAK;
    d.fapl_size = sizeof(DriverInfo);
    d.open = open_file;
    d.close = close_file;
    d.cmp = compare;
    d.query = query;
    d.get_eoa = allocated_end;
    d.set_eoa = set_allocated_end;
    d.get_eof = file_end;
    d.read = read_bytes;
    d.write = write_bytes;
    d.truncate = truncate_file;
    constexpr H5FD_mem_t kOneFreeList[] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(kOneFreeList), std::end(kOneFreeList), std::begin(d.fl_map));
    return d;
  }();
  return H5FDregister(&driver);
}

}  // namespace

Handle access_properties(FileState& state) {
  static std::once_flag once;
  static hid_t driver = -1;
  std::call_once(once, [] {
    H5dont_atexit();  // it would write to files of others at the end of the process
    driver = register_driver();
  });
  Handle properties(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const DriverInfo info{&state};
  if (H5Pset_driver(properties.get(), driver, &info) < 0) {
    throw std::runtime_error("HDF5 refused its file driver");
  }
  // nothing of a file outlives it: `state` goes with it
  H5Pset_fclose_degree(properties.get(), H5F_CLOSE_STRONG);
  return properties;
}

}  // namespace palaestra::replay::hdf5
