#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace palaestra {

/// SHA-256 over bytes given piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  /// The digest of everything so far, 64 lower-case hexadecimal digits; more bytes may follow.
  std::string hex() const;

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// SHA-256 of a file, read piece by piece. Throws UserError naming it where it cannot be read.
std::string sha256_of_file(const std::filesystem::path& file);

/// CRC-32C (Castagnoli), as TFRecord files use it.
std::uint32_t crc32c(std::span<const std::byte> bytes);

}  // namespace palaestra
