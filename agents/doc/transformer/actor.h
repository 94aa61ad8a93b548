#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <palaestra/agents/doc/bank.h>
#include <palaestra/agents/doc/plans.h>
#include <palaestra/agents/doc/transformer/learner.h>
#include <palaestra/agents/sequence/history.h>
#include <palaestra/agents/sequence/turn.h>

namespace palaestra::agents::doc {

/// What acting remembers of each row of a batch: its last steps, and the latent that it acts on.
class SequenceMemory final : public rollout::RowMemory {
 public:
  /// Of the task the spaces are read alone.
  SequenceMemory(const Task& task, const SequenceConfig& config, Index rows);

  std::span<const double> promised() const override { return plans_.promised; }
  /// V of the latent that each row acts on, when it was chosen, in the units of returns: [rows].
  std::span<const float> value() const { return plans_.value; }

  void save(ArchiveWriter& archive, std::string_view prefix) const override;
  /// Throws UserError on a mismatch and is then not to be used.
  void load(const ArchiveReader& archive, std::string_view prefix) override;

 private:
  friend class SequenceActor;
  sequence::History history_;
  Plans plans_;
};

/// Acts in episodes from the history of each. Every `replan_every` steps of a row it chooses the
/// latent of largest V(h,s,z) among the candidates, the first of equal ones, and then plays
/// π(a|h,z).
///
/// Reads the learner's parameters and task where they are; the learner must outlive it. What a row
/// does depends neither on the other rows nor on how they are split over calls. Several actors may
/// act on different rows of one memory at once.
class SequenceActor {
 public:
  static constexpr Index kRows = 64;  ///< of one run; longer calls go in pieces

  explicit SequenceActor(const SequenceLearner& learner, Threads threads = Threads{1});

  /// What Candidates::kBank takes its candidates from. States that it does not know get draws of
  /// the prior, and so do all without a bank.
  void set_bank(std::shared_ptr<const Bank> bank) { bank_ = std::move(bank); }
  void set_candidates(Candidates from) { from_ = from; }

  /// One step. Actions [rows, action size] for observations [rows, observation size]; choices by
  /// their numbers, drawn (kSample) or the likeliest (kMean); numbers are the mean in both modes,
  /// kept within the space's bounds. Draws are those of (seed of the learner, purpose, row, step).
  /// Throws UserError for a wrong length and for a choice that there is not, and std::runtime_error
  /// for a value that is not finite; the memory is then not to be used.
  void act(SequenceMemory& memory, const rollout::Past& past, std::span<const float> observations,
           const sequence::Turn& turn, std::span<float> actions);

  /// Of the last rows that acted (kRows at most): probabilities of choices, or means in the
  /// network's units, [rows, action width]; h of their newest steps, [rows, width].
  std::span<const float> distribution() const { return distribution_; }
  std::span<const float> features() const { return features_; }

 private:
  using Program = nn::Program<float>;

  Program compile_features() const;
  Program compile_values() const;
  Program compile_policy() const;
  void bind();
  void act_piece(SequenceMemory& memory, const rollout::Past& past,
                 std::span<const float> observations, const sequence::Turn& turn,
                 std::span<float> actions);
  void observe(SequenceMemory& memory, const rollout::Past& past,
               std::span<const float> observations, const sequence::Turn& turn);
  void plan(SequenceMemory& memory, const rollout::Past& past, std::span<const float> observations,
            const sequence::Turn& turn);
  void propose(Index i, std::span<const float> observation, Stream random);
  void choose(Index i, std::span<float> z, float& value) const;

  const SequenceLearner* learner_;
  Threads threads_;
  Candidates from_;
  std::shared_ptr<const Bank> bank_;
  Bank::Found found_;
  std::vector<Index> proposed_;                                       // [kRows] candidates
  std::vector<float> features_, state_, prior_mean_, prior_log_std_;  // [kRows, ...]
  std::vector<float> candidates_, values_;                            // [kRows, candidates, ...]
  std::vector<float> distribution_, encoded_;
  Program feature_program_, value_program_, policy_program_;
  int observation_, action_, reward_, newest_, z_;  // inputs: rows of a memory
};

}  // namespace palaestra::agents::doc
