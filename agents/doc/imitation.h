#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <palaestra/agents/doc/networks.h>
#include <palaestra/agents/doc/policy_net.h>
#include <palaestra/agents/doc/window_blocks.h>
#include <palaestra/agents/trained_vector.h>
#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/nn/program.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::doc {

/// What an imitating policy is told beside the state.
enum class Condition : unsigned char {
  kNothing,  ///< behavioural cloning
  kReturn,   ///< the return to go: the Markov form of a Decision Transformer
};

class Imitation;

/// Acts by a policy that imitates. Reads its parameters and task where they are: it follows further
/// updates, and the policy must outlive it. Nothing depends on how rows are split over calls.
class ImitationActor {
 public:
  explicit ImitationActor(const Imitation& policy, Threads threads = Threads{1});

  /// π(·|s) or π(·|s, asked) for `rows` states as the buffer stores them: probabilities of
  /// choices, or means. `asked` is the return to go of each row; empty without a condition. Throws
  /// UserError for a wrong length or a return that is not finite.
  void distribution(std::span<const float> observations, Index rows, std::span<const float> asked,
                    std::span<float> out);
  /// Actions, [rows, action size], drawn from π or its mode.
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           rollout::ActMode mode, std::span<const float> asked, std::span<float> actions);

 private:
  const Imitation* policy_;
  Threads threads_;
  nn::Program<float> program_;
  std::vector<float> states_, asked_, head_, distribution_, deviation_;
};

/// Minimises -log π(a|s) or -log π(a|s, return-to-go) over single steps: the policy's network and
/// optimiser settings of DocConfig. Percentile cloning is this on the best episodes alone.
class Imitation {
 public:
  /// Reads hidden, activation, batch_size, learning_rate, weight_decay and clip_norm of `config`.
  /// Throws UserError for a setting out of range.
  Imitation(Task task, const DocConfig& config, Condition condition, std::uint64_t seed,
            Threads threads = Threads{1});
  Imitation(const Imitation&) = delete;
  Imitation& operator=(const Imitation&) = delete;

  /// One update from 1 to batch_size windows of one step. Throws as Learner::update().
  void update(const replay::WindowBatch& batch);
  /// -log π of the last update, in nats.
  double loss() const { return loss_; }
  Index updates() const { return updates_; }

  /// See ImitationActor.
  void distribution(std::span<const float> observations, Index rows, std::span<const float> asked,
                    std::span<float> out) {
    actor_.distribution(observations, rows, asked, out);
  }
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           rollout::ActMode mode, std::span<const float> asked, std::span<float> actions) {
    actor_.act(observations, rows, first_row, step, mode, asked, actions);
  }

  const Task& task() const { return task_; }
  std::uint64_t seed() const { return seed_; }

  void save(ArchiveWriter& archive, std::string_view prefix) const;
  /// Throws UserError on a mismatch and then leaves everything as it was.
  void load(const ArchiveReader& archive, std::string_view prefix);

 private:
  friend class ImitationActor;

  bool asks() const { return condition_ == Condition::kReturn; }
  nn::Expr input(nn::Expr observation, nn::Expr asked) const;
  nn::Program<float> compile_step() const;

  DocConfig config_;
  Task task_;
  Condition condition_;
  std::uint64_t seed_;
  Threads threads_;
  Sizes sizes_;
  nn::Layout layout_;
  PolicyNet policy_;
  WindowBlocks blocks_;
  TrainedVector vector_;
  nn::Program<float> step_;
  int loss_output_ = -1;
  double loss_ = 0;
  Index updates_ = 0;
  ImitationActor actor_;
};

}  // namespace palaestra::agents::doc
