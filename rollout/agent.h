#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/core/types.h>
#include <palaestra/replay/minibatch.h>
#include <palaestra/replay/storage.h>
#include <palaestra/replay/windows.h>

namespace palaestra::rollout {

/// How an agent turns its policy into actions.
enum class ActMode : unsigned char {
  kSample,  ///< as when collecting: draw from the policy
  kMean,    ///< as when evaluating: the mode of the policy, no random number
};

/// One logged number; the name lives as long as the agent.
struct Metric {
  std::string_view name;
  double value;
};

/// What consecutive rows of a batch have been through, besides the observations that they show.
struct Past {
  std::span<const std::uint8_t> begins;  ///< [rows] 1: the observation is the first of its episode
  std::span<const float> reward;  ///< [rows] what the step before earned; nothing where one begins
};

/// What an agent that acts from more than the observation remembers of the rows of one batch: a
/// history per row, to which each act_from() adds. Whoever owns the batch owns it.
class RowMemory {
 public:
  virtual ~RowMemory() = default;
  virtual void save(ArchiveWriter& archive, std::string_view prefix) const = 0;
  virtual void load(const ArchiveReader& archive, std::string_view prefix) = 0;

  /// What the agent promised of each row's episode at its first observation, [rows]: the
  /// undiscounted return that it was asked for, or expected of what it chose to do. Empty where the
  /// agent promises nothing. An evaluation sets it against what the episode came to.
  virtual std::span<const double> promised() const { return {}; }
};

/// Who acts: the half of an agent that a batch of environments sees. Nothing here allocates in
/// steady state.
///
/// It acts from the observation alone: it has act(). Or from the history of each row, such as the
/// last 20 observations, actions and rewards: it has make_memory() and act_from(), and its act() is
/// that of a row whose episode has just begun.
class Actor {
 public:
  virtual ~Actor() = default;

  virtual std::string_view name() const = 0;
  virtual Index observation_size() const = 0;
  virtual Index action_size() const = 0;
  /// How many choices there are where actions are choices; 0 where they are numbers.
  virtual Index choices() const { return 0; }
  /// Rows that are worth a thread's while, some 10 us of act() or more. Who calls it from several
  /// threads cuts rows into blocks of at most so many; no bit depends on it.
  virtual Index grain() const { return 64; }

  /// Chooses actions, scaled to the action space, for `rows` consecutive rows starting at row
  /// `first_row` of a batch: observations [rows, observation_size], actions [rows, action_size];
  /// choices are whole numbers. Noise is addressed by (seed of the agent, row, step): it does not
  /// depend on how the rows are split over calls. `thread` picks scratch memory, below the count
  /// given at construction.
  virtual void act(std::span<const float> observations, Index rows, Index first_row, Index step,
                   ActMode mode, int thread, std::span<float> actions) = 0;

  /// Histories of `rows` rows, all empty; null where the observation is enough.
  virtual std::unique_ptr<RowMemory> make_memory(Index rows) const {
    static_cast<void>(rows);
    return nullptr;
  }
  /// act() of one that has make_memory(): forgets the history of rows that begin, adds the
  /// observations, the rewards and the actions that it chooses. Called for each row once per step,
  /// by several threads at once for different rows.
  virtual void act_from(RowMemory& memory, const Past& past, std::span<const float> observations,
                        Index rows, Index first_row, Index step, ActMode mode, int thread,
                        std::span<float> actions);
};

/// One of several ways to act with what an agent has learnt.
struct NamedActor {
  std::string_view name;
  Actor* actor;
};

/// An agent is data (programs, parameters, optimiser states) and these verbs. The trainer owns the
/// loop. Nothing here allocates in steady state.
///
/// An agent learns from transitions, from windows, or from transitions beside demonstrations (see
/// Sampling, which says what): it has update(), update_windows() or imitate(), and needs to know
/// nothing of the others.
class Agent : public Actor {
 public:
  /// Other ways to act with what was learnt, such as a mixture of the policies so far. They are
  /// evaluated and reported beside the agent itself, share its parameters and live as long as it.
  /// The list never changes.
  virtual std::span<const NamedActor> alternatives() { return {}; }

  /// Looks at the recorded steps of a run with a data set, once, before the first update: sizes,
  /// scales, whatever is not learnt by gradients. It belongs to what save() writes. Returns whether
  /// the agent makes any use of them.
  virtual bool prepare(const replay::Storage&) { return false; }

  /// One gradient update. Randomness is addressed by the number of updates so far. Throws
  /// UserError for a batch that does not fit, std::runtime_error where a loss is not finite.
  virtual void update(const replay::Minibatch& batch);
  /// The same for an agent whose Sampling has windows.
  virtual void update_windows(const replay::WindowBatch& batch);
  /// The same for an agent whose Sampling has demonstrations, as many rows as that says: `batch` is
  /// what was done, `demonstrations` what is to be imitated. In offline steps it has no
  /// rows. Where the agent's rewards are its own
  /// (Sampling::rewarded()) this is what they come from, and update() follows with the same rows.
  virtual void imitate(const replay::Minibatch& batch, const replay::Minibatch& demonstrations);

  /// For an agent whose Sampling says so: what single steps earned, to `reward`, where the
  /// environment's rewards are. `judged`: the rows of an episode that has ended, once, before they
  /// can be drawn. `relabelled`: the drawn rows, between imitate() and update(). An agent
  /// without rewards of its own leaves them as they are. Throws UserError for rows that do not fit.
  virtual void judge(const replay::Minibatch& rows, std::span<float> reward);

  /// For an agent that can stop early (TrainConfig::held_out): its mean loss on rows that it does
  /// not learn from; nothing changes. Throws UserError for rows that do not fit, and where the
  /// agent has no such loss.
  virtual double held_out_loss(const replay::Minibatch& rows);
  /// That loss has never been smaller: the agent acts by what it is now until the next call.
  virtual void keep() {}

  /// Losses and the like of the last update. Computed on request.
  virtual std::span<const Metric> metrics() = 0;

  /// Number of updates so far.
  virtual Index updates() const = 0;

  /// Everything that decides the future: parameters, moments, counters. load() throws UserError on
  /// a mismatch and then leaves the agent as it was.
  virtual void save(ArchiveWriter& archive, std::string_view prefix) const = 0;
  virtual void load(const ArchiveReader& archive, std::string_view prefix) = 0;
};

/// The agent itself for an empty name, else its alternative of that name. Throws UserError with the
/// names that there are.
Actor& find_actor(Agent& agent, std::string_view name);

}  // namespace palaestra::rollout
