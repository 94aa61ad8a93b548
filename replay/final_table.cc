#include <palaestra/replay/final_table.h>

#include <algorithm>

#include <palaestra/core/error.h>
#include <palaestra/replay/record_layout.h>

namespace palaestra::replay {

FinalTable::FinalTable(std::size_t entry_bytes) : stride_((entry_bytes + 7) / 8 * 8) {}

void FinalTable::reserve(Index count) {
  while (static_cast<Index>(free_.size()) < count) {
    const Index first = capacity();
    require(first + kEntries <= Link::kMaxEntries,
            "WeightedReplayBuffer: more than 2^29 episodes are stored at once");
    free_.reserve(static_cast<std::size_t>(first + kEntries));  // release() cannot then allocate
    blocks_.emplace_back(static_cast<std::size_t>(kEntries) * stride_);
    for (Index entry = first + kEntries; entry-- > first;) {
      free_.push_back(static_cast<std::int32_t>(entry));
    }
  }
}

Index FinalTable::acquire() {
  const Index entry = free_.back();
  free_.pop_back();
  return entry;
}

std::size_t FinalTable::bytes() const {
  return static_cast<std::size_t>(capacity()) * (stride_ + sizeof(std::int32_t));
}

std::vector<std::uint8_t> FinalTable::in_use() const {
  std::vector<std::uint8_t> used(static_cast<std::size_t>(capacity()), 1);
  for (const std::int32_t entry : free_) {
    used[static_cast<std::size_t>(entry)] = 0;
  }
  return used;
}

void FinalTable::save(ArchiveWriter& archive, const std::string& prefix) const {
  archive.put_scalar(prefix + "blocks", static_cast<Index>(blocks_.size()));
  archive.put(prefix + "free", free_);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    archive.put_view_bytes(prefix + std::to_string(i), DType::kUint8, blocks_[i].bytes(),
                           {kEntries, static_cast<Index>(stride_)});
  }
}

FinalTable FinalTable::load(const ArchiveReader& archive, const std::string& prefix,
                            std::size_t entry_bytes) {
  FinalTable table(entry_bytes);
  const Index blocks = archive.get_index(prefix + "blocks");
  require(blocks >= 0 && blocks <= Link::kMaxEntries / kEntries,
          "replay: the archive's table of final states has ", blocks, " blocks");
  for (Index i = 0; i < blocks; ++i) {
    const auto& block = archive.block(prefix + std::to_string(i));
    Memory memory(static_cast<std::size_t>(kEntries) * table.stride_);
    require(block.dtype == DType::kUint8 && block.bytes.size() == memory.size(),
            "replay: the archive's final states have another size than this buffer's");
    std::copy(block.bytes.begin(), block.bytes.end(), memory.data());
    table.blocks_.push_back(std::move(memory));
  }
  const auto& list = archive.block(prefix + "free");
  const std::size_t free = list.bytes.size() / sizeof(std::int32_t);
  table.free_.reserve(static_cast<std::size_t>(table.capacity()));
  require(static_cast<Index>(free) <= table.capacity(),
          "replay: the archive's list of free final states is too long");
  table.free_.resize(free);
  archive.get(prefix + "free", table.free_);
  std::vector<std::uint8_t> seen(static_cast<std::size_t>(table.capacity()), 0);
  for (const std::int32_t entry : table.free_) {
    require(entry >= 0 && entry < table.capacity() && seen[static_cast<std::size_t>(entry)]++ == 0,
            "replay: the archive's list of free final states is inconsistent");
  }
  return table;
}

}  // namespace palaestra::replay
