#include <palaestra/replay/datasets/hdf5/source.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

namespace palaestra::replay::hdf5 {

std::shared_ptr<const Source> Source::open(const std::filesystem::path& file) {
  std::shared_ptr<Source> source(new Source);
  source->name_ = file.string();
  // a pipe under the name of a data set must not make us wait for ever
  source->descriptor_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status {};
  if (source->descriptor_ < 0 || ::fstat(source->descriptor_, &status) != 0) {
    throw UserError(concat("cannot read ", source->name_, ": ", std::strerror(errno)));
  }
  require(S_ISREG(status.st_mode), source->name_, " is not a file");
  source->size_ = static_cast<std::uint64_t>(status.st_size);
  return source;
}

std::shared_ptr<const Source> Source::from_memory(std::vector<std::byte> bytes, std::string name) {
  std::shared_ptr<Source> source(new Source);
  source->name_ = std::move(name);
  source->size_ = bytes.size();
  source->memory_ = std::move(bytes);
  return source;
}

Source::~Source() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

void Source::require_inside(Address at, std::uint64_t bytes) const {
  if (at > size_ || bytes > size_ - at) {
    damaged("it refers to ", bytes, " bytes at position ", at, ", but has ", size_,
            " bytes; was it cut short?");
  }
}

void Source::read(Address at, std::span<std::byte> out) const {
  require_inside(at, out.size());
  if (descriptor_ < 0) {
    std::copy_n(memory_.begin() + static_cast<std::ptrdiff_t>(at), out.size(), out.begin());
    return;
  }
  while (!out.empty()) {
    const ssize_t count = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      throw UserError(concat("cannot read ", name_, ": ", std::strerror(errno)));
    }
    if (count == 0) {
      damaged("it became shorter while it was read");
    }
    at += static_cast<std::uint64_t>(count);
    out = out.subspan(static_cast<std::size_t>(count));
  }
}

std::vector<std::byte> Source::read(Address at, std::uint64_t bytes) const {
  require_inside(at, bytes);
  std::vector<std::byte> block(bytes);
  read(at, block);
  return block;
}

std::span<const std::byte> Cursor::take(std::uint64_t bytes) {
  if (bytes > left()) {
    source_->damaged(what_, " ends too early");
  }
  const auto part = bytes_.subspan(at_, bytes);
  at_ += bytes;
  return part;
}

std::uint64_t Cursor::number(std::size_t bytes) {
  const auto part = take(bytes);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < part.size(); ++i) {
    value |= std::to_integer<std::uint64_t>(part[i]) << (8 * i);
  }
  return value;
}

std::string Cursor::text(std::uint64_t bytes) {
  const auto part = take(bytes);
  return {reinterpret_cast<const char*>(part.data()), part.size()};
}

void Cursor::expect(std::string_view signature) {
  if (text(signature.size()) != signature) {
    source_->damaged(what_, " is not where it should be");
  }
}

std::uint32_t checksum(std::span<const std::byte> bytes) {
  std::uint32_t a = 0xDEADBEEFu + static_cast<std::uint32_t>(bytes.size()), b = a, c = a;
  const auto word = [&](std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < std::min(at + 4, bytes.size()); ++i) {
      value |= std::to_integer<std::uint32_t>(bytes[i]) << (8 * (i - at));
    }
    return value;
  };
  std::size_t at = 0;
  for (; bytes.size() - at > 12; at += 12) {
    a += word(at), b += word(at + 4), c += word(at + 8);
    a -= c, a ^= std::rotl(c, 4), c += b;
    b -= a, b ^= std::rotl(a, 6), a += c;
    c -= b, c ^= std::rotl(b, 8), b += a;
    a -= c, a ^= std::rotl(c, 16), c += b;
    b -= a, b ^= std::rotl(a, 19), a += c;
    c -= b, c ^= std::rotl(b, 4), b += a;
  }
  if (at == bytes.size()) {
    return c;
  }
  a += word(at), b += word(at + 4), c += word(at + 8);
  c ^= b, c -= std::rotl(b, 14);
  a ^= c, a -= std::rotl(c, 11);
  b ^= a, b -= std::rotl(a, 25);
  c ^= b, c -= std::rotl(b, 16);
  a ^= c, a -= std::rotl(c, 4);
  b ^= a, b -= std::rotl(a, 14);
  c ^= b, c -= std::rotl(b, 24);
  return c;
}

void require_checksum([[maybe_unused]] const Source& source, std::span<const std::byte> block,
                      std::string_view what) {
  Cursor tail(source, block.last(std::min<std::size_t>(block.size(), 4)), what);
  [[maybe_unused]] const std::uint32_t stored = tail.u32();
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION  // a fuzzer does not guess checksums
  if (checksum(block.first(block.size() - 4)) != stored) {
    source.damaged("the checksum of ", what, " is wrong");
  }
#endif
}

}  // namespace palaestra::replay::hdf5
