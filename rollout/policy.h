#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <palaestra/envs/any_batch.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::rollout {

/// Actions of all rows of a batch, in whichever type its action space has: the other stays empty.
struct Actions {
  Actions(const Space& space, Index n);

  std::vector<float> numbers;         ///< [n, action size], box spaces
  std::vector<std::int64_t> choices;  ///< [n], discrete spaces
  Index width;                        ///< action size; 1 for discrete spaces
};

/// A block of consecutive rows of a batch at one step.
struct RowBlock {
  Index begin, end;  ///< rows [begin, end)
  Index step;        ///< batch steps so far, from where whoever counts them began
  int thread;        ///< picks scratch memory
  /// Of these rows; empty where nobody says. See Past.
  std::span<const std::uint8_t> begins = {};
  std::span<const float> reward = {};
};

/// Chooses actions for a block of rows. Blocks of one step may be served at the same time by
/// different threads; the actions of a row do not depend on how the rows are cut into blocks.
class Policy {
 public:
  virtual ~Policy() = default;
  /// `observations` are the block's, [end - begin, observation size]. Writes the rows
  /// [begin, end) of `out`.
  virtual void act(const RowBlock& block, std::span<const float> observations, Actions& out) = 0;
  /// See RowMemory.
  virtual std::span<const double> promised() const { return {}; }
  /// The most rows of a block where several threads act: see Actor::grain().
  virtual Index grain() const { return 1024; }
};

/// A random action of a row: each choice alike, each number uniform within its bounds or standard
/// normal where it has none.
void draw_action(const Space& space, Index row, Stream& random, Actions& out);

/// Uniform over the action space; standard normal where an element is unbounded. The action of row
/// i at step t is addressed by (seed, i, t): the same as envs::RandomActions draws.
class RandomPolicy final : public Policy {
 public:
  RandomPolicy(Space space, std::uint64_t seed) : space_(std::move(space)), seed_(seed) {}
  void act(const RowBlock& block, std::span<const float> observations, Actions& out) override;

 private:
  Space space_;
  std::uint64_t seed_;
};

/// Zeros, or the first choice.
class ZeroPolicy final : public Policy {
 public:
  void act(const RowBlock& block, std::span<const float> observations, Actions& out) override;
};

/// An agent, or another actor, in one of its modes.
class AgentPolicy final : public Policy {
 public:
  /// The actor must outlive the policy. `rows` is the size of the batch, which only actors with a
  /// history need. Throws UserError unless the spaces suit the actor, and for one with a history
  /// without rows.
  AgentPolicy(Actor& agent, ActMode mode, const envs::EnvSpec& spec, Index rows = 0);
  void act(const RowBlock& block, std::span<const float> observations, Actions& out) override;
  std::span<const double> promised() const override;
  Index grain() const override { return agent_.grain(); }

  /// Histories of the rows, where there are some.
  void save(ArchiveWriter& archive, std::string_view prefix) const;
  void load(const ArchiveReader& archive, std::string_view prefix);

 private:
  void act_rows(const RowBlock& block, Index begin, Index end, std::span<const float> observations,
                std::span<float> actions);

  Actor& agent_;
  ActMode mode_;
  std::unique_ptr<RowMemory> memory_;
};

}  // namespace palaestra::rollout
