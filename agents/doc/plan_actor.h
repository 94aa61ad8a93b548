#pragma once

#include <memory>
#include <span>
#include <string_view>

#include <palaestra/agents/doc/planner.h>
#include <palaestra/agents/doc/plans.h>
#include <palaestra/agents/sequence/turn.h>

namespace palaestra::agents::doc {

/// What acting remembers of each row of a batch: the latent that it acts on.
class PlanMemory final : public rollout::RowMemory {
 public:
  PlanMemory(const Task&, const DocConfig& config, Index rows) : plans_(rows, config.latent) {}

  std::span<const double> promised() const override { return plans_.promised; }
  void save(ArchiveWriter& archive, std::string_view prefix) const override {
    plans_.save(archive, concat(prefix, "plans."));
  }
  void load(const ArchiveReader& archive, std::string_view prefix) override {
    plans_.load(archive, concat(prefix, "plans."));
  }

 private:
  friend class PlanActor;
  Plans plans_;
};

/// Acts in episodes: a planner that chooses each row's latent when its episode begins, and every
/// `replan_every` steps from then on.
///
/// Reads the learner's parameters and task where they are; the learner must outlive it. What a row
/// does depends neither on the other rows nor on how they are split over calls. Several actors may
/// act on different rows of one memory at once.
class PlanActor {
 public:
  explicit PlanActor(const Learner& learner, Threads threads = Threads{1})
      : learner_(&learner), planner_(learner, threads) {}

  /// See Planner.
  void set_bank(std::shared_ptr<const Bank> bank) { planner_.set_bank(std::move(bank)); }

  /// One step. Actions [rows, action size] for observations [rows, observation size]; choices by
  /// their numbers, numbers within the space's bounds. Throws as Planner; the memory is then not to
  /// be used.
  void act(PlanMemory& memory, const rollout::Past& past, std::span<const float> observations,
           const sequence::Turn& turn, std::span<float> actions);

 private:
  const Learner* learner_;
  Planner planner_;
};

}  // namespace palaestra::agents::doc
