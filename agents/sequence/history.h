#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/core/types.h>

namespace palaestra::agents::sequence {

/// The last steps of each row of a batch of episodes, as a sequence model reads them: the same
/// windows in acting as in training.
///
/// Arrays are [rows, length, width], the oldest step first and padding of zeros behind the newest.
/// A step begins with its observation; what is not known yet of it (action, reward) is zero, and
/// comes behind the observation among the tokens, so that nothing that acts has seen it. A full
/// window forgets its oldest step.
class History {
 public:
  /// Throws UserError for an extent below 1.
  History(Index rows, Index length, Index observation_width, Index action_width);

  /// Forgets a row's steps: its episode begins.
  void begin(Index row);
  /// A row's next step. `asked` is the return that is still wanted, for models that condition on
  /// it. Throws UserError for a row or width that is wrong, as the next two do; those throw before
  /// a row's first step as well.
  void observe(Index row, std::span<const float> observation, float asked = 0);
  /// What the row's newest step did, and what came of it.
  void act(Index row, std::span<const float> action);
  void reward(Index row, float reward);

  Index rows() const { return rows_; }
  Index length() const { return length_; }
  /// Steps of a row that the window holds.
  Index steps(Index row) const { return steps_[static_cast<std::size_t>(row)]; }

  std::span<const float> observation() const { return observation_.values; }
  std::span<const float> action() const { return action_.values; }
  std::span<const float> reward() const { return reward_.values; }
  std::span<const float> asked() const { return asked_.values; }
  /// [rows] where each row's newest step stands.
  std::span<const float> newest() const { return newest_; }

  void save(ArchiveWriter& archive, std::string_view prefix) const;
  /// Throws UserError for other extents, or numbers that no history has; it is then as it was.
  void load(const ArchiveReader& archive, std::string_view prefix);

 private:
  struct Column {
    Index width;
    std::vector<float> values;
  };
  std::span<float> at(Column& column, Index row, Index step) const;
  void forget_oldest(Column& column, Index row) const;
  void set_newest(Column& column, Index row, std::span<const float> values, const char* what) const;
  void require_row(Index row) const;

  Index rows_, length_;
  std::vector<Index> steps_;
  std::vector<float> newest_;
  Column observation_, action_, reward_, asked_;
};

}  // namespace palaestra::agents::sequence
