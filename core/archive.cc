#include <palaestra/core/archive.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <stdexcept>

#include <palaestra/core/archive_format.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/hash.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>

namespace palaestra {

struct ArchiveWriter::Impl {
  struct Entry {
    std::string name;
    DType dtype;
    std::vector<Index> shape;
    std::vector<std::byte> owned;
    std::span<const std::byte> bytes;
  };
  std::vector<Entry> entries;
  std::set<std::string, std::less<>> names;
  std::map<std::string, std::string, std::less<>> texts;

  Entry& add(std::string_view name, DType dtype, std::size_t bytes, std::vector<Index> shape) {
    const auto count = static_cast<Index>(bytes / size_of(dtype));
    if (shape.empty()) {
      shape = {count};
    }
    Index product = 1;
    bool fits = bytes % size_of(dtype) == 0;
    for (const Index extent : shape) {
      fits = fits && extent >= 0 && !__builtin_mul_overflow(product, extent, &product);
    }
    if (!fits || product != count) {
      throw std::logic_error(concat("ArchiveWriter: block ", shown(name), " has ", bytes,
                                    " bytes, which its shape and type do not explain"));
    }
    if (name == detail::kMetadataKey || !is_utf8(name) || names.contains(name)) {
      throw std::logic_error(
          concat("ArchiveWriter: ", shown(name), " is reserved, not UTF-8, or was put before"));
    }
    names.emplace(name);
    entries.push_back({std::string(name), dtype, std::move(shape), {}, {}});
    return entries.back();
  }

  /// In the order of the file.
  std::vector<const Entry*> layout() const {
    std::vector<const Entry*> order;
    for (const Entry& entry : entries) {
      order.push_back(&entry);
    }
    std::stable_sort(order.begin(), order.end(), [](const Entry* a, const Entry* b) {
      return size_of(a->dtype) > size_of(b->dtype);
    });
    return order;
  }
};

ArchiveWriter::ArchiveWriter() : impl_(std::make_unique<Impl>()) {}
ArchiveWriter::~ArchiveWriter() = default;
ArchiveWriter::ArchiveWriter(ArchiveWriter&&) noexcept = default;
ArchiveWriter& ArchiveWriter::operator=(ArchiveWriter&&) noexcept = default;

void ArchiveWriter::put_bytes(std::string_view name, DType dtype, std::span<const std::byte> bytes,
                              std::vector<Index> shape) {
  Impl::Entry& entry = impl_->add(name, dtype, bytes.size(), std::move(shape));
  entry.owned.assign(bytes.begin(), bytes.end());
  entry.bytes = entry.owned;
}

void ArchiveWriter::put_view_bytes(std::string_view name, DType dtype,
                                   std::span<const std::byte> bytes, std::vector<Index> shape) {
  impl_->add(name, dtype, bytes.size(), std::move(shape)).bytes = bytes;
}

void ArchiveWriter::put_stream(std::string_view name, const Stream& stream) {
  const auto words = stream.to_words();
  put_bytes(name, DType::kInt64, std::as_bytes(std::span(words)), {});
}

void ArchiveWriter::put_text(std::string_view name, std::string_view text) {
  require(is_utf8(name) && is_utf8(text), "text ", shown(name), " is ", shown(text),
          "; accepted: UTF-8");
  if (name == detail::kChecksumKey || !impl_->texts.emplace(name, text).second) {
    throw std::logic_error(
        concat("ArchiveWriter: text ", shown(name), " is reserved or was put before"));
  }
}

void ArchiveWriter::save(const std::filesystem::path& file) const {
  const auto order = impl_->layout();
  Json json;
  Json& metadata = json[std::string(detail::kMetadataKey)];
  metadata[std::string(detail::kChecksumKey)] = detail::kNoDigits;
  for (const auto& [name, text] : impl_->texts) {
    metadata[name] = text;
  }
  std::uint64_t offset = 0;
  for (const Impl::Entry* entry : order) {
    const auto dtype =
        std::find_if(std::begin(detail::kDTypeNames), std::end(detail::kDTypeNames),
                     [&](const detail::DTypeName& d) { return d.dtype == entry->dtype; });
    json[entry->name] = {{"dtype", dtype->name},
                         {"shape", entry->shape},
                         {"data_offsets", {offset, offset + entry->bytes.size()}}};
    offset += entry->bytes.size();
  }

  std::uint64_t length = 0;
  std::string header = json_text(json);
  header.resize((sizeof length + header.size() + detail::kAlignment - 1) / detail::kAlignment *
                        detail::kAlignment -
                    sizeof length,
                ' ');
  length = header.size();
  if (length > detail::kMaxHeader) {
    throw std::logic_error(concat("ArchiveWriter: a header of ", length, " bytes"));
  }
  const auto pieces = [&](const auto& take) {
    take(std::as_bytes(std::span(&length, 1)));
    take(std::as_bytes(std::span<const char>(header)));
    for (const Impl::Entry* entry : order) {
      take(entry->bytes);
    }
  };
  Sha256 hash;
  pieces([&](std::span<const std::byte> bytes) { hash.update(bytes); });
  // the checksum's own place is the first: it is the first entry of the first table
  header.replace(header.find(detail::kNoDigits), detail::kNoDigits.size(), hash.hex());
  write_atomically(file, [&](const Emit& emit) { pieces(emit); });
}

}  // namespace palaestra
