#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include <palaestra/core/files.h>
#include <palaestra/core/types.h>

namespace palaestra {

/// A logged quantity. Texts and lists are only looked at during the call.
struct LogEntry {
  using Value = std::variant<bool, Index, double, std::string_view, std::span<const double>,
                             std::span<const Index>>;
  std::string_view name;
  Value value;
};

/// A JSON-lines file: one object per row, on the disk (in the system's hands) when append()
/// returns. Numbers read back to the same double; NaN and infinities, which JSON lacks, are null.
class JsonLines {
 public:
  /// Opens or makes `file` and keeps its first `keep` bytes: 0 starts afresh, the bytes() of a
  /// checkpoint resumes exactly. Throws UserError.
  explicit JsonLines(const std::filesystem::path& file, Index keep = 0) : file_(file, keep) {}

  /// Throws UserError when the disk is full; the file then ends behind the row before.
  void append(std::span<const LogEntry> row);
  void append(std::initializer_list<LogEntry> row) { append({row.begin(), row.size()}); }

  Index bytes() const { return file_.bytes(); }
  void sync() { file_.sync(); }

 private:
  AppendFile file_;
  std::string line_;  // kept for its memory
};

/// A TensorBoard event file: records in TFRecord framing (length, masked CRC-32C, data, masked
/// CRC-32C), each a protocol buffer `Event` with scalar summaries. TensorBoard finds files whose
/// name contains "tfevents".
class EventFile {
 public:
  /// As JsonLines; a file started afresh gets the version record with time `wall_time_s` (seconds
  /// since 1970), which is the caller's because nothing below the trainer reads a clock.
  EventFile(const std::filesystem::path& file, double wall_time_s, Index keep = 0);

  /// Writes the numbers of `row` (booleans as 0 and 1) at `step`; texts and lists are left out.
  void append(Index step, double wall_time_s, std::span<const LogEntry> row);
  void append(Index step, double wall_time_s, std::initializer_list<LogEntry> row) {
    append(step, wall_time_s, {row.begin(), row.size()});
  }

  Index bytes() const { return file_.bytes(); }
  void sync() { file_.sync(); }

 private:
  void write_record();

  AppendFile file_;
  std::string event_, summary_, value_, record_;  // kept for their memory
};

}  // namespace palaestra
