#pragma once

#include <optional>

#include <palaestra/replay/datasets/data_set_writer.h>

namespace palaestra::replay {

struct ConvertOptions {
  Index first_episode = 0;
  std::optional<Index> end_episode = {};  ///< exclusive; all
  int compression = 0;
  bool replace = false;
};

struct ConvertResult {
  Index episodes = 0, steps = 0;
  std::filesystem::path moved;      ///< what had the name before
  std::vector<std::string> losses;  ///< what the new file does not hold, a line each
};

/// Writes episodes of a data set in a format, which may be its own. Values keep their bits. What
/// one format has and the other has not is listed as a loss. Throws UserError as DataSet and
/// DataSetWriter do; nothing is left behind then.
ConvertResult convert(const DataSet& data, const std::filesystem::path& to, DataFormat format,
                      const ConvertOptions& options = {});

}  // namespace palaestra::replay
