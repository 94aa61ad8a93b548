#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/core/error.h>

namespace palaestra::replay::hdf5 {

/// A position in a file, counted from its first byte. All ones stands for "nowhere".
using Address = std::uint64_t;
inline constexpr Address kNowhere = ~Address{0};

/// The bytes of a file that may have been made by an enemy: nothing outside of it can be read.
class Source {
 public:
  /// Throws UserError naming the file and the system's reason.
  static std::shared_ptr<const Source> open(const std::filesystem::path& file);
  /// Bytes in memory, under a name for messages.
  static std::shared_ptr<const Source> from_memory(std::vector<std::byte> bytes, std::string name);

  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  std::uint64_t size() const { return size_; }
  const std::string& name() const { return name_; }

  /// Copies [at, at + out.size()). Throws UserError when that is not all inside of the file, or the
  /// system cannot read it. Safe from several threads at once.
  void read(Address at, std::span<std::byte> out) const;
  std::vector<std::byte> read(Address at, std::uint64_t bytes) const;
  /// The same without allocating before the range has been found to be good.
  void require_inside(Address at, std::uint64_t bytes) const;

  /// Throws UserError: the file's name, that it is damaged, and how.
  template <class... Parts>
  [[noreturn]] void damaged(const Parts&... parts) const {
    throw UserError(concat(name_, " is damaged: ", parts...));
  }
  /// The same for what is allowed in an HDF5 file, but not read here.
  template <class... Parts>
  [[noreturn]] void unsupported(const Parts&... parts) const {
    throw UserError(concat(name_, ": ", parts...));
  }

 private:
  Source() = default;

  std::string name_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  std::vector<std::byte> memory_;
};

/// Reads little-endian numbers from a block, one behind the other. Throws UserError where the block
/// is too short.
class Cursor {
 public:
  Cursor(const Source& source, std::span<const std::byte> bytes, std::string_view what)
      : source_(&source), bytes_(bytes), what_(what) {}

  std::uint64_t number(std::size_t bytes);  ///< 1 to 8 bytes
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  std::span<const std::byte> take(std::uint64_t bytes);
  void skip(std::uint64_t bytes) { take(bytes); }
  /// Skips to a multiple of `unit` from the start of the block.
  void align(std::size_t unit) { skip((unit - at_ % unit) % unit); }
  /// Throws unless the next bytes are these.
  void expect(std::string_view signature);
  std::string text(std::uint64_t bytes);

  std::size_t at() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }

 private:
  const Source* source_;
  std::span<const std::byte> bytes_;
  std::string_view what_;
  std::size_t at_ = 0;
};

/// Bob Jenkins' lookup3 over the bytes, which HDF5 puts behind its newer structures.
std::uint32_t checksum(std::span<const std::byte> bytes);
/// Throws UserError unless the last four bytes are the checksum of those before.
void require_checksum(const Source& source, std::span<const std::byte> block,
                      std::string_view what);

}  // namespace palaestra::replay::hdf5
