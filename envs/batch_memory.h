#pragma once

#include <palaestra/envs/any_batch.h>
#include <palaestra/envs/column.h>

namespace palaestra::envs::detail {

/// The memory behind BatchColumns for n rows: allocated once, all zero.
template <class Observation>
struct BatchMemory {
  BatchMemory(Index n, Index observation_size, Index info_size)
      : observation(n * observation_size),
        final_observation(n * observation_size),
        reward(n),
        episode_return(n),
        info(n * info_size),
        terminated(n),
        truncated(n),
        reset(n),
        status(n),
        episode_length(n) {}

  BatchColumns columns() {
    return {observation.data(), final_observation.data(), reward.data(),
            terminated.data(),  truncated.data(),         reset.data(),
            status.data(),      episode_return.data(),    episode_length.data(),
            info.data()};
  }

  /// Calls f(name, span) for each column, of the constness of `self`. The names are those in saved
  /// files.
  template <class Self, class F>
  static void for_each(Self& self, F&& f) {
    f("observation", self.observation.span());
    f("final_observation", self.final_observation.span());
    f("reward", self.reward.span());
    f("terminated", self.terminated.span());
    f("truncated", self.truncated.span());
    f("reset", self.reset.span());
    f("status", self.status.span());
    f("episode_return", self.episode_return.span());
    f("episode_length", self.episode_length.span());
    f("info", self.info.span());
  }

  Column<Observation> observation, final_observation;
  Column<double> reward, episode_return, info;
  Column<std::uint8_t> terminated, truncated, reset;
  Column<Status> status;
  Column<Index> episode_length;
};

}  // namespace palaestra::envs::detail
