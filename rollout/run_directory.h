#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <palaestra/core/types.h>

namespace palaestra::rollout {

/// What to do when the folder of a new run exists and is not empty.
enum class Existing : unsigned char {
  kRefuse,     ///< UserError: nothing is ever overwritten
  kMoveAside,  ///< rename it to the first free "RUN.1", "RUN.2", ...
};

/// The folder of one run: where each file is, which checkpoints there are. While an object lives,
/// no other process can open the same folder for writing (an advisory lock on the folder, gone
/// with the process however it ends).
class RunDirectory {
 public:
  /// Makes the folder (and those above it). Throws UserError when it holds something already
  /// (kRefuse), when another process writes to it, or when it cannot be made.
  static RunDirectory create(const std::filesystem::path& path, Existing existing);

  /// Opens a run to go on with it. Throws UserError unless there is one.
  static RunDirectory open(const std::filesystem::path& path);

  /// Whether `path` holds a run (its config.toml).
  static bool exists(const std::filesystem::path& path);

  RunDirectory(RunDirectory&& other) noexcept;
  RunDirectory& operator=(RunDirectory&& other) noexcept;
  ~RunDirectory();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.toml"; }
  std::filesystem::path meta() const { return path_ / "meta.json"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path evaluations() const { return path_ / "eval.jsonl"; }
  std::filesystem::path final_agent() const { return path_ / "final.safetensors"; }
  std::filesystem::path curve() const { return path_ / "curve.png"; }
  /// The TensorBoard file that is there, or the name for a new one.
  std::filesystem::path events() const;

  std::filesystem::path checkpoint(Index step) const;
  struct Checkpoint {
    Index step;
    std::filesystem::path file;
  };
  /// By step, oldest first.
  static std::vector<Checkpoint> checkpoints(const std::filesystem::path& run);
  std::vector<Checkpoint> checkpoints() const { return checkpoints(path_); }
  /// Removes all but the `keep` newest.
  void prune_checkpoints(Index keep) const;

  /// Where create() moved an older folder of that name.
  const std::optional<std::filesystem::path>& moved_aside() const { return moved_aside_; }

 private:
  explicit RunDirectory(std::filesystem::path path);
  void lock();

  std::filesystem::path path_;
  std::optional<std::filesystem::path> moved_aside_;
  int lock_ = -1;
};

}  // namespace palaestra::rollout
