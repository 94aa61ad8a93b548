#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include <palaestra/core/types.h>

namespace palaestra::envs {

/// A fixed number of zero-initialised values that starts on a 64-byte boundary: one column of a
/// batch. Never reallocates, so views of it stay valid as long as it lives.
template <class T>
class Column {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Column() = default;
  explicit Column(Index size)
      : size_(static_cast<std::size_t>(size)),
        data_(static_cast<T*>(::operator new[](size_ * sizeof(T), kAlignment))) {
    std::uninitialized_value_construct_n(data_.get(), size_);
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return data_.get()[i]; }
  const T& operator[](std::size_t i) const { return data_.get()[i]; }
  std::span<T> span() { return {data_.get(), size_}; }
  std::span<const T> span() const { return {data_.get(), size_}; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Release {
    void operator()(T* memory) const { ::operator delete[](memory, kAlignment); }
  };
  std::size_t size_ = 0;
  std::unique_ptr<T[], Release> data_;
};

}  // namespace palaestra::envs
