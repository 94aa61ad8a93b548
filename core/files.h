#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace palaestra {

/// Replaces `file` by what `write` emits through its argument, or leaves it as it was: the bytes go
/// to a temporary name in the same folder, are synced, and the name is changed last. Throws
/// UserError naming the file and the system's reason (disk full, no permission, no such folder).
using Emit = std::function<void(std::span<const std::byte>)>;
void write_atomically(const std::filesystem::path& file,
                      const std::function<void(const Emit&)>& write);
void write_atomically(const std::filesystem::path& file, std::string_view text);

/// The whole file as text. Throws UserError naming the file and the system's reason.
std::string read_text(const std::filesystem::path& file);

/// Renames `path` to the first free `path.1`, `path.2`, ... and returns the new name.
std::filesystem::path move_aside(const std::filesystem::path& path);

}  // namespace palaestra
