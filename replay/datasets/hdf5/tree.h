#pragma once

#include <functional>

#include <palaestra/replay/datasets/hdf5/source.h>

namespace palaestra::replay::hdf5 {

/// Parts of a sane file do not overlap, so that reading all of an index reads no more bytes than
/// the file has. This finds indices that run in circles, and small files that would keep us busy
/// for hours.
class Budget {
 public:
  explicit Budget(const Source& source) : source_(source), left_(source.size()) {}
  /// Throws UserError when more has been spent than the file has.
  void spend(std::uint64_t bytes) {
    if (bytes > left_) {
      source_.damaged("an index runs in circles");
    }
    left_ -= bytes;
  }

 private:
  const Source& source_;
  std::uint64_t left_;
};

/// What a B-tree of version 1 indexes.
enum class TreeType : std::uint8_t { kGroup = 0, kChunks = 1 };

struct TreeEntry {
  std::span<const std::byte> key;  ///< left of the child
  Address child;
};

/// Calls `use` for each entry of the leaves, in order. `key_bytes` is the length of a key. Throws
/// UserError for a damaged tree; a tree that runs in circles is found by the number of its nodes.
void for_each_leaf(const Source& source, Address root, TreeType type, std::size_t key_bytes,
                   const std::function<void(const TreeEntry&)>& use);

/// Calls `use` for each record of a B-tree of version 2.
void for_each_record(const Source& source, Address header,
                     const std::function<void(std::uint8_t, std::span<const std::byte>)>& use);

}  // namespace palaestra::replay::hdf5
