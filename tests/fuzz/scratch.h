#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

namespace palaestra::fuzz {

/// A folder of this process, in memory where there is such a place: a file is written per input.
inline const std::filesystem::path& scratch() {
  static const std::filesystem::path folder = [] {
    const std::filesystem::path shared = "/dev/shm";
    const auto base =
        std::filesystem::exists(shared) ? shared : std::filesystem::temp_directory_path();
    const auto made = base / ("palaestra_fuzz_" + std::to_string(::getpid()));
    std::filesystem::create_directories(made);
    return made;
  }();
  return folder;
}

}  // namespace palaestra::fuzz
