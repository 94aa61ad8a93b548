#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <palaestra/agents/doc/imitation.h>

namespace palaestra::agents::doc {

/// One step of policy improvement: Q of the data's policy, fitted to returns to go by least
/// squares, and at each state the action of the largest Q, the first of equal ones. Numbers as
/// actions: of `candidates` draws of a cloned policy, so that Q is asked about data-like actions.
class OneStep {
 public:
  /// Settings as Imitation, and `candidates`.
  OneStep(Task task, const DocConfig& config, std::uint64_t seed, Threads threads = Threads{1});
  OneStep(const OneStep&) = delete;
  OneStep& operator=(const OneStep&) = delete;

  /// One update of both from 1 to batch_size windows of one step. Throws as Learner::update().
  void update(const replay::WindowBatch& batch);
  /// (Q - G)² of the last update, of standardised returns.
  double loss() const { return loss_; }
  Index updates() const { return clone_.updates(); }

  /// Actions, [rows, action size], and the Q of each, [rows], in the units of returns. Throws
  /// UserError for a wrong length, std::runtime_error for a Q that is not finite.
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           std::span<float> actions, std::span<float> q);

  void save(ArchiveWriter& archive, std::string_view prefix) const;
  /// Throws UserError on a mismatch and then leaves everything as it was.
  void load(const ArchiveReader& archive, std::string_view prefix);

 private:
  using Program = nn::Program<float>;

  Program compile_step() const;
  Program compile_values() const;
  void propose(std::span<const float> observations, Index rows, Index first_row, Index step);

  DocConfig config_;
  Imitation clone_;
  Threads threads_;
  Sizes sizes_;
  Index candidates_;  // all choices, or as many draws
  nn::Layout layout_;
  nn::Mlp net_;
  WindowBlocks blocks_;
  std::vector<float> parameters_, gradient_;
  nn::Adam adam_;
  Program step_, values_;
  int loss_output_ = -1, q_output_ = -1;
  std::vector<float> states_;
  std::vector<float> proposed_;  // [candidates, rows, action size] as the buffer stores them
  std::vector<float> encoded_;   // [candidates, rows, action width]
  double loss_ = 0;
};

}  // namespace palaestra::agents::doc
