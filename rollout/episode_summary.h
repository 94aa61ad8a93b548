#pragma once

#include <cmath>
#include <string>
#include <string_view>

#include <palaestra/core/archive.h>
#include <palaestra/envs/any_batch.h>

namespace palaestra::rollout {

/// Returns and lengths of the training episodes that ended since the last reset().
struct EpisodeSummary {
  Index episodes = 0;
  Index diverged = 0;  ///< ended by a status other than kOk; not in the other figures
  double return_sum = 0, return_min = 0, return_max = 0;
  Index length_sum = 0;

  void add(double episode_return, Index length, bool bad_status) {
    if (bad_status) {  // its return may not even be a number
      diverged += 1;
      return;
    }
    return_min = episodes == 0 ? episode_return : std::fmin(return_min, episode_return);
    return_max = episodes == 0 ? episode_return : std::fmax(return_max, episode_return);
    return_sum += episode_return;
    length_sum += length;
    episodes += 1;
  }

  /// Adds the rows whose episode ended with the batch's last step, in row order.
  void add_finished(const envs::AnyBatch& batch) {
    const auto& columns = batch.columns();
    for (Index i = 0; i < batch.size(); ++i) {
      if ((columns.terminated[i] | columns.truncated[i]) != 0) {
        add(columns.episode_return[i], columns.episode_length[i],
            columns.status[i] != envs::Status::kOk);
      }
    }
  }

  /// NaN without an episode.
  double return_mean() const { return return_sum / static_cast<double>(episodes); }
  double length_mean() const {
    return static_cast<double>(length_sum) / static_cast<double>(episodes);
  }

  void save(ArchiveWriter& archive, std::string_view prefix) const {
    archive.put(concat(prefix, ".counts"), std::vector<Index>{episodes, diverged, length_sum});
    archive.put(concat(prefix, ".returns"),
                std::vector<double>{return_sum, return_min, return_max});
  }
  void load(const ArchiveReader& archive, std::string_view prefix) {
    std::vector<Index> counts(3);
    std::vector<double> returns(3);
    archive.get(concat(prefix, ".counts"), counts);
    archive.get(concat(prefix, ".returns"), returns);
    episodes = counts[0], diverged = counts[1], length_sum = counts[2];
    return_sum = returns[0], return_min = returns[1], return_max = returns[2];
  }
};

}  // namespace palaestra::rollout
