#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace palaestra::replay::testing {

/// Reads hostile bytes as a buffer's snapshot. Whatever they are, loading gives a buffer that works
/// or a UserError. The first byte says what the others are:
///
///   even  a whole file
///   odd   changes to the blocks of a good snapshot, which then gets a checksum that agrees: 12
///         bytes each, see change()
///
/// `folder` is for one temporary file. Returns whether anything was loaded.
bool exercise_snapshot(std::span<const std::byte> bytes, const std::filesystem::path& folder);

}  // namespace palaestra::replay::testing
