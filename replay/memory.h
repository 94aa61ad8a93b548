#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <utility>

namespace palaestra::replay {

/// Zeroed memory that starts at a cache line, on huge pages where it is large: a random row then
/// costs a cache miss and no page walk. `kSlack` readable bytes follow the last one.
class Memory {
 public:
  static constexpr std::size_t kSlack = 64;

  Memory() = default;
  /// Throws std::bad_alloc.
  explicit Memory(std::size_t bytes);
  /// Pages of `file`, which the system keeps in memory as far as there is room. The file must not
  /// exist; its disk space is taken at once, and its name is removed at once: it is gone with this
  /// object, also after a crash. Throws UserError naming the file and the system's reason.
  Memory(std::size_t bytes, const std::filesystem::path& file);
  Memory(Memory&& other) noexcept { swap(other); }
  Memory& operator=(Memory&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Memory();

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::span<std::byte> bytes() { return {data_, size_}; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  void swap(Memory& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(mapped_, other.mapped_);
  }

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t mapped_ = 0;  // bytes to unmap; 0: from operator new
};

}  // namespace palaestra::replay
