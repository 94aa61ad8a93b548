#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <palaestra/agents/policy.h>
#include <palaestra/core/archive.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::ailboost {

/// A mixture of frozen policies: at the beginning of an episode one is drawn by its weight and
/// followed to the end. Only so is the occupancy of the mixture the weighted mean of theirs;
/// averaging their actions would be another policy.
///
/// Without a learner it is the policy that is still being trained.
class Ensemble final : public rollout::Actor {
 public:
  /// `policy` runs the actor's network with any parameters, `current` being those in training; both
  /// must stay where they are. `evaluated` is how it acts where the mode is asked for.
  Ensemble(std::string_view name, Index observation_size, Index action_size, Policy& policy,
           std::span<const float> current, rollout::ActMode evaluated, std::uint64_t seed);

  /// A copy of the policy in training becomes learner `id`, larger than every id before. It has no
  /// weight until set_weights().
  void freeze(Index id);
  /// Forgets all learners but `ids`, and gives those their weights, oldest first. Throws
  /// std::logic_error unless they are learners, ascending, and the weights a distribution.
  void keep(std::span<const Index> ids, std::span<const double> weights);

  Index size() const { return std::ssize(learners_); }
  Index id(Index k) const { return learners_[static_cast<std::size_t>(k)].id; }
  /// The probability of the k-th oldest learner in one draw.
  double weight(Index k) const { return weights_[static_cast<std::size_t>(k)]; }
  std::span<const float> parameters(Index k) const {
    return learners_[static_cast<std::size_t>(k)].parameters;
  }
  /// 1 / sum of squared weights; 0 without a learner.
  double effective_size() const;
  /// The id of the learner at `u` in [0, 1) of the mass, oldest first; -1 without one.
  Index draw(double u) const;

  std::string_view name() const override { return name_; }
  Index observation_size() const override { return observation_size_; }
  Index action_size() const override { return action_size_; }
  /// Draws a learner for every row, as if its episode began there.
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           rollout::ActMode mode, int thread, std::span<float> actions) override;
  /// Which learner each row follows.
  std::unique_ptr<rollout::RowMemory> make_memory(Index rows) const override;
  void act_from(rollout::RowMemory& memory, const rollout::Past& past,
                std::span<const float> observations, Index rows, Index first_row, Index step,
                rollout::ActMode mode, int thread, std::span<float> actions) override;

  void set_seed(std::uint64_t seed) { seed_ = seed; }
  /// load() throws UserError on a mismatch and then leaves everything as it was.
  void save(ArchiveWriter& archive, std::string_view prefix) const;
  void load(const ArchiveReader& archive, std::string_view prefix, Index most);

 private:
  struct Learner {
    Index id;
    std::vector<float> parameters;
  };
  class Following;

  Index draw(Index row, Index step) const;
  std::span<const float> parameters_of(Index id) const;
  void act_as(std::span<const Index> learners, std::span<const float> observations, Index first_row,
              Index step, rollout::ActMode mode, int thread, std::span<float> actions);
  void set_weights(std::span<const double> weights);

  std::string_view name_;
  Index observation_size_, action_size_;
  Policy& policy_;
  std::span<const float> current_;
  rollout::ActMode evaluated_;
  std::uint64_t seed_;
  std::deque<Learner> learners_;  // oldest first
  std::vector<double> weights_, mass_until_;
};

}  // namespace palaestra::agents::ailboost
