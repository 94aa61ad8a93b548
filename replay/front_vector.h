#pragma once

#include <utility>
#include <vector>

#include <palaestra/core/types.h>

namespace palaestra::replay {

/// A vector that is filled at the back and emptied at the front, both in amortised constant time.
/// Elements stay neighbours; it does not grow while about as many come as go.
template <class T>
class FrontVector {
 public:
  auto begin() { return values_.begin() + front_; }
  auto begin() const { return values_.begin() + front_; }
  auto end() { return values_.end(); }
  auto end() const { return values_.end(); }
  Index size() const { return std::ssize(values_) - front_; }
  bool empty() const { return size() == 0; }
  T& operator[](Index i) { return values_[static_cast<std::size_t>(front_ + i)]; }
  const T& operator[](Index i) const { return values_[static_cast<std::size_t>(front_ + i)]; }
  T& back() { return values_.back(); }
  const T& back() const { return values_.back(); }

  void reserve(Index elements) { values_.reserve(static_cast<std::size_t>(elements)); }
  void push_back(T value) {
    if (values_.size() == values_.capacity() && 2 * front_ >= std::ssize(values_)) {
      values_.erase(values_.begin(), begin());
      front_ = 0;
    }
    values_.push_back(std::move(value));
  }
  void pop_front() {
    values_[static_cast<std::size_t>(front_++)] = T{};
    if (empty()) clear();
  }
  /// O(size).
  template <class Iterator>
  void erase(Iterator at) {
    values_.erase(at);
  }
  void clear() {
    values_.clear();
    front_ = 0;
  }

 private:
  std::vector<T> values_;
  Index front_ = 0;  // elements before it are gone
};

}  // namespace palaestra::replay
