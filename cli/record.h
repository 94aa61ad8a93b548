#pragma once

#include <filesystem>
#include <memory>

#include <palaestra/rollout/collector.h>

namespace palaestra::cli {

/// Writes the steps of a batch to an HDF5 file: docs/command_line.md has the layout. The file gets
/// its name when finish() is called; without it nothing is left behind.
class Recorder {
 public:
  /// For a batch that was just reset. Throws UserError when the file is there already or cannot
  /// be made.
  Recorder(const std::filesystem::path& file, const envs::AnyBatch& batch);
  ~Recorder();

  /// The batch's columns and the actions that led to them. Throws UserError when the disk is full.
  void append(const envs::AnyBatch& batch, const rollout::Actions& actions);
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace palaestra::cli
