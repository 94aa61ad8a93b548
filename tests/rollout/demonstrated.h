#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include <palaestra/replay/datasets/data_set.h>
#include <palaestra/rollout/train_config.h>

namespace palaestra::rollout::testing {

/// The task of the tests: four numbers, one action within 3.
constexpr const char* kFalls = "InvertedPendulum-v5";
constexpr std::size_t kWidth = 4;

using Row = std::vector<float>;

/// Where an episode goes when it ends for good.
inline const Row kAbsorbing = {0, 0, 0, 0, 1};

/// A short run beside the demonstrations of a data set.
inline TrainConfig config_for(const std::filesystem::path& data) {
  TrainConfig config;
  config.data = data.string();
  config.seed = 3;
  config.n = 2;
  config.steps = 160;
  config.offline_steps = 0;
  config.learning_starts = 20;
  config.updates_per_step = 0.5;
  config.capacity = 100;
  return config;
}

/// States of a data set by episode, as float32.
inline std::vector<std::vector<Row>> states_of(const std::filesystem::path& path) {
  const replay::DataSet file(path);
  std::vector<std::vector<Row>> episodes;
  for (Index e = 0; e < file.episodes(); ++e) {
    const Index length = file.episode(e).length;
    const auto all = file.read_vector<double>("observation", e, 0, length);
    std::vector<Row> rows;
    for (std::size_t i = 0; i < all.size(); i += kWidth) {
      rows.emplace_back(all.begin() + static_cast<std::ptrdiff_t>(i),
                        all.begin() + static_cast<std::ptrdiff_t>(i + kWidth));
    }
    episodes.push_back(rows);
  }
  return episodes;
}

/// One row of a column.
inline Row row_of(std::span<const float> column, Index row, std::size_t width) {
  const auto part = column.subspan(static_cast<std::size_t>(row) * width, width);
  return {part.begin(), part.end()};
}

}  // namespace palaestra::rollout::testing
