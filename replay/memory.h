#pragma once

#include <cstddef>
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
  Memory(Memory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Memory& operator=(Memory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Memory();

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::span<std::byte> bytes() { return {data_, size_}; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace palaestra::replay
