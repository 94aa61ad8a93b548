#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>

#include <palaestra/core/error.h>

namespace palaestra {

/// A folder of its own for a test, removed afterwards.
struct Scratch {
  std::filesystem::path path = make_path();

  Scratch() { std::filesystem::create_directories(path); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove_all(path); }

  std::filesystem::path operator/(const std::filesystem::path& name) const { return path / name; }
  /// Entries in the folder, hidden ones included.
  long entries() const {
    return std::distance(std::filesystem::directory_iterator(path),
                         std::filesystem::directory_iterator());
  }

 private:
  static std::filesystem::path make_path() {
    static std::atomic<int> counter{0};
    return std::filesystem::temp_directory_path() /
           concat("palaestra-test-", ::getpid(), "-", counter++);
  }
};

}  // namespace palaestra
