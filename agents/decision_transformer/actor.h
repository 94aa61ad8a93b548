#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <palaestra/agents/decision_transformer/learner.h>
#include <palaestra/agents/sequence/asked.h>
#include <palaestra/agents/sequence/history.h>
#include <palaestra/agents/sequence/turn.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::decision_transformer {

/// What acting remembers of each row of a batch: its last steps, and the return that is still asked
/// for.
class Memory final : public rollout::RowMemory {
 public:
  /// Of the task the spaces are read alone.
  Memory(const doc::Task& task, const DecisionTransformerConfig& config, Index rows);

  std::span<const double> promised() const override { return asked_.promised(); }
  void save(ArchiveWriter& archive, std::string_view prefix) const override;
  /// Throws UserError on a mismatch and is then not to be used.
  void load(const ArchiveReader& archive, std::string_view prefix) override;

 private:
  friend class Actor;
  sequence::History history_;
  sequence::Asked asked_;
};

/// Acts in episodes that are asked for a return: the learner's target(), less what has been earned.
///
/// Reads the learner's parameters and task where they are; the learner must outlive it. What a row
/// does depends neither on the other rows nor on how they are split over calls. Several actors may
/// act on different rows of one memory at once.
class Actor {
 public:
  static constexpr Index kRows = 64;  ///< of one run; longer calls go in pieces

  explicit Actor(const Learner& learner, Threads threads = Threads{1});

  /// One step. Observations [rows, observation size] as the environment gives them; actions
  /// [rows, action size], choices by their numbers. kSample draws choices by their probabilities
  /// from the stream of (seed of the learner, purpose, row, step); numbers are the mean in both
  /// modes, kept within the space's bounds. Throws UserError for a wrong length and for a choice
  /// that there is not; the memory is then not to be used.
  void act(Memory& memory, const rollout::Past& past, std::span<const float> observations,
           const sequence::Turn& turn, std::span<float> actions);

  /// Probabilities of choices, or means, of the last rows that acted (kRows at most), in the
  /// network's units: [rows, action width].
  std::span<const float> distribution() const { return distribution_; }

 private:
  nn::Program<float> compile() const;
  void act_piece(Memory& memory, const rollout::Past& past, std::span<const float> observations,
                 const sequence::Turn& turn, std::span<float> actions);

  const Learner* learner_;
  Threads threads_;
  std::vector<float> encoded_, distribution_;
  nn::Program<float> program_;
  int to_go_, observation_, action_, newest_;  // inputs: rows of a memory
};

}  // namespace palaestra::agents::decision_transformer
