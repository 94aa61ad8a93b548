#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <palaestra/core/types.h>

namespace palaestra {

/// Takes bytes to be written, in order.
using Emit = std::function<void(std::span<const std::byte>)>;

/// Replaces `file` by what `write` emits through its argument, or leaves it as it was: the bytes go
/// to a temporary name in the same folder, are synced, and the name is changed last. A link is
/// followed. A device or pipe (/dev/stdout) cannot be replaced and is written to directly. Throws
/// UserError naming the file and the system's reason (disk full, no permission, no such folder);
/// whatever `write` throws passes through.
void write_atomically(const std::filesystem::path& file,
                      const std::function<void(const Emit&)>& write);
void write_atomically(const std::filesystem::path& file, std::string_view text);

/// Whether the name is one that write_atomically() uses while it writes.
bool is_temporary(const std::filesystem::path& file);

/// Deletes what interrupted write_atomically() calls left in `folder`. Only for a folder that no
/// other process writes to.
void remove_temporaries(const std::filesystem::path& folder);

/// The whole file as text. Throws UserError naming the file and the system's reason.
std::string read_text(const std::filesystem::path& file);

/// Gives `from` the name `to`, which must be free. Throws UserError when it is not (nothing is ever
/// replaced, even when several processes do so at once), or with the system's reason.
void rename_to_free_name(const std::filesystem::path& from, const std::filesystem::path& to);

/// Renames `path` to the first free `path.1`, `path.2`, ... and returns the new name. Never
/// replaces anything, even when several processes do so at once. Throws UserError.
std::filesystem::path move_aside(const std::filesystem::path& path);

/// What to do when a folder to be made is there and holds something.
enum class IfExists : unsigned char {
  kRefuse,     ///< throw UserError
  kMoveAside,  ///< rename the old one, see move_aside()
  kKeep,       ///< use it as it is
};

/// Makes `folder` and its parents; an empty folder is as good as none. Returns where the old one
/// was moved, if it was. Throws UserError, also when `folder` is a file (but kMoveAside moves it);
/// what is refused ends with `advice`.
std::optional<std::filesystem::path> create_folder(const std::filesystem::path& folder,
                                                   IfExists if_exists,
                                                   std::string_view advice = {});

/// A file that grows record by record and can be cut back, for logs that resume exactly.
class AppendFile {
 public:
  /// Opens `file`, or makes it where `keep` is 0, and cuts it to its first `keep` bytes. Throws
  /// UserError naming the file and the reason, also when it is shorter than that; the file is
  /// unchanged then.
  AppendFile(const std::filesystem::path& file, Index keep);
  /// Throws what the constructor would, and changes nothing: where several files are to be cut, or
  /// none.
  static void check(const std::filesystem::path& file, Index keep);
  ~AppendFile();
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;

  /// Writes a record in one call to the system. Throws UserError when it does not fit on the disk;
  /// the file then ends behind the record before.
  void append(std::span<const std::byte> record);
  void append(std::string_view record) {
    append(std::as_bytes(std::span<const char>(record.data(), record.size())));
  }
  /// Waits until everything is on the disk.
  void sync();

  /// The length of the file: what to `keep` in order to go on from here.
  Index bytes() const { return bytes_; }

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
  Index bytes_ = 0;
};

}  // namespace palaestra
