#pragma once

#include <memory>
#include <vector>

#include <palaestra/core/parallel.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::rollout {

/// Another agent that sees observations on the scale of a data set, (o - mean) / deviation, when it
/// acts and when it learns. Mean and deviation (never below kFloor, so that a number which hardly
/// moves in the data does not become huge where it does) are over the recorded rows; they are saved
/// beside the agent as "observation_mean" and "observation_deviation". Before prepare() they are 0
/// and 1.
///
/// Where episodes go on in an absorbing state (absorbing.h), rows that are learnt from have its
/// indicator behind the observation. The indicator stays as it is, and so does that state: it has
/// no scale, and is no part of mean and deviation.
class NormalizedAgent final : public Agent {
 public:
  static constexpr double kFloor = 1e-2;

  /// `threads` is the number of callers of act() at a time.
  NormalizedAgent(std::unique_ptr<Agent> inner, Threads threads);
  NormalizedAgent(const NormalizedAgent&) = delete;  // alternatives point at it
  NormalizedAgent& operator=(const NormalizedAgent&) = delete;
  ~NormalizedAgent() override;

  std::string_view name() const override { return inner_->name(); }
  Index observation_size() const override { return inner_->observation_size(); }
  Index action_size() const override { return inner_->action_size(); }
  Index choices() const override { return inner_->choices(); }
  Index grain() const override { return inner_->grain(); }

  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           ActMode mode, int thread, std::span<float> actions) override;
  /// Throws UserError where the agent within scales observations by itself, and for observations
  /// that are choices.
  bool prepare(const replay::Storage& data) override;
  void update(const replay::Minibatch& batch) override;
  void update_windows(const replay::WindowBatch& batch) override;
  void imitate(const replay::Minibatch& batch, const replay::Minibatch& demonstrations) override;
  void judge(const replay::Minibatch& episode, std::span<float> reward) override;
  double held_out_loss(const replay::Minibatch& rows) override;
  void keep() override { inner_->keep(); }

  std::span<const Metric> metrics() override { return inner_->metrics(); }
  Index updates() const override { return inner_->updates(); }
  void save(ArchiveWriter& archive, std::string_view prefix) const override;
  void load(const ArchiveReader& archive, std::string_view prefix) override;

  /// Those of the agent within, which see scaled observations as well.
  std::span<const NamedActor> alternatives() override { return alternatives_; }

  Agent& inner() { return *inner_; }
  std::span<const float> mean() const { return mean_; }
  std::span<const float> deviation() const { return deviation_; }

 private:
  class Alternative;

  /// Acts by `actor`, one of the agent within, from scaled observations; `memory` (null: none) and
  /// `past` are its own.
  void act_scaled(Actor& actor, RowMemory* memory, const Past& past,
                  std::span<const float> observations, Index rows, Index first_row, Index step,
                  ActMode mode, int thread, std::span<float> actions);
  /// Room for the observations of a minibatch.
  struct Scaled {
    std::vector<float> observation, next_observation;
  };

  /// Whole rows from `in` to the beginning of `out`; with `stride` numbers per row, one more than
  /// an observation has where there are indicators.
  void normalize(std::span<const float> in, std::span<float> out, std::size_t stride) const;
  replay::Minibatch normalize(const replay::Minibatch& batch, Scaled& memory) const;

  std::unique_ptr<Agent> inner_;
  std::vector<std::unique_ptr<Alternative>> owned_alternatives_;
  std::vector<NamedActor> alternatives_;
  std::vector<float> mean_, deviation_;
  std::vector<std::vector<float>> rows_;  // of act(), one per thread
  Scaled batch_, demonstrations_;
  std::vector<replay::WindowBlock> blocks_;
};

}  // namespace palaestra::rollout
