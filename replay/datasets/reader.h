#pragma once

#include <palaestra/replay/datasets/data_set.h>

namespace palaestra::replay {

/// How deep groups may lie in one another, in either format.
inline constexpr int kDeepestGroup = 8;

/// A format behind DataSet, which checks the arguments.
struct DataSet::Reader {
  virtual ~Reader() = default;
  virtual EpisodeFacts episode(Index number) = 0;
  virtual void read(std::size_t column, Index episode, Index first, Index count,
                    std::span<std::byte> out) = 0;
  virtual Index steps() = 0;
  /// A step whose recorded next observation is not that of the step after it; -1 where there is
  /// none.
  virtual Index step_before_break(Index) { return -1; }

  DataFormat format = DataFormat::kMinari;
  Index episodes = 0;
  std::vector<DataColumn> columns;
  std::string metadata = "{}";
  std::vector<std::string> ignored;
};

std::unique_ptr<DataSet::Reader> open_minari(const std::filesystem::path& folder);
std::unique_ptr<DataSet::Reader> open_d4rl(const std::filesystem::path& file,
                                           const DataSetOptions& options);

}  // namespace palaestra::replay
