#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <palaestra/envs/spec.h>
#include <palaestra/rollout/agent.h>
#include <palaestra/rollout/episode_summary.h>
#include <palaestra/rollout/experience.h>
#include <palaestra/rollout/train_config.h>

namespace palaestra::rollout {

/// The block of a checkpoint, and of a trained agent's file, that holds Trainer::statistics().
inline constexpr std::string_view kStatistics = "statistics";

/// What train() in train.h needs to know of a way of training: how to go on, and how far it is.
/// Everything that decides the future is in save(): a trainer that was saved and loaded goes on to
/// the same bits.
class Trainer {
 public:
  virtual ~Trainer() = default;
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// The smallest stretch between whose ends a run can be cut: a batch step and the updates that it
  /// owes, or one update on a data set. Throws UserError naming the step when the agent reports
  /// that a loss is not finite.
  virtual void advance() = 0;
  virtual bool done() const { return steps_ >= config_.steps; }

  const TrainConfig& config() const { return config_; }
  Agent& agent() { return agent_; }
  /// What the agent sees and does; `id` is empty where there is no environment.
  virtual const envs::EnvSpec& spec() const = 0;
  /// What the wrappers of the environments have learnt of their numbers: empty without such
  /// wrappers. An agent is judged, and used, with these.
  virtual std::vector<double> statistics() const { return {}; }

  /// What such a run is made of, as far as its settings do not say so: a line; empty for most.
  virtual std::string outline() const { return {}; }
  /// What somebody who starts such a run should know beforehand: sentences, not errors.
  virtual std::vector<std::string> notices() const { return {}; }

  Index steps() const { return steps_; }              ///< transitions so far; offline: updates
  Index previous_steps() const { return previous_; }  ///< before the last stretch
  Index updates() const { return updates_; }
  Index episodes() const { return episodes_; }  ///< finished so far
  /// Whether the last stretch reached or passed a multiple of `every`; never for 0.
  bool passed_multiple(Index every) const {
    return every > 0 && steps_ / every != previous_ / every;
  }

  /// Episodes that ended since the last call of reset_summary().
  const EpisodeSummary& summary() const { return summary_; }
  void reset_summary() { summary_ = {}; }
  /// The agent's loss on what it does not learn from, where there is such.
  virtual std::optional<double> held_out_loss() const { return {}; }
  /// The agent's metrics of its last update, also right after load().
  std::span<const Metric> metrics();

  /// Agent, experience, counters, and what else there is.
  virtual void save(ArchiveWriter& archive) = 0;
  /// Throws UserError when the archive does not belong to these settings.
  virtual void load(const ArchiveReader& archive) = 0;

 protected:
  /// The agent must outlive the trainer.
  Trainer(const TrainConfig& config, Agent& agent) : config_(config), agent_(agent) {}

  /// One update, whose draws are addressed by its number. False where there is nothing to learn
  /// from yet.
  bool learn(Experience& experience, bool mixed);
  /// The same where `teach` draws and lets the agent learn: it returns false where it cannot yet.
  template <class Teach>
  bool learn_by(const Teach& teach) {
    // addressed by the update's number: a resumed run draws the same rows
    Stream random(static_cast<std::uint64_t>(config_.seed), kSample, 0,
                  static_cast<std::uint64_t>(updates_));
    if (!or_diverged([&] { return teach(random); })) {
      return false;
    }
    updates_ += 1;
    metrics_loaded_ = false;
    return true;
  }
  /// Calls `learning`; where it finds a loss that is not finite, UserError names step and update.
  template <class Learning>
  auto or_diverged(const Learning& learning) const {
    try {
      return learning();
    } catch (const UserError&) {
      throw;
    } catch (const std::runtime_error& error) {
      throw UserError(
          concat("training diverged at step ", steps_, ", update ", updates_, ": ", error.what()));
    }
  }
  /// The part of save() and load() that every trainer has.
  void save_progress(ArchiveWriter& archive);
  void load_progress(const ArchiveReader& archive);
  /// A counter of a checkpoint. Throws UserError unless it is from 0 to `most`.
  static Index get_counter(const ArchiveReader& archive, std::string_view name, Index most);
  /// For load(): throws UserError where there were more updates than the steps can have owed.
  void require_updates(Index owed) const;

  TrainConfig config_;
  Agent& agent_;
  Index steps_ = 0, previous_ = 0, updates_ = 0, episodes_ = 0;
  EpisodeSummary summary_;

 private:
  static constexpr Purpose kSample = purpose("rollout/sample");

  std::vector<Metric> metrics_;  // what metrics() says until the next update
  bool metrics_loaded_ = false;
};

}  // namespace palaestra::rollout
