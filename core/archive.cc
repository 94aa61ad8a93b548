#include <palaestra/core/archive.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include <palaestra/core/files.h>
#include <palaestra/core/hash.h>

namespace palaestra {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kMaxHeader = 100u << 20;  // safetensors' own limit
constexpr char kChecksum[] = "palaestra.sha256";

const char* safetensors_name(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "F32";
    case DType::kFloat64:
      return "F64";
    case DType::kInt64:
      return "I64";
    case DType::kInt32:
      return "I32";
    case DType::kUint8:
      return "U8";
    case DType::kBool:
      return "BOOL";
  }
  throw std::logic_error("safetensors_name: unknown DType");
}

std::optional<DType> dtype_named(const std::string& name) {
  for (const DType dtype : {DType::kFloat32, DType::kFloat64, DType::kInt64, DType::kInt32,
                            DType::kUint8, DType::kBool}) {
    if (name == safetensors_name(dtype)) {
      return dtype;
    }
  }
  return std::nullopt;
}

}  // namespace

// ---- writing
// -------------------------------------------------------------------------------------

struct ArchiveWriter::Impl {
  struct Entry {
    std::string name;
    DType dtype;
    std::vector<Index> shape;
    std::vector<std::byte> owned;
    std::span<const std::byte> bytes;
  };
  std::vector<Entry> entries;
  std::map<std::string, std::string> texts;

  Entry& add(std::string_view name, DType dtype, std::size_t bytes, std::vector<Index> shape) {
    const auto count = static_cast<Index>(bytes / size_of(dtype));
    if (shape.empty()) {
      shape = {count};
    }
    Index product = 1;
    for (const Index extent : shape) {
      product *= extent;
    }
    if (product != count) {
      throw std::logic_error(
          concat("ArchiveWriter: block ", name, " has ", count, " values, its shape ", product));
    }
    for (const Entry& entry : entries) {
      if (entry.name == name) {
        throw std::logic_error(concat("ArchiveWriter: block ", name, " was put before"));
      }
    }
    entries.push_back({std::string(name), dtype, std::move(shape), {}, {}});
    return entries.back();
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
  Index words[3];
  static_assert(sizeof words == sizeof stream);
  std::memcpy(words, &stream, sizeof words);
  put(name, std::span<const Index>(words));
}

void ArchiveWriter::put_text(std::string_view name, std::string_view text) {
  impl_->texts[std::string(name)] = text;
}

void ArchiveWriter::save(const std::filesystem::path& file) const {
  Json header;
  header["__metadata__"] = impl_->texts;
  std::uint64_t offset = 0;
  Sha256 hash;
  for (const Impl::Entry& entry : impl_->entries) {
    header[entry.name] = {{"dtype", safetensors_name(entry.dtype)},
                          {"shape", entry.shape},
                          {"data_offsets", {offset, offset + entry.bytes.size()}}};
    offset += entry.bytes.size();
    hash.update(entry.bytes);
  }
  // the checksum covers the data and the header without the checksum itself
  const std::string bare = header.dump();
  hash.update(std::as_bytes(std::span<const char>(bare)));
  header["__metadata__"][kChecksum] = hash.hex();
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t length = text.size();
  write_atomically(file, [&](const Emit& emit) {
    emit(std::as_bytes(std::span<const std::uint64_t>(&length, 1)));
    emit(std::as_bytes(std::span<const char>(text)));
    for (const Impl::Entry& entry : impl_->entries) {
      emit(entry.bytes);
    }
  });
}

// ---- reading
// -------------------------------------------------------------------------------------

namespace {

/// A file mapped read-only.
class Mapping {
 public:
  explicit Mapping(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat status {};
    if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
      const int error = errno;
      if (descriptor >= 0) {
        ::close(descriptor);
      }
      throw UserError(concat("cannot read ", file.string(), ": ", std::strerror(error)));
    }
    size_ = S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0;
    if (size_ > 0) {
      data_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    }
    ::close(descriptor);
    require(size_ == 0 || data_ != MAP_FAILED, "cannot map ", file.string());
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (size_ > 0 && data_ != MAP_FAILED) {
      ::munmap(data_, size_);
    }
  }
  std::span<const std::byte> bytes() const { return {static_cast<const std::byte*>(data_), size_}; }

 private:
  void* data_ = nullptr;
  std::size_t size_ = 0;
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
    require(ok, file, " is not a whole safetensors file: ", parts...);
  }

  void read_block(const std::string& name, const Json& entry, std::span<const std::byte> data,
                  std::uint64_t& expected) {
    need(entry.is_object() && entry.size() == 3 && entry.contains("dtype") &&
             entry.contains("shape") && entry.contains("data_offsets") &&
             entry["dtype"].is_string() && entry["shape"].is_array() &&
             entry["data_offsets"].is_array() && entry["data_offsets"].size() == 2,
         "block ", name, " is malformed");
    const auto dtype = dtype_named(entry["dtype"].get<std::string>());
    need(dtype.has_value(), "block ", name, " has the unknown type ", entry["dtype"].dump());
    std::vector<Index> shape;
    std::uint64_t bytes = size_of(*dtype);
    for (const Json& extent : entry["shape"]) {
      need(extent.is_number_unsigned(), "block ", name, " has a malformed shape");
      const auto n = extent.get<std::uint64_t>();
      need(!__builtin_mul_overflow(bytes, n, &bytes) && bytes <= data.size(), "block ", name,
           " is larger than the file");
      shape.push_back(static_cast<Index>(n));
    }
    const Json& offsets = entry["data_offsets"];
    need(offsets[0].is_number_unsigned() && offsets[1].is_number_unsigned(), "block ", name,
         " has malformed offsets");
    const auto begin = offsets[0].get<std::uint64_t>(), end = offsets[1].get<std::uint64_t>();
    need(begin == expected && end >= begin && end - begin == bytes && end <= data.size(),
         "the offsets of block ", name, " do not fit");
    expected = end;
    blocks.emplace(name, Block{*dtype, std::move(shape), data.subspan(begin, bytes)});
    order.push_back(name);
  }
};

ArchiveReader::ArchiveReader(const std::filesystem::path& file)
    : impl_(std::make_unique<Impl>(file)) {
  const auto bytes = impl_->mapping.bytes();
  std::uint64_t length = 0;
  impl_->need(bytes.size() >= sizeof length, "it has ", bytes.size(), " bytes");
  std::memcpy(&length, bytes.data(), sizeof length);
  impl_->need(length <= kMaxHeader && length <= bytes.size() - sizeof length,
              "its header would be ", length, " bytes long");
  const auto* text = reinterpret_cast<const char*>(bytes.data() + sizeof length);
  // depth beyond three never occurs in a valid header; refusing it early bounds the recursion
  const auto shallow = [](int depth, Json::parse_event_t, Json&) {
    if (depth > 4) {
      throw UserError("nested too deeply");
    }
    return true;
  };
  Json header;
  try {
    header = Json::parse(text, text + length, shallow);
  } catch (const std::exception& error) {
    impl_->need(false, "its header cannot be read (", error.what(), ")");
  }
  impl_->need(header.is_object(), "its header is no table");
  const auto data = bytes.subspan(sizeof length + length);

  std::string checksum;
  std::uint64_t expected = 0;
  for (auto& [name, entry] : header.items()) {
    if (name != "__metadata__") {
      impl_->read_block(name, entry, data, expected);
      continue;
    }
    impl_->need(entry.is_object(), "its metadata is no table");
    for (auto& [key, value] : entry.items()) {
      impl_->need(value.is_string(), "metadata ", key, " is no text");
      (key == kChecksum ? checksum : impl_->texts[key]) = value.get<std::string>();
    }
  }
  impl_->need(expected == data.size(), "it has ", data.size(), " bytes of data, its header says ",
              expected);
  if (!checksum.empty()) {
    header["__metadata__"].erase(kChecksum);
    const std::string bare = header.dump();
    Sha256 hash;
    hash.update(data);
    hash.update(std::as_bytes(std::span<const char>(bare)));
    impl_->need(hash.hex() == checksum, "its checksum does not agree; it was altered");
  }
}
ArchiveReader::~ArchiveReader() = default;
ArchiveReader::ArchiveReader(ArchiveReader&&) noexcept = default;
ArchiveReader& ArchiveReader::operator=(ArchiveReader&&) noexcept = default;

bool ArchiveReader::contains(std::string_view name) const { return impl_->blocks.contains(name); }

std::vector<std::string> ArchiveReader::names() const { return impl_->order; }

const ArchiveReader::Block& ArchiveReader::block(std::string_view name) const {
  const auto found = impl_->blocks.find(name);
  require(found != impl_->blocks.end(), impl_->file, " has no block \"", name, "\"");
  return found->second;
}

void ArchiveReader::get_bytes(std::string_view name, DType dtype, std::span<std::byte> out) const {
  const Block& found = block(name);
  require(found.dtype == dtype && found.bytes.size() == out.size(), impl_->file, ": block \"", name,
          "\" holds ", found.bytes.size() / size_of(found.dtype), " x ", name_of(found.dtype),
          ", expected ", out.size() / size_of(dtype), " x ", name_of(dtype));
  std::memcpy(out.data(), found.bytes.data(), out.size());
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
  Index words[3];
  get(name, std::span<Index>(words));
  Stream stream;
  std::memcpy(&stream, words, sizeof words);
  return stream;
}

std::string ArchiveReader::get_text(std::string_view name) const {
  const auto found = impl_->texts.find(name);
  require(found != impl_->texts.end(), impl_->file, " has no text \"", name, "\"");
  return found->second;
}

}  // namespace palaestra
