#include <palaestra/replay/datasets/hdf5/tree.h>

#include <bit>

namespace palaestra::replay::hdf5 {
namespace {

struct Walk {
  const Source& source;
  TreeType type;
  std::size_t key_bytes;
  const std::function<void(const TreeEntry&)>& use;
  Budget budget;

  /// `level` is what the parent promises; -1 at the root.
  void visit(Address address, int level) {
    const auto head_bytes = source.read(address, 24);
    Cursor head(source, head_bytes, "an index");
    head.expect("TREE");
    const std::uint8_t node_type = head.u8(), node_level = head.u8();
    const std::uint16_t entries = head.u16();
    if (node_type != static_cast<std::uint8_t>(type) || (level >= 0 && node_level != level)) {
      source.damaged("an index has a node of another kind");
    }
    budget.spend(24 + entries * (key_bytes + 8));
    const auto block = source.read(address + 24, entries * (key_bytes + 8));
    Cursor in(source, block, "an index");
    for (int i = 0; i < entries; ++i) {
      const auto key = in.take(key_bytes);
      const Address child = in.u64();
      if (node_level == 0) {
        use({key, child});
      } else {
        visit(child, node_level - 1);
      }
    }
  }
};

/// Bytes that HDF5 takes to store numbers up to `limit`.
std::size_t bytes_for(std::uint64_t limit) {
  return limit == 0 ? 1 : (static_cast<std::size_t>(std::bit_width(limit)) - 1) / 8 + 1;
}

/// A B-tree of version 2: how long the pointers in its inner nodes are follows from the sizes.
struct Walk2 {
  struct Level {
    std::uint64_t most_below;  // records in a node and under it
    std::size_t count_bytes;   // of that number in a pointer; 0 for leaves
  };

  static constexpr std::size_t kNodeOverhead = 10;  // signature, version, type, checksum

  const Source& source;
  const std::function<void(std::uint8_t, std::span<const std::byte>)>& use;
  Budget budget;
  std::uint8_t type = 0;
  std::uint32_t node_bytes = 0;
  std::uint16_t record_bytes = 0;
  std::size_t records_bytes = 0;  // of the number of a node's own records in a pointer
  std::vector<Level> levels = {};

  void run(Address header) {
    const auto block = source.read(header, 38);
    require_checksum(source, block, "an index");
    Cursor in(source, block, "an index");
    in.expect("BTHD");
    in.skip(1);
    type = in.u8();
    node_bytes = in.u32();
    record_bytes = in.u16();
    const std::uint16_t depth = in.u16();
    in.skip(2);
    const Address root = in.u64();
    const std::uint16_t records = in.u16();
    if (record_bytes == 0 || node_bytes < kNodeOverhead + record_bytes || depth > 16) {
      source.damaged("an index has impossible sizes");
    }
    const std::uint64_t most_in_leaf = (node_bytes - kNodeOverhead) / record_bytes;
    records_bytes = bytes_for(most_in_leaf);
    levels.push_back({most_in_leaf, 0});
    for (int level = 1; level <= depth; ++level) {
      const Level& below = levels.back();
      const std::size_t pointer = 8 + records_bytes + below.count_bytes;
      if (node_bytes < kNodeOverhead + pointer + record_bytes + pointer ||
          below.most_below > (std::uint64_t{1} << 40)) {
        source.damaged("an index has impossible sizes");
      }
      const std::uint64_t most = (node_bytes - kNodeOverhead - pointer) / (record_bytes + pointer);
      const std::uint64_t most_below = (most + 1) * below.most_below + most;
      levels.push_back({most_below, bytes_for(most_below)});
    }
    if (root != kNowhere && records > 0) {
      visit(root, records, depth);
    }
  }

  void visit(Address address, std::uint64_t records, std::size_t level) {
    const std::size_t pointer = level == 0 ? 0 : 8 + records_bytes + levels[level - 1].count_bytes;
    const std::uint64_t used =
        kNodeOverhead + records * record_bytes + (level == 0 ? 0 : (records + 1) * pointer);
    if (records > node_bytes || used > node_bytes) {
      source.damaged("a node of an index holds more than it can");
    }
    budget.spend(used);
    const auto block = source.read(address, used);
    require_checksum(source, block, "an index");
    Cursor in(source, block, "an index");
    in.expect(level == 0 ? "BTLF" : "BTIN");
    in.skip(2);
    for (std::uint64_t i = 0; i < records; ++i) {
      use(type, in.take(record_bytes));
    }
    for (std::uint64_t i = 0; level > 0 && i <= records; ++i) {
      const Address child = in.u64();
      const std::uint64_t child_records = in.number(records_bytes);
      in.skip(levels[level - 1].count_bytes);
      visit(child, child_records, level - 1);
    }
  }
};

}  // namespace

void for_each_leaf(const Source& source, Address root, TreeType type, std::size_t key_bytes,
                   const std::function<void(const TreeEntry&)>& use) {
  Walk{source, type, key_bytes, use, Budget(source)}.visit(root, -1);
}

void for_each_record(const Source& source, Address header,
                     const std::function<void(std::uint8_t, std::span<const std::byte>)>& use) {
  Walk2{source, use, Budget(source)}.run(header);
}

}  // namespace palaestra::replay::hdf5
