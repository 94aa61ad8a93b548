#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <palaestra/replay/column.h>
#include <palaestra/replay/datasets/data_set.h>

namespace palaestra::replay {

/// What a new data set is made of.
struct DataSetPlan {
  DataFormat format = DataFormat::kMinari;
  /// "observation" and "action" (or parts of them), "reward" (float32 or float64), and any
  /// "info/..."; "terminated" and "truncated" are always there and need not be listed.
  std::vector<DataColumn> columns;
  /// A JSON object: where the data come from. Minari: becomes a part of metadata.json, whose own
  /// members (total_steps, observation_space, ...) are added; a "dataset_id" is made from the
  /// folder's name where there is none.
  std::string metadata = "{}";
  int compression = 0;   ///< gzip level 0 to 9
  bool replace = false;  ///< move aside what has the name already, instead of refusing
};

/// One episode to be written.
struct EpisodeValues {
  Index length = 0;
  /// Every column of the plan once, and "terminated" and "truncated" (bool or uint8). State columns
  /// have length + 1 rows, the others length.
  std::span<const NamedValues> columns;
  std::optional<Index> seed = {};
};

/// Writes a data set episode by episode. Nothing stands under its name before finish(), which syncs
/// and renames: a crash or a full disk leaves nothing half-written there.
class DataSetWriter {
 public:
  /// `path` is a folder for Minari, a file for D4RL; its parents are made. Throws UserError, and
  /// nothing was made, where it is taken (unless `replace`), or the plan cannot be written in that
  /// format: D4RL has no parts of observations.
  DataSetWriter(const std::filesystem::path& path, DataSetPlan plan);
  ~DataSetWriter();
  DataSetWriter(DataSetWriter&&) noexcept;
  DataSetWriter& operator=(DataSetWriter&&) noexcept;

  /// Throws UserError for a missing or wrong column, and when the disk is full; after the latter
  /// nothing more can be written.
  void add(const EpisodeValues& episode);
  /// Replaces the plan's metadata: what is known only when all episodes are there. Throws UserError
  /// for what is no JSON object.
  void set_metadata(const std::string& metadata);
  /// Throws UserError for a data set without episodes, or when the disk is full; nothing is left
  /// behind then.
  void finish();
  /// Where what had the name before was moved; empty where nothing had.
  const std::filesystem::path& moved() const;

  Index episodes() const;
  Index steps() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace palaestra::replay
