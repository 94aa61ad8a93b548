#include <palaestra/replay/datasets/hdf5/table.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include <palaestra/replay/datasets/hdf5/filters.h>
#include <palaestra/replay/datasets/hdf5/group.h>
#include <palaestra/replay/datasets/hdf5/tree.h>

namespace palaestra::replay::hdf5 {
namespace {

/// Deflate cannot make more than this many bytes out of one.
constexpr std::uint64_t kBestCompression = 1032;
/// A single chunk; those of real files have up to some MiB.
constexpr std::uint64_t kLargestChunk = std::uint64_t{256} << 20;
constexpr std::uint64_t kCacheBytes = 16 << 20;
constexpr std::size_t kMostCached = 64;
constexpr std::size_t kMostAxes = 8;

std::vector<std::byte> header_part(const Object& object, std::uint16_t type,
                                   const std::string& name) {
  const Message* message = object.find(type);
  if (message == nullptr) {
    object.source().damaged("data set ", shown_name(name), " has no shape, type or place");
  }
  return message->bytes;
}

/// Copies the box [first, end) of a chunk's rows into rows of the table. Extents are in elements,
/// the last axis runs fastest.
struct BoxCopy {
  std::span<const std::uint64_t> chunk_shape, table_shape, start;
  std::size_t element;
  const std::byte* from;
  std::byte* to;

  /// `from_at` and `to_at` count elements.
  void run(std::size_t axis, std::uint64_t begin, std::uint64_t end, std::uint64_t from_at,
           std::uint64_t to_at) const {
    std::uint64_t from_step = 1, to_step = 1;
    for (std::size_t k = axis + 1; k < chunk_shape.size(); ++k) {
      from_step *= chunk_shape[k];
      to_step *= table_shape[k];
    }
    const bool whole =
        std::equal(chunk_shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, chunk_shape.end(),
                   table_shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1);
    if (axis + 1 == chunk_shape.size() || whole) {
      std::memcpy(to + to_at * element, from + (from_at + begin * from_step) * element,
                  (end - begin) * from_step * element);
      return;
    }
    const std::uint64_t next_start = start[axis + 1];
    const std::uint64_t next_end =
        std::min(chunk_shape[axis + 1], table_shape[axis + 1] - next_start);
    for (std::uint64_t i = begin; i < end; ++i) {
      std::uint64_t next_step = 1;
      for (std::size_t k = axis + 2; k < table_shape.size(); ++k) {
        next_step *= table_shape[k];
      }
      run(axis + 1, 0, next_end, from_at + i * from_step,
          to_at + (i - begin) * to_step + next_start * next_step);
    }
  }
};

}  // namespace

Table::Table(const Object& object, std::string name)
    : source_(object.shared_source()), name_(std::move(name)) {
  const Source& source = *source_;
  const auto type = header_part(object, Object::kType, name_);
  const auto space = header_part(object, Object::kSpace, name_);
  const auto layout = header_part(object, Object::kLayout, name_);
  Cursor type_in(source, type, "the type of a data set");
  type_ = parse_type(type_in);
  Cursor space_in(source, space, "the shape of a data set");
  const Shape shape = parse_shape(source, space_in);
  Cursor layout_in(source, layout, "the place of a data set");
  layout_ = parse_layout(source, layout_in);
  if (const Message* filters = object.find(Object::kFilters)) {
    Cursor in(source, filters->bytes, "the filters of a data set");
    filters_ = parse_filters(source, in);
  }

  const std::uint64_t elements = shape.elements(source);
  empty_ = elements == 0;
  if (type_.size == 0 || elements > kBestCompression * (source.size() + 64) / type_.size) {
    source.damaged("data set ", shown_name(name_), " claims ", elements, " elements of ",
                   type_.size, " bytes, but the file has ", source.size(), " bytes");
  }
  if (shape.extents.size() > kMostAxes) {
    source.unsupported("data set ", shown_name(name_), " has ", shape.extents.size(),
                       " axes; up to ", kMostAxes, " are read");
  }
  for (const std::uint64_t extent : shape.extents) {
    // an extent beside one of zero is not bounded by the number of elements
    if (extent >
        static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max()) * kBestCompression) {
      source.damaged("data set ", shown_name(name_), " claims an extent of ", extent);
    }
    shape_.push_back(static_cast<Index>(extent));
  }
  for (std::size_t k = 1; k < shape_.size(); ++k) {
    row_elements_ = empty_ ? 0 : row_elements_ * shape_[k];
  }
  if (layout_.kind != Layout::Kind::kChunked) {
    const std::uint64_t bytes = elements * type_.size;
    if (layout_.kind == Layout::Kind::kCompact) {
      if (layout_.values.size() < bytes) {
        source.damaged("data set ", shown_name(name_), " is shorter than its shape");
      }
    } else if (!empty_ && layout_.address == kNowhere) {
      source.unsupported("data set ", shown_name(name_), " was never written");
    } else if (!empty_) {
      source.require_inside(layout_.address, bytes);
    }
    return;
  }
  if (layout_.chunk.size() != shape_.size() + 1 || layout_.chunk.back() != type_.size) {
    source.damaged("the chunks of data set ", shown_name(name_), " do not suit its shape");
  }
  layout_.chunk.pop_back();
  chunk_bytes_ = type_.size;
  std::uint64_t chunks = 1;
  for (std::size_t k = 0; k < layout_.chunk.size(); ++k) {
    const std::uint64_t extent = layout_.chunk[k];
    if (chunk_bytes_ > kLargestChunk / extent) {
      source.unsupported("data set ", shown_name(name_), " has chunks of more than ", kLargestChunk,
                         " bytes");
    }
    chunk_bytes_ *= extent;
    grid_.push_back((shape.extents[k] + extent - 1) / extent);
    chunks *= empty_ ? 0 : grid_.back();  // at most the number of elements
  }
  // each chunk has a line in an index
  if (!empty_ && (layout_.address == kNowhere || chunks > source.size() / 32)) {
    source.damaged("data set ", shown_name(name_), " claims ", chunks,
                   " chunks, which the file does not have");
  }
}

std::vector<Index> Table::row_shape() const {
  return shape_.empty() ? shape_ : std::vector<Index>(shape_.begin() + 1, shape_.end());
}

void Table::find_chunks() const {
  const std::size_t axes = grid_.size();
  std::uint64_t total = 1;
  for (const std::uint64_t count : grid_) {
    total *= count;
  }
  std::vector<Chunk> chunks(total);
  for_each_leaf(*source_, layout_.address, TreeType::kChunks, 8 + 8 * (axes + 1),
                [&](const TreeEntry& entry) {
                  Cursor key(*source_, entry.key, "an index of chunks");
                  Chunk chunk{.at = entry.child, .bytes = key.u32(), .mask = key.u32()};
                  std::uint64_t number = 0;
                  for (std::size_t k = 0; k < axes; ++k) {
                    const std::uint64_t offset = key.u64();
                    if (offset % layout_.chunk[k] != 0 || offset / layout_.chunk[k] >= grid_[k]) {
                      source_->damaged("data set ", shown_name(name_),
                                       " has a chunk outside of its shape");
                    }
                    number = number * grid_[k] + offset / layout_.chunk[k];
                  }
                  if (chunks[number].at != kNowhere) {
                    source_->damaged("data set ", shown_name(name_), " has a chunk twice");
                  }
                  source_->require_inside(chunk.at, chunk.bytes);
                  chunks[number] = chunk;
                });
  chunks_ = std::move(chunks);
}

const Table::Unpacked& Table::unpack(std::size_t number) const {
  for (const auto& [cached, values] : cache_) {
    if (cached == number) {
      return values;
    }
  }
  const Chunk& chunk = chunks_[number];
  if (chunk.at == kNowhere) {
    source_->unsupported("a part of data set ", shown_name(name_), " was never written");
  }
  auto values = undo_filters(*source_, filters_, chunk.mask, type_.size,
                             source_->read(chunk.at, chunk.bytes), chunk_bytes_);
  const std::size_t room = std::clamp<std::size_t>(kCacheBytes / chunk_bytes_, 1, kMostCached);
  if (cache_.size() < room) {
    cache_.emplace_back(number, std::move(values));
    return cache_.back().second;
  }
  next_out_ = (next_out_ + 1) % room;
  cache_[next_out_] = {number, std::move(values)};
  return cache_[next_out_].second;
}

void Table::read_chunks(Index first, Index count, std::span<std::byte> out) const {
  if (chunks_.empty()) {
    find_chunks();
  }
  const std::size_t axes = grid_.size();
  std::vector<std::uint64_t> table_shape(shape_.begin(), shape_.end());
  const auto begin = static_cast<std::uint64_t>(first);
  const auto end = begin + static_cast<std::uint64_t>(count);
  std::uint64_t per_band = 1;
  for (std::size_t k = 1; k < axes; ++k) {
    per_band *= grid_[k];
  }
  const std::uint64_t rows = layout_.chunk[0];
  std::vector<std::uint64_t> start(axes);
  for (std::uint64_t band = begin / rows; band * rows < end; ++band) {
    const std::uint64_t from = std::max(begin, band * rows), to = std::min(end, (band + 1) * rows);
    for (std::uint64_t i = 0; i < per_band; ++i) {
      std::uint64_t rest = i;
      for (std::size_t k = axes; k-- > 1;) {
        start[k] = rest % grid_[k] * layout_.chunk[k];
        rest /= grid_[k];
      }
      const BoxCopy copy{.chunk_shape = layout_.chunk,
                         .table_shape = table_shape,
                         .start = start,
                         .element = type_.size,
                         .from = unpack(band * per_band + i).data(),
                         .to = out.data()};
      copy.run(0, from - band * rows, to - band * rows, 0,
               (from - begin) * static_cast<std::uint64_t>(row_elements_));
    }
  }
}

void Table::read_raw(Index first, Index count, std::span<std::byte> out) const {
  const auto row_bytes = static_cast<std::uint64_t>(row_elements_) * type_.size;
  const std::uint64_t at = static_cast<std::uint64_t>(first) * row_bytes;
  switch (layout_.kind) {
    case Layout::Kind::kCompact:
      std::copy_n(layout_.values.begin() + static_cast<std::ptrdiff_t>(at), out.size(),
                  out.begin());
      return;
    case Layout::Kind::kContiguous:
      return source_->read(layout_.address + at, out);
    case Layout::Kind::kChunked:
      return read_chunks(first, count, out);
  }
}

void Table::read(Index first, Index count, std::span<std::byte> out) const {
  const auto element = dtype();
  require(element.has_value(), source_->name(), ": data set ", shown_name(name_), " is ",
          type_.name(), " and is not read");
  require(first >= 0 && count >= 0 && first <= rows() && count <= rows() - first, source_->name(),
          ": rows ", first, " to ", first + count, " of data set ", shown_name(name_),
          " were asked for; it has ", rows());
  const auto elements = static_cast<std::size_t>(count * row_elements_);
  if (out.size() != elements * size_of(*element)) {
    throw std::logic_error("hdf5::Table::read: wrong size of the output");
  }
  if (out.empty()) {
    return;
  }
  if (type_.is_native()) {
    return read_raw(first, count, out);
  }
  std::vector<std::byte> raw(elements * type_.size);
  read_raw(first, count, raw);
  convert(*source_, type_, raw, count * row_elements_, out);
}

std::string Table::read_text() const {
  require(type_.kind == Type::Kind::kText && shape_.empty() && !empty_, source_->name(),
          ": data set ", shown_name(name_), " is no text");
  std::string text(type_.size, '\0');
  read_raw(0, 1, std::as_writable_bytes(std::span(text.data(), text.size())));
  text.resize(std::min(text.find('\0'), text.size()));
  return text;
}

}  // namespace palaestra::replay::hdf5
