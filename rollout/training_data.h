#pragma once

#include <optional>
#include <string>
#include <vector>

#include <palaestra/envs/spec.h>
#include <palaestra/replay/datasets/data_set.h>
#include <palaestra/replay/weighted_replay_buffer.h>
#include <palaestra/rollout/train_config.h>

namespace palaestra::rollout {

/// The data set of a run: opened, identified, compared with the environment, its episodes chosen.
///
/// Without an environment (one that is not here: `config.env` stays empty) the spaces are the data
/// set's own; a run can then learn, but not be evaluated.
class TrainingData {
 public:
  /// Opens config.data and fills in what `config` leaves open: the environment that the data set
  /// names, where that is known (then also its options and wrappers, unless some are set), and the
  /// hash. Throws UserError, with `config` as it was, for a data set that cannot be read, that is
  /// not the one of config.data_sha256, whose spaces are not the environment's (both are named),
  /// with fewer episodes than config.data_episodes, or without a step.
  explicit TrainingData(TrainConfig& config);

  /// Of the environment in its wrappers. Without one `id` is empty, and all but the spaces.
  const envs::EnvSpec& spec() const { return spec_; }
  /// Episodes that are learnt from, ascending: the first of the data set, of these the best.
  const std::vector<Index>& episodes() const { return episodes_; }
  /// Steps of those, at most: a last step without a known next observation is not loaded.
  Index steps() const { return steps_of(episodes_); }
  /// Those of the chosen episodes that are not learnt from, evenly spread, and their steps.
  const std::vector<Index>& held_out() const { return held_out_; }
  Index held_out_steps() const { return steps_of(held_out_); }

  /// Appends the chosen episodes to a buffer with the transition columns of spec() and perhaps
  /// kReturnToGo (which gets rewards: see replay::ReturnColumn), to the rows that are never evicted
  /// where `pinned`. Throws UserError, with the buffer as it was, as replay::load_into(), and for
  /// choices that the spaces do not have.
  void load_into(replay::WeightedReplayBuffer& buffer, bool pinned) const {
    load(buffer, episodes_, pinned);
  }
  /// The same of the episodes that are held out.
  void load_held_out_into(replay::WeightedReplayBuffer& buffer) const {
    load(buffer, held_out_, /*pinned=*/false);
  }

 private:
  void find_environment(TrainConfig& config);
  void choose_episodes(Index first, double best_share);
  void hold_out(double share);
  Index steps_of(const std::vector<Index>& episodes) const;
  void load(replay::WeightedReplayBuffer& buffer, const std::vector<Index>& episodes,
            bool pinned) const;
  std::vector<std::size_t> parts_of(std::string_view name) const;
  std::optional<Space> space_of(std::string_view name) const;
  void compare(std::string_view name, const Space& wanted) const;

  replay::DataSet data_;
  envs::EnvSpec spec_;
  bool flat_goal_ = false;  // observations are those of a goal task without the achieved goal
  std::vector<Index> episodes_, held_out_;
};

}  // namespace palaestra::rollout
