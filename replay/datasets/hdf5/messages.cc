// Headers of data sets; the numbers are those of the HDF5 file format specification, version 3.

#include <palaestra/replay/datasets/hdf5/messages.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

namespace palaestra::replay::hdf5 {
namespace {

/// Rank that HDF5 itself allows.
constexpr int kMaxRank = 32;

/// IEEE 754 half to single precision.
float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t{half & 0x8000u} << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1Fu, fraction = half & 0x3FFu;
  if (exponent == 0) {  // zero and subnormal numbers: fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(magnitude) | sign);
  }
  const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | wide << 23 | fraction << 13);
}

template <class From, class To>
void widen(std::span<const std::byte> raw, Index count, std::span<std::byte> out) {
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    From value;
    std::memcpy(&value, raw.data() + i * sizeof value, sizeof value);
    const auto wide = static_cast<To>(value);  // NOLINT: the sign is meant to be extended
    std::memcpy(out.data() + i * sizeof wide, &wide, sizeof wide);
  }
}

bool is_ieee(std::uint32_t size, std::uint8_t exponent_at, std::uint8_t exponent_bits,
             std::uint8_t fraction_at, std::uint8_t fraction_bits, std::uint32_t bias) {
  const auto is = [&](std::uint32_t bytes, int exponent, int fraction) {
    return size == bytes && exponent_at == fraction && exponent_bits == exponent &&
           fraction_at == 0 && fraction_bits == fraction && bias == (1u << (exponent - 1)) - 1;
  };
  return is(2, 5, 10) || is(4, 8, 23) || is(8, 11, 52);
}

/// h5py writes NumPy's bool as an enumeration over int8 with these two members.
bool is_boolean(Cursor& in, unsigned version, std::uint32_t members) {
  const Type base = parse_type(in);
  if (base.kind != Type::Kind::kInteger || base.size != 1 || members != 2) {
    return false;
  }
  for (const std::string_view name : {"FALSE", "TRUE"}) {
    // names are padded with zeros to eight bytes before version 3
    const std::size_t bytes = version < 3 ? 8 : name.size() + 1;
    if (std::string(in.text(bytes)).c_str() != name) {
      return false;
    }
  }
  return in.u8() == 0 && in.u8() == 1;
}

}  // namespace

std::optional<DType> Type::dtype() const {
  switch (kind) {
    case Kind::kBool:
      return DType::kBool;
    case Kind::kReal:
      return size == 8 ? DType::kFloat64 : DType::kFloat32;
    case Kind::kInteger:
      if (size == 1 && !is_signed) {
        return DType::kUint8;
      }
      return size == 8 || (size == 4 && !is_signed) ? DType::kInt64 : DType::kInt32;
    default:
      return {};
  }
}

bool Type::is_native() const {
  const auto element = dtype();
  return element && size_of(*element) == size && (!big_endian || size == 1) &&
         kind != Kind::kBool && !(kind == Kind::kInteger && size == 8 && !is_signed);
}

std::string Type::name() const {
  switch (kind) {
    case Kind::kBool:
      return "bool";
    case Kind::kInteger:
      return concat(big_endian && size > 1 ? "big-endian " : "", is_signed ? "int" : "uint",
                    8 * size);
    case Kind::kReal:
      return concat(big_endian ? "big-endian " : "", "float", 8 * size);
    case Kind::kText:
    case Kind::kVariableText:
      return "text";
    case Kind::kOther:
      break;
  }
  return "of a compound or other type";
}

Type parse_type(Cursor& in) {
  const std::uint8_t head = in.u8();
  const unsigned version = head >> 4;
  const auto bits = static_cast<std::uint32_t>(in.number(3));
  Type type;
  type.size = in.u32();
  const bool of_word_size = type.size == 1 || type.size == 2 || type.size == 4 || type.size == 8;
  switch (head & 15) {
    case 0: {
      type.big_endian = (bits & 1) != 0;
      type.is_signed = (bits & 8) != 0;
      const std::uint16_t offset = in.u16(), precision = in.u16();
      if (of_word_size && offset == 0 && precision == 8 * type.size) {
        type.kind = Type::Kind::kInteger;
      }
      break;
    }
    case 1: {
      type.big_endian = (bits & 1) != 0;
      const std::uint16_t offset = in.u16(), precision = in.u16();
      const std::uint8_t exponent_at = in.u8(), exponent_bits = in.u8();
      const std::uint8_t fraction_at = in.u8(), fraction_bits = in.u8();
      const std::uint32_t bias = in.u32();
      const bool vax = (bits & 0x40) != 0;
      if (!vax && offset == 0 && precision == 8 * type.size &&
          is_ieee(type.size, exponent_at, exponent_bits, fraction_at, fraction_bits, bias)) {
        type.kind = Type::Kind::kReal;
      }
      break;
    }
    case 3:
      type.kind = Type::Kind::kText;
      break;
    case 8:
      if (type.size == 1 && is_boolean(in, version, bits & 0xFFFF)) {
        type.kind = Type::Kind::kBool;
      }
      break;
    case 9:
      if ((bits & 15) == 1 && type.size == 16) {
        type.kind = Type::Kind::kVariableText;
      }
      break;
    default:
      break;
  }
  return type;
}

void convert(const Source& source, const Type& type, std::span<std::byte> raw, Index count,
             std::span<std::byte> out) {
  if (type.big_endian && type.size > 1) {
    for (std::size_t at = 0; at < raw.size(); at += type.size) {
      std::reverse(raw.begin() + static_cast<std::ptrdiff_t>(at),
                   raw.begin() + static_cast<std::ptrdiff_t>(at + type.size));
    }
  }
  const auto is = [&](Type::Kind kind, std::uint32_t size) {
    return type.kind == kind && type.size == size;
  };
  if (type.kind == Type::Kind::kBool) {
    std::transform(raw.begin(), raw.end(), out.begin(),
                   [](std::byte b) { return b == std::byte{0} ? b : std::byte{1}; });
  } else if (is(Type::Kind::kReal, 2)) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
      std::uint16_t half;
      std::memcpy(&half, raw.data() + 2 * i, 2);
      const float value = half_to_float(half);
      std::memcpy(out.data() + 4 * i, &value, 4);
    }
  } else if (is(Type::Kind::kInteger, 1) && type.is_signed) {
    widen<std::int8_t, std::int32_t>(raw, count, out);
  } else if (is(Type::Kind::kInteger, 2) && type.is_signed) {
    widen<std::int16_t, std::int32_t>(raw, count, out);
  } else if (is(Type::Kind::kInteger, 2)) {
    widen<std::uint16_t, std::int32_t>(raw, count, out);
  } else if (is(Type::Kind::kInteger, 4) && !type.is_signed) {
    widen<std::uint32_t, std::int64_t>(raw, count, out);
  } else {
    if (is(Type::Kind::kInteger, 8) && !type.is_signed) {
      for (std::size_t i = 7; i < raw.size(); i += 8) {
        if (std::to_integer<unsigned>(raw[i]) >= 128) {
          source.unsupported("a uint64 is larger than any int64");
        }
      }
    }
    std::copy(raw.begin(), raw.end(), out.begin());
  }
}

std::uint64_t Shape::elements(const Source& source) const {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 62;
  if (empty) {
    return 0;
  }
  std::uint64_t product = 1;
  bool zero = false;
  for (const std::uint64_t extent : extents) {
    zero = zero || extent == 0;
    if (extent != 0 && product > kMost / extent) {
      source.damaged("a data set claims more than 2^62 elements");
    }
    product *= std::max<std::uint64_t>(extent, 1);
  }
  return zero ? 0 : product;
}

Shape parse_shape(const Source& source, Cursor& in) {
  const std::uint8_t version = in.u8(), rank = in.u8();
  in.skip(1);  // whether greatest extents follow, which are no matter to a reader
  const std::uint8_t kind = in.u8();
  if (version == 1) {
    in.skip(4);
  } else if (version != 2) {
    source.damaged("a data space has version ", int{version});
  }
  if (rank > kMaxRank) {
    source.damaged("a data space has ", int{rank}, " dimensions");
  }
  Shape shape;
  shape.empty = version == 2 && kind == 2;
  for (int i = 0; i < rank; ++i) {
    shape.extents.push_back(in.u64());
  }
  return shape;
}

Layout parse_layout(const Source& source, Cursor& in) {
  const std::uint8_t version = in.u8();
  if (version != 3 && version != 4) {
    source.unsupported("data sets with layout version ", int{version},
                       " are not read; h5repack writes one that is");
  }
  Layout layout;
  switch (const std::uint8_t kind = in.u8(); kind) {
    case 0: {
      layout.kind = Layout::Kind::kCompact;
      const auto values = in.take(in.u16());
      layout.values.assign(values.begin(), values.end());
      break;
    }
    case 1:
      layout.address = in.u64();
      layout.bytes = in.u64();
      break;
    case 2: {
      if (version == 4) {
        source.unsupported(
            "chunks with an index of HDF5 1.10 (libver=\"latest\") are not read; "
            "h5repack --high=1 writes one that is");
      }
      layout.kind = Layout::Kind::kChunked;
      const std::uint8_t extents = in.u8();
      layout.address = in.u64();
      if (extents < 2 || extents > kMaxRank + 1) {
        source.damaged("a chunk has ", int{extents}, " dimensions");
      }
      for (int i = 0; i < extents; ++i) {
        layout.chunk.push_back(in.u32());
        if (layout.chunk.back() == 0) {
          source.damaged("a chunk is empty");
        }
      }
      break;
    }
    default:
      source.unsupported("data sets of layout class ", int{kind}, " are not read");
  }
  return layout;
}

std::vector<Filter> parse_filters(const Source& source, Cursor& in) {
  const std::uint8_t version = in.u8(), count = in.u8();
  if (version != 1 && version != 2) {
    source.damaged("a list of filters has version ", int{version});
  }
  if (count > 32) {
    source.damaged("a data set has ", int{count}, " filters");
  }
  if (version == 1) {
    in.skip(6);
  }
  std::vector<Filter> filters;
  for (int i = 0; i < count; ++i) {
    Filter filter{in.u16()};
    const std::uint16_t name_bytes = version == 1 || filter.id >= 256 ? in.u16() : std::uint16_t{0};
    in.skip(2);  // flags
    const std::uint16_t values = in.u16();
    in.skip(version == 1 ? (name_bytes + 7u) / 8 * 8 : name_bytes);
    in.skip(std::uint64_t{4} * values);
    if (version == 1 && values % 2 == 1) {
      in.skip(4);
    }
    if (filter.id != Filter::kDeflate && filter.id != Filter::kShuffle &&
        filter.id != Filter::kFletcher32) {
      source.unsupported("a data set is packed by filter ", filter.id,
                         "; read are gzip, shuffle and fletcher32");
    }
    filters.push_back(filter);
  }
  return filters;
}

}  // namespace palaestra::replay::hdf5
