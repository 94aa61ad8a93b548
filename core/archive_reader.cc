#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <set>
#include <utility>

#include <palaestra/core/archive.h>
#include <palaestra/core/archive_format.h>
#include <palaestra/core/error.h>
#include <palaestra/core/hash.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>

// A file may come from an enemy: nothing in it is believed before it was compared with the length
// of the file, no arithmetic on its numbers may overflow, and no part of it is handed on before the
// checksum agrees.

namespace palaestra {
namespace {

/// A file mapped read-only.
class Mapping {
 public:
  explicit Mapping(const std::filesystem::path& file) {
    // O_NONBLOCK: a pipe of that name must not stop the program
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status {};
    int error = descriptor < 0 || ::fstat(descriptor, &status) != 0 ? errno : 0;
    if (error == 0 && !S_ISREG(status.st_mode)) {
      error = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
    }
    if (error == 0 && status.st_size > 0) {
      size_ = static_cast<std::size_t>(status.st_size);
      data_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
      error = data_ == MAP_FAILED ? errno : 0;
    }
    if (descriptor >= 0) {
      ::close(descriptor);
    }
    require(error == 0, "cannot read ", file.string(), ": ", std::strerror(error));
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (size_ > 0) {
      ::munmap(data_, size_);
    }
  }
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
};

/// What the parser refuses beyond malformed JSON: names that come twice, and tables deeper than a
/// header has (file, block or metadata, shape or offsets).
class Strict {
 public:
  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    require(depth <= 3, "tables too deep");
    if (event == Json::parse_event_t::object_start) {
      keys_.resize(static_cast<std::size_t>(depth) + 1);
      keys_.back().clear();
    } else if (event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      require(keys_.at(static_cast<std::size_t>(depth) - 1).insert(key).second, "the name ",
              shown(key), " comes twice");
    }
    return true;
  }

 private:
  std::vector<std::set<std::string>> keys_;  // of the tables that are open, by depth
};

}  // namespace

struct ArchiveReader::Impl {
  explicit Impl(const std::filesystem::path& path) : file(path.string()), mapping(path) {}

  std::string file;
  Mapping mapping;
  std::map<std::string, Block, std::less<>> blocks;
  std::vector<std::string> order;
  std::map<std::string, std::string, std::less<>> texts;

  template <class... Parts>
  void need(bool ok, const Parts&... parts) const {
    require(ok, file, " is not a whole archive: ", parts...);
  }

  Json parse(std::string_view header) const {
    Json json;
    try {
      json = parse_json(
          header, [strict = Strict()](int depth, Json::parse_event_t event, Json& parsed) mutable {
            return strict(depth, event, parsed);
          });
    } catch (const Json::parse_error& error) {
      need(false, "its header is no JSON at byte ", error.byte);
    } catch (const std::exception& error) {
      need(false, "its header has ", error.what());
    }
    need(json.is_object(), "its header is no table");
    return json;
  }

  void read_metadata(const Json& table) {
    need(table.is_object(), "its metadata is no table");
    for (const auto& [key, value] : table.items()) {
      need(value.is_string(), "metadata ", shown(key), " is no text");
      texts.emplace(key, value.get<std::string>());
    }
  }

  /// Offsets are relative to `data`.
  void read_block(const std::string& name, const Json& entry, std::span<const std::byte> data) {
    const std::string block = "block " + shown(name);
    need(entry.is_object() && entry.size() == 3 && entry.contains("dtype") &&
             entry.contains("shape") && entry.contains("data_offsets"),
         block, " is malformed");
    const Json &type = entry["dtype"], &shape = entry["shape"], &offsets = entry["data_offsets"];
    need(type.is_string() && shape.is_array() && offsets.is_array() && offsets.size() == 2 &&
             offsets[0].is_number_unsigned() && offsets[1].is_number_unsigned(),
         block, " is malformed");
    const auto& type_name = type.get_ref<const std::string&>();
    const auto known = std::find_if(
        std::begin(detail::kDTypeNames), std::end(detail::kDTypeNames),
        [&](const detail::DTypeName& candidate) { return candidate.name == type_name; });
    need(known != std::end(detail::kDTypeNames), block, " has the unknown type ", shown(type_name));

    std::vector<Index> extents;
    std::uint64_t bytes = size_of(known->dtype);
    bool fits = true;
    for (const Json& extent : shape) {
      need(extent.is_number_unsigned(), block, " is malformed");
      const auto n = extent.get<std::uint64_t>();
      fits = fits && n <= INT64_MAX && !__builtin_mul_overflow(bytes, n, &bytes);
      extents.push_back(static_cast<Index>(n));
    }
    const auto begin = offsets[0].get<std::uint64_t>(), end = offsets[1].get<std::uint64_t>();
    need(fits && begin <= end && end <= data.size() && end - begin == bytes, block,
         " has a shape and offsets that do not fit each other or the file");
    blocks.emplace(name, Block{known->dtype, std::move(extents), data.subspan(begin, bytes)});
    order.push_back(name);
  }

  /// The blocks must cover `data` without gaps and overlaps.
  void check_coverage(std::span<const std::byte> data) {
    const auto place = [&](const std::string& name) {
      const auto bytes = blocks.at(name).bytes;
      return std::pair(bytes.data() - data.data(), bytes.size());
    };
    std::stable_sort(order.begin(), order.end(), [&](const std::string& a, const std::string& b) {
      return place(a) < place(b);
    });
    std::size_t covered = 0;
    for (const std::string& name : order) {
      const auto [begin, size] = place(name);
      need(static_cast<std::size_t>(begin) == covered, "block ", shown(name),
           " overlaps another or leaves a gap");
      covered += size;
    }
    need(covered == data.size(), "it has ", data.size(), " bytes of data, its header says ",
         covered);
  }

  /// SHA-256 of the file with zeros in place of the digits.
  void check_digest(std::string_view header, const std::string& digits) const {
    const auto at = detail::find_digits(header, digits);
    need(at.has_value(), "its checksum is malformed");
    const auto all = mapping.bytes();
    const std::size_t before = sizeof(std::uint64_t) + *at;
    Sha256 hash;
    hash.update(all.first(before));
    hash.update(std::as_bytes(std::span<const char>(detail::kNoDigits)));
    hash.update(all.subspan(before + digits.size()));
    need(hash.hex() == digits, "its checksum does not agree: it was altered");
  }
};

ArchiveReader::ArchiveReader(const std::filesystem::path& file, Origin origin)
    : impl_(std::make_unique<Impl>(file)) {
  const auto bytes = impl_->mapping.bytes();
  std::uint64_t length = 0;
  impl_->need(bytes.size() >= sizeof length, "it has ", bytes.size(), " bytes");
  std::memcpy(&length, bytes.data(), sizeof length);
  impl_->need(length <= detail::kMaxHeader && length <= bytes.size() - sizeof length,
              "its header would be ", length, " bytes long");
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + sizeof length,
                                length);
  const Json json = impl_->parse(header);
  const auto data = bytes.subspan(sizeof length + length);
  for (const auto& [name, entry] : json.items()) {
    if (name == detail::kMetadataKey) {
      impl_->read_metadata(entry);
    } else {
      impl_->read_block(name, entry, data);
    }
  }
  impl_->check_coverage(data);

  const auto checksum = impl_->texts.find(detail::kChecksumKey);
  if (checksum != impl_->texts.end()) {
    impl_->check_digest(header, checksum->second);
    impl_->texts.erase(checksum);
  } else {
    impl_->need(origin == Origin::kForeign, "it has no checksum");
  }
}
ArchiveReader::~ArchiveReader() = default;
ArchiveReader::ArchiveReader(ArchiveReader&&) noexcept = default;
ArchiveReader& ArchiveReader::operator=(ArchiveReader&&) noexcept = default;

bool ArchiveReader::contains(std::string_view name) const { return impl_->blocks.contains(name); }

std::vector<std::string> ArchiveReader::names() const { return impl_->order; }

const ArchiveReader::Block& ArchiveReader::block(std::string_view name) const {
  const auto found = impl_->blocks.find(name);
  require(found != impl_->blocks.end(), impl_->file, " has no block ", shown(name));
  return found->second;
}

void ArchiveReader::get_bytes(std::string_view name, DType dtype, std::span<std::byte> out) const {
  const Block& found = block(name);
  require(found.dtype == dtype && found.bytes.size() == out.size(), impl_->file, ": block ",
          shown(name), " holds ", found.bytes.size() / size_of(found.dtype), " x ",
          name_of(found.dtype), ", expected ", out.size() / size_of(dtype), " x ", name_of(dtype));
  // a bool of any other value would be undefined behaviour where it is used
  require(dtype != DType::kBool || std::all_of(found.bytes.begin(), found.bytes.end(),
                                               [](std::byte b) { return b <= std::byte{1}; }),
          impl_->file, ": block ", shown(name), " holds values that are neither true nor false");
  if (!out.empty()) {
    std::memcpy(out.data(), found.bytes.data(), out.size());
  }
}

Index ArchiveReader::get_index(std::string_view name) const {
  Index value = 0;
  get(name, std::span<Index>(&value, 1));
  return value;
}

double ArchiveReader::get_double(std::string_view name) const {
  double value = 0;
  get(name, std::span<double>(&value, 1));
  return value;
}

Stream ArchiveReader::get_stream(std::string_view name) const {
  std::array<std::uint64_t, 3> words{};
  get_bytes(name, DType::kInt64, std::as_writable_bytes(std::span(words)));
  return Stream::from_words(words);
}

bool ArchiveReader::contains_text(std::string_view name) const {
  return impl_->texts.contains(name);
}

std::string ArchiveReader::get_text(std::string_view name) const {
  const auto found = impl_->texts.find(name);
  require(found != impl_->texts.end(), impl_->file, " has no text ", shown(name));
  return found->second;
}

}  // namespace palaestra
