#include <palaestra/replay/datasets/hdf5/object.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include <palaestra/replay/datasets/hdf5/group.h>
#include <palaestra/replay/datasets/hdf5/heap.h>

namespace palaestra::replay::hdf5 {
namespace {

/// Headers of real files have some hundred bytes, with attributes up to 64 KiB each.
constexpr std::uint64_t kLongestHeader = 16 << 20;
constexpr std::size_t kMostMessages = 1 << 16;
constexpr std::uint8_t kShared = 2;  // flag: the message is elsewhere

/// A message that stands for others, on its way through a header.
struct Continuation {
  Address at;
  std::uint64_t bytes;
};

/// An attribute message; versions 1 to 3.
Attribute parse_attribute(const Source& source, std::span<const std::byte> bytes) {
  Cursor in(source, bytes, "an attribute");
  const std::uint8_t version = in.u8(), flags = in.u8();
  if (version < 1 || version > 3) {
    source.damaged("an attribute has version ", int{version});
  }
  const std::uint16_t name_bytes = in.u16(), type_bytes = in.u16(), space_bytes = in.u16();
  if (version == 3) {
    in.skip(1);  // character set
  }
  const auto part = [&](std::uint64_t size) {
    return in.take(version == 1 ? (size + 7) / 8 * 8 : size);
  };
  Attribute attribute;
  const auto name = part(name_bytes);
  attribute.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
  attribute.name.resize(std::min(attribute.name.find('\0'), attribute.name.size()));
  const auto type = part(type_bytes), space = part(space_bytes);
  if (version > 1 && flags != 0) {
    return attribute;  // its type is stored elsewhere: kOther
  }
  Cursor type_in(source, type, "the type of an attribute");
  attribute.type = parse_type(type_in);
  Cursor space_in(source, space, "the shape of an attribute");
  attribute.elements = parse_shape(source, space_in).elements(source);
  if (attribute.elements > in.left() || attribute.elements * attribute.type.size > in.left()) {
    source.damaged("attribute ", shown_name(attribute.name), " is longer than its header");
  }
  const auto raw = in.take(attribute.elements * attribute.type.size);
  attribute.raw.assign(raw.begin(), raw.end());
  return attribute;
}

}  // namespace

Object::Object(std::shared_ptr<const Source> source, Address address) : source_(std::move(source)) {
  std::byte first{};
  source_->read(address, {&first, 1});
  if (first == std::byte{1}) {
    parse_version_1(address);
  } else {
    parse_version_2(address);
  }
}

void Object::add(std::uint16_t type, std::uint8_t flags, std::span<const std::byte> bytes) {
  if (messages_.size() >= kMostMessages) {
    source_->damaged("a header has more than ", kMostMessages, " messages");
  }
  const bool needed = type == kSpace || type == kType || type == kLayout || type == kFilters;
  if ((flags & kShared) != 0) {
    if (needed) {
      source_->unsupported("a data set shares a part of its header with others");
    }
    return;
  }
  messages_.push_back({type, {bytes.begin(), bytes.end()}});
}

void Object::parse_version_1(Address address) {
  const auto prefix = source_->read(address, 16);
  Cursor head(*source_, prefix, "the header of an object");
  head.skip(2);
  const std::uint16_t messages = head.u16();
  head.skip(4);  // reference count
  std::vector<Continuation> blocks{{address + 16, head.u32()}};
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < blocks.size() && messages_.size() < messages; ++i) {
    total += blocks[i].bytes;
    if (total > kLongestHeader || blocks.size() > kMostMessages) {
      source_->damaged("the header of an object is too long");
    }
    const auto block = source_->read(blocks[i].at, blocks[i].bytes);
    Cursor in(*source_, block, "the header of an object");
    while (in.left() >= 8 && messages_.size() < messages) {
      const std::uint16_t type = in.u16(), size = in.u16();
      const std::uint8_t flags = in.u8();
      in.skip(3);
      const auto bytes = in.take(size);
      if (type == kContinuation) {
        Cursor more(*source_, bytes, "the header of an object");
        const Address at = more.u64();
        blocks.push_back({at, more.u64()});
      }
      add(type, flags, bytes);
    }
  }
}

void Object::parse_version_2(Address address) {
  // signature, version, flags, 16 bytes of times, 4 of limits, up to 8 of length
  const std::uint64_t prefix_bytes =
      std::min<std::uint64_t>(34, source_->size() - std::min(address, source_->size()));
  const auto prefix = source_->read(address, prefix_bytes);
  Cursor head(*source_, prefix, "the header of an object");
  head.expect("OHDR");
  if (const std::uint8_t version = head.u8(); version != 2) {
    source_->damaged("the header of an object has version ", int{version});
  }
  const std::uint8_t flags = head.u8();
  const bool ordered = (flags & 4) != 0;
  head.skip(((flags & 0x20) != 0 ? 16u : 0u) + ((flags & 0x10) != 0 ? 4u : 0u));
  const std::uint64_t first_bytes = head.number(std::size_t{1} << (flags & 3));
  if (first_bytes > kLongestHeader) {
    source_->damaged("the header of an object is too long");
  }
  std::vector<Continuation> blocks{{address, head.at() + first_bytes + 4}};
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    total += blocks[i].bytes;
    if (total > kLongestHeader || blocks.size() > kMostMessages) {
      source_->damaged("the header of an object is too long");
    }
    const auto block = source_->read(blocks[i].at, blocks[i].bytes);
    require_checksum(*source_, block, "the header of an object");
    Cursor in(*source_, std::span(block).first(block.size() - 4), "the header of an object");
    if (i == 0) {
      in.skip(head.at());
    } else {
      in.expect("OCHK");
    }
    const std::size_t message_head = ordered ? 6 : 4;
    while (in.left() >= message_head) {
      const std::uint8_t type = in.u8();
      const std::uint16_t size = in.u16();
      const std::uint8_t message_flags = in.u8();
      in.skip(ordered ? 2 : 0);
      const auto bytes = in.take(size);
      if (type == kContinuation) {
        Cursor more(*source_, bytes, "the header of an object");
        const Address at = more.u64();
        blocks.push_back({at, more.u64()});
      }
      add(type, message_flags, bytes);
    }
  }
}

const Message* Object::find(std::uint16_t type) const {
  const auto found = std::find_if(messages_.begin(), messages_.end(),
                                  [&](const Message& m) { return m.type == type; });
  return found == messages_.end() ? nullptr : &*found;
}

bool Object::is_group() const {
  return find(kSymbolTable) != nullptr || find(kLinkInfo) != nullptr || find(kLink) != nullptr;
}

std::map<std::string, Address> Object::links() const {
  std::map<std::string, Address> links;
  for (const Message& message : messages_) {
    if (message.type == kSymbolTable) {
      add_symbols(*source_, message.bytes, links);
    } else if (message.type == kLink) {
      add_link(*source_, message.bytes, links);
    } else if (message.type == kLinkInfo) {
      Cursor in(*source_, message.bytes, "a list of links");
      in.skip(1);
      in.skip((in.u8() & 1) != 0 ? 8 : 0);
      const Address heap = in.u64(), tree = in.u64();
      if (heap != kNowhere) {
        for_each_in_heap(*source_, heap, tree, HeapUse::kLinks,
                         [&](std::span<const std::byte> link) { add_link(*source_, link, links); });
      }
    }
  }
  return links;
}

std::vector<Attribute> Object::attributes() const {
  std::vector<Attribute> attributes;
  for (const Message& message : messages_) {
    if (message.type == kAttribute) {
      attributes.push_back(parse_attribute(*source_, message.bytes));
    } else if (message.type == kAttributeInfo) {
      Cursor in(*source_, message.bytes, "a list of attributes");
      in.skip(1);
      in.skip((in.u8() & 1) != 0 ? 2 : 0);
      const Address heap = in.u64(), tree = in.u64();
      if (heap != kNowhere) {
        for_each_in_heap(*source_, heap, tree, HeapUse::kAttributes,
                         [&](std::span<const std::byte> bytes) {
                           attributes.push_back(parse_attribute(*source_, bytes));
                         });
      }
    }
  }
  return attributes;
}

std::optional<std::string> Attribute::text(const Source& source) const {
  if (elements != 1) {
    return {};
  }
  if (type.kind == Type::Kind::kVariableText) {
    return read_variable_text(source, raw);
  }
  if (type.kind != Type::Kind::kText) {
    return {};
  }
  std::string text(reinterpret_cast<const char*>(raw.data()), raw.size());
  text.resize(std::min(text.find('\0'), text.size()));
  return text;
}

std::optional<double> Attribute::number(const Source& source) const {
  const auto dtype = type.dtype();
  if (elements != 1 || !dtype) {
    return {};
  }
  std::byte value[8] = {};
  auto copy = raw;
  convert(source, type, copy, 1, std::span(value).first(size_of(*dtype)));
  const auto as = [&]<class T>(T number) {
    std::memcpy(&number, value, sizeof number);
    return static_cast<double>(number);
  };
  switch (*dtype) {
    case DType::kFloat32:
      return as(float{});
    case DType::kFloat64:
      return as(double{});
    case DType::kInt64:
      return as(std::int64_t{});
    case DType::kInt32:
      return as(std::int32_t{});
    case DType::kUint8:
    case DType::kBool:
      return as(std::uint8_t{});
  }
  return {};
}

std::optional<Index> Attribute::integer(const Source& source) const {
  if (type.kind == Type::Kind::kInteger && type.size == 8 && elements == 1) {
    std::int64_t value = 0;
    auto copy = raw;
    convert(source, type, copy, 1, std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  const auto value = number(source);
  const bool whole = value && std::floor(*value) == *value && std::abs(*value) < 0x1p53;
  return whole ? std::optional(static_cast<Index>(*value)) : std::nullopt;
}

Object root_of(const std::shared_ptr<const Source>& source) {
  if (source->size() < 16) {
    source->damaged("it has ", source->size(), " bytes: no HDF5 file is that short");
  }
  const auto start = source->read(0, std::min<std::uint64_t>(source->size(), 128));
  constexpr std::string_view kSignature("\x89HDF\r\n\x1a\n", 8);
  if (std::memcmp(start.data(), kSignature.data(), kSignature.size()) != 0) {
    source->unsupported("no HDF5 file: it does not start like one");
  }
  Cursor in(*source, start, "the file's own header");
  in.skip(8);
  const std::uint8_t version = in.u8();
  if (version > 3) {
    source->unsupported("HDF5 superblock version ", int{version}, " is not read");
  }
  const auto check_sizes = [&] {
    const std::uint8_t of_addresses = in.u8(), of_lengths = in.u8();
    if (of_addresses != 8 || of_lengths != 8) {
      source->unsupported("addresses of ", int{of_addresses}, " and lengths of ", int{of_lengths},
                          " bytes are not read; 8 are");
    }
  };
  Address root = kNowhere, base = 0, end = 0;
  if (version < 2) {
    in.skip(4);
    check_sizes();
    in.skip(version == 0 ? 9 : 13);  // to the base address
    base = in.u64();
    in.skip(8);
    end = in.u64();
    in.skip(8 + 8);  // driver information; the name of the root
    root = in.u64();
  } else {
    check_sizes();
    in.skip(1);
    base = in.u64();
    in.skip(8);
    end = in.u64();
    root = in.u64();
    in.skip(4);
    require_checksum(*source, std::span(start).first(in.at()), "the file's own header");
  }
  if (base != 0) {
    source->unsupported("HDF5 files with a user block are not read");
  }
  if (end > source->size()) {
    source->damaged("it should have ", end, " bytes and has ", source->size(),
                    "; was it cut short?");
  }
  return {source, root};
}

}  // namespace palaestra::replay::hdf5
