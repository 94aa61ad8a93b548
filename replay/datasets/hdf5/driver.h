#pragma once

#include <filesystem>
#include <memory>

#include <palaestra/replay/datasets/hdf5/writer.h>

namespace palaestra::replay::hdf5 {

/// What becomes of a file behind libhdf5's back.
struct FileState {
  int descriptor = -1;
  int error = 0;  ///< errno of the first call that failed; later writes are not even tried
  std::uint64_t end = 0, allocated = 0;
};

/// File access properties for a new file on an open descriptor, whose errors go to `state` and not
/// to libhdf5. `state` must outlive the file.
Handle access_properties(FileState& state);

}  // namespace palaestra::replay::hdf5
