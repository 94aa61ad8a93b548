#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include <palaestra/core/archive.h>
#include <palaestra/core/archive_format.h>
#include <palaestra/core/files.h>
#include <palaestra/core/hash.h>

namespace palaestra::rollout::testing {

/// Copies a checkpoint with another number for one of its counters, and a checksum that agrees: as
/// no damage makes it, but somebody who means it.
inline void forge(const std::filesystem::path& from, std::string_view counter, Index value,
                  const std::filesystem::path& to) {
  std::string text = read_text(from);
  const ArchiveReader reader(from);
  std::uint64_t header = 0;
  std::memcpy(&header, text.data(), sizeof header);
  const std::byte* const data = reader.block(reader.names().front()).bytes.data();
  const auto at = static_cast<std::size_t>(reader.block(counter).bytes.data() - data);
  std::memcpy(text.data() + sizeof header + header + at, &value, sizeof value);

  // the first 64 digits behind the checksum's name, and the `":"` between them
  const std::size_t digits =
      text.find(detail::kChecksumKey) + detail::kChecksumKey.size() + std::strlen("\":\"");
  text.replace(digits, detail::kNoDigits.size(), detail::kNoDigits);
  Sha256 hash;
  hash.update(std::as_bytes(std::span<const char>(text)));
  text.replace(digits, detail::kNoDigits.size(), hash.hex());
  write_atomically(to, text);
}

}  // namespace palaestra::rollout::testing
