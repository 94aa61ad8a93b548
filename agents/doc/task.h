#pragma once

#include <span>
#include <string_view>
#include <tuple>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/core/space.h>
#include <palaestra/replay/storage.h>

namespace palaestra::agents::doc {

/// Name of the float32 column with the undiscounted rewards from a row to the end of its episode
/// (replay::ReturnColumn keeps it).
inline constexpr char kReturnColumn[] = "return_to_go";

/// (x - mean) / deviation, per number. Deviations are at least 1e-2, so that a number which hardly
/// moves in the data does not become huge where it does.
struct Scale {
  std::vector<float> mean, deviation;

  Index size() const { return static_cast<Index>(mean.size()); }
  float to(float x, std::size_t i = 0) const { return (x - mean[i]) / deviation[i]; }
  float from(float y, std::size_t i = 0) const { return mean[i] + deviation[i] * y; }
};

/// What a step can come to, (reward, next state), where both can be listed: all that occurs in the
/// data, with its share of the data.
struct Outcomes {
  struct Outcome {
    float reward;
    Index next;
    friend bool operator==(const Outcome&, const Outcome&) = default;
    friend bool operator<(const Outcome& a, const Outcome& b) {
      return std::tie(a.reward, a.next) < std::tie(b.reward, b.next);
    }
  };
  std::vector<Outcome> outcome;  ///< in ascending order; empty: outcomes cannot be listed
  std::vector<float> log_share;  ///< log ρ

  Index size() const { return static_cast<Index>(outcome.size()); }
  /// Throws UserError for an outcome that the data do not have.
  Index find(const Outcome& wanted) const;
};

/// What networks have to know of a task and its data: sizes and scales. States and actions that are
/// counted become one-hot; the others are standardised.
struct Task {
  Space observation, action;
  Scale observation_scale{}, action_scale{};  ///< empty where counted
  Scale reward_scale{}, return_scale{};
  Outcomes outcomes{};
  double best_return = 0;  ///< largest undiscounted return of an episode

  bool counts_states() const { return observation.kind == Space::Kind::kDiscrete; }
  bool counts_actions() const { return action.kind == Space::Kind::kDiscrete; }
  /// Width of a state or an action as networks see it.
  Index observation_width() const {
    return counts_states() ? observation.count : observation.size();
  }
  Index action_width() const { return counts_actions() ? action.count : action.size(); }

  /// One state or action as networks see it, from numbers or from the number of the choice.
  void encode_observation(std::span<const float> x, std::span<float> out) const;
  void encode_action(std::span<const float> x, std::span<float> out) const;

  void save(ArchiveWriter& archive, std::string_view prefix) const;
  /// Throws UserError unless the archive's task has the same spaces.
  static Task load(const ArchiveReader& archive, std::string_view prefix, const Space& observation,
                   const Space& action);
};

/// `rows` states as networks see them, [rows, width]; and back from what networks say of actions
/// (probabilities stay as they are).
void encode_observations(const Task& task, std::span<const float> observations, Index rows,
                         std::span<float> out);
void decode_actions(const Task& task, std::span<const float> head, std::span<float> out);

/// Looks at all stored rows: columns "observation" (a state), "action", "reward" and kReturnColumn.
/// Outcomes are listed where states are counted and there are at most 4,096 of them. Throws
/// UserError for empty data, columns of other sizes than the spaces', choices out of range and
/// numbers that are not finite.
Task task_of(const replay::Storage& data, const Space& observation, const Space& action);

}  // namespace palaestra::agents::doc
