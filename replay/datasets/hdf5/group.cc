#include <palaestra/replay/datasets/hdf5/group.h>

#include <algorithm>

#include <palaestra/core/text.h>
#include <palaestra/replay/datasets/hdf5/tree.h>

namespace palaestra::replay::hdf5 {
namespace {

constexpr std::size_t kSymbolBytes = 40;
constexpr std::uint32_t kSymbolicLink = 2;
constexpr std::size_t kLongestName = 4096;

void insert(const Source& source, std::string name, Address address,
            std::map<std::string, Address>& links) {
  if (links.size() >= kMostLinks) {
    source.damaged("a group has more than ", kMostLinks, " members");
  }
  if (!links.emplace(name, address).second) {
    source.damaged("a group has two members called ", shown_name(name));
  }
}

/// The zero-ended text at `offset` of a local heap.
std::string heap_text(const Source& source, std::span<const std::byte> heap, std::uint64_t offset) {
  if (offset >= heap.size()) {
    source.damaged("the name of a group's member is outside of its heap");
  }
  const auto rest = heap.subspan(offset);
  const auto end = std::find(rest.begin(), rest.end(), std::byte{0});
  if (end == rest.end() || end - rest.begin() > static_cast<std::ptrdiff_t>(kLongestName)) {
    source.damaged("the name of a group's member does not end");
  }
  return {reinterpret_cast<const char*>(rest.data()), static_cast<std::size_t>(end - rest.begin())};
}

}  // namespace

std::string shown_name(std::string_view name) { return shown(name); }

void add_symbols(const Source& source, std::span<const std::byte> message,
                 std::map<std::string, Address>& links) {
  Cursor in(source, message, "a group");
  const Address tree = in.u64(), heap_at = in.u64();
  const auto heap_head = source.read(heap_at, 32);
  Cursor head(source, heap_head, "the names of a group");
  head.expect("HEAP");
  head.skip(4);
  const std::uint64_t heap_bytes = head.u64();
  head.skip(8);
  const auto heap = source.read(head.u64(), heap_bytes);
  Budget budget(source);
  for_each_leaf(source, tree, TreeType::kGroup, 8, [&](const TreeEntry& entry) {
    const auto node_head = source.read(entry.child, 8);
    Cursor node(source, node_head, "the members of a group");
    node.expect("SNOD");
    node.skip(2);
    const std::uint16_t symbols = node.u16();
    budget.spend(8 + symbols * kSymbolBytes);
    const auto block = source.read(entry.child + 8, symbols * kSymbolBytes);
    Cursor table(source, block, "the members of a group");
    for (int i = 0; i < symbols; ++i) {
      const std::uint64_t name = table.u64();
      const Address address = table.u64();
      const std::uint32_t kind = table.u32();
      table.skip(20);
      if (kind != kSymbolicLink) {
        insert(source, heap_text(source, heap, name), address, links);
      }
    }
  });
}

void add_link(const Source& source, std::span<const std::byte> message,
              std::map<std::string, Address>& links) {
  Cursor in(source, message, "a link");
  if (const std::uint8_t version = in.u8(); version != 1) {
    source.damaged("a link has version ", int{version});
  }
  const std::uint8_t flags = in.u8();
  const std::uint8_t kind = (flags & 8) != 0 ? in.u8() : std::uint8_t{0};
  in.skip(((flags & 4) != 0 ? 8u : 0u) + ((flags & 16) != 0 ? 1u : 0u));
  const std::uint64_t name_bytes = in.number(std::size_t{1} << (flags & 3));
  if (name_bytes > kLongestName) {
    source.damaged("the name of a group's member is too long");
  }
  std::string name = in.text(name_bytes);
  if (kind == 0) {
    insert(source, std::move(name), in.u64(), links);
  }
}

}  // namespace palaestra::replay::hdf5
