#pragma once

#include <cstdint>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/replay/memory.h>

namespace palaestra::replay {

/// The states after the last step of each stored episode: entries of one size, handed out and
/// taken back one by one. Memory grows in blocks up to the most episodes that were ever stored at
/// once, and is reused after that.
class FinalTable {
 public:
  explicit FinalTable(std::size_t entry_bytes);

  /// Makes room for `count` more entries: the next `count` acquire() allocate nothing. Throws
  /// UserError beyond Link::kMaxEntries.
  void reserve(Index count);
  /// An unused entry; needs an earlier reserve().
  Index acquire();
  void release(Index entry) { free_.push_back(static_cast<std::int32_t>(entry)); }

  std::byte* at(Index entry) {
    return blocks_[static_cast<std::size_t>(entry / kEntries)].data() +
           static_cast<std::size_t>(entry % kEntries) * stride_;
  }
  const std::byte* at(Index entry) const { return const_cast<FinalTable*>(this)->at(entry); }

  Index used() const { return capacity() - static_cast<Index>(free_.size()); }
  Index capacity() const { return static_cast<Index>(blocks_.size()) * kEntries; }
  std::size_t bytes() const;

  void save(ArchiveWriter& archive, const std::string& prefix) const;
  /// A table as saved. Throws UserError when the blocks do not fit this entry size.
  static FinalTable load(const ArchiveReader& archive, const std::string& prefix,
                         std::size_t entry_bytes);
  /// 1 where the entry is in use; [capacity()].
  std::vector<std::uint8_t> in_use() const;

 private:
  static constexpr Index kEntries = 256;  // per block

  std::size_t stride_;
  std::vector<Memory> blocks_;
  std::vector<std::int32_t> free_;
};

}  // namespace palaestra::replay
