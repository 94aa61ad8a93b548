#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <palaestra/core/archive.h>
#include <palaestra/core/error.h>
#include <palaestra/core/parallel.h>
#include <palaestra/envs/environment.h>
#include <palaestra/envs/keyword.h>
#include <palaestra/envs/render/image.h>

namespace palaestra::envs {

/// When a finished row starts its next episode; names and meaning are Gymnasium's.
enum class AutoresetMode : std::uint8_t {
  kNextStep,  ///< the step after the last one resets the row and ignores its action (flagged)
  kSameStep,  ///< the last step itself resets; the last observation is in `final_observation`
  kDisabled,  ///< the caller resets with a mask; stepping a finished row is an error
};

struct BatchOptions {
  Index size = 1;  ///< number of environments n, 1 or more
  AutoresetMode autoreset = AutoresetMode::kNextStep;
  Threads threads{1};
  std::uint64_t seed = 0;             ///< row i's streams are (seed, purpose, i, episode)
  std::optional<Index> time_limit{};  ///< overrides the spec's; 0 = never
};

/// The live columns of a batch, owned by it, overwritten by the next call. Batch-major: row i of a
/// column of width d starts at element i * d.
struct BatchColumns {
  void* observation;         ///< [n, d] of spec().observation.dtype
  void* final_observation;   ///< [n, d]; a row's last end of an episode, in every mode
  double* reward;            ///< [n]
  std::uint8_t* terminated;  ///< [n] 0 or 1
  std::uint8_t* truncated;   ///< [n] 0 or 1: time limit, or status != kOk
  std::uint8_t* reset;       ///< [n] 1 where this step was a reset row of kNextStep: no transition
  Status* status;            ///< [n]
  double* episode_return;    ///< [n] sum of rewards of the running episode, this step included
  Index* episode_length;     ///< [n] steps of the running episode, this step included
  double* info;  ///< [n, spec().info.size()]; kSameStep: of the last step, not the reset
};

/// n copies of one environment behind one virtual call per batch. Everything that is not the task
/// itself lives here: time limits, action checks, automatic resets, seeds per row, masks,
/// saving and restoring.
///
/// The bits of every column depend on options.seed (or the seeds given to reset), the row index and
/// the actions, never on n or the number of threads.
class AnyBatch {
 public:
  virtual ~AnyBatch() = default;

  virtual const EnvSpec& spec() const = 0;
  virtual const BatchOptions& options() const = 0;
  Index size() const { return options().size; }
  virtual const BatchColumns& columns() const = 0;

  /// Starts a new episode in every row, or in the rows where `mask` is non-zero.
  /// `seeds`: empty keeps each row's seed and moves on to its next episode; otherwise [n], and each
  /// reset row starts over as (seeds[i], entity 0, episode 0), as Gymnasium's seeding does.
  /// `options`: how these episodes are to begin, by names that the environment knows (where the
  /// goal of a maze is); automatic resets know nothing of them.
  /// Throws UserError, with nothing reset, on a wrong length and for options that the environment
  /// does not have or take.
  virtual void reset(std::span<const std::uint64_t> seeds = {},
                     std::span<const std::uint8_t> mask = {}, const Keywords& options = {}) = 0;

  /// Advances every row. `actions` is [n, action size] of the spec's action dtype, in row order.
  /// Throws UserError, with every row unchanged, for a wrong length, a NaN or infinite action, a
  /// discrete action out of range, or a finished row under kDisabled.
  virtual void step(std::span<const float> actions) = 0;
  virtual void step(std::span<const std::int64_t> actions) = 0;

  /// The part of step() that a collector calls from its own parallel loop, so that each thread
  /// steps the rows it has just chosen actions for: rows [begin, end) on scratch memory number
  /// `thread` (below options().threads.count()). `actions` is the whole [n, action size] block.
  /// Checks only those rows' actions. Different threads may step disjoint ranges at the same time.
  virtual void step_rows(Index begin, Index end, int thread, std::span<const float> actions) = 0;
  virtual void step_rows(Index begin, Index end, int thread,
                         std::span<const std::int64_t> actions) = 0;
  /// Throws what step_rows() would throw for the actions of these rows; steps nothing.
  virtual void check_actions(Index begin, Index end, std::span<const float> actions) const = 0;
  virtual void check_actions(Index begin, Index end,
                             std::span<const std::int64_t> actions) const = 0;
  /// Whether rows share something that changes as they are stepped, such as running statistics. A
  /// caller of step_rows() then steps every row once and calls finish_step() before it looks at the
  /// columns; step() does that by itself.
  virtual bool couples_rows() const { return false; }
  /// The second half of a step made of step_rows() calls: what needs all rows. On one thread, after
  /// all of those calls. Nothing to do unless couples_rows().
  virtual void finish_step() {}

  /// Numbers that all rows share (running statistics; see the wrappers), apart from row states: how
  /// many, and copying them out or in. A batch of any size of the same spec takes them. Throws
  /// UserError for a wrong length and for numbers that are no such statistics, unchanged.
  virtual Index shared_size() const { return 0; }
  virtual void get_shared(std::span<double> out) const { require_shared(std::ssize(out)); }
  virtual void set_shared(std::span<const double> values) { require_shared(std::ssize(values)); }

  /// Rows per block that make a parallel region worth its price; depends on the environment alone.
  virtual Index grain() const = 0;

  /// Bytes of one row's saved state: environment state, stream, counters, running sums.
  virtual Index state_bytes() const = 0;
  /// Copies rows out or in. rows.size() * state_bytes() bytes. Restoring recomputes the
  /// observation; a row may be restored into any row of any batch of the same spec (branching).
  virtual void get_state(std::span<const Index> rows, std::span<std::byte> out) const = 0;
  virtual void set_state(std::span<const Index> rows, std::span<const std::byte> states) = 0;

  /// Everything, columns included: a loaded batch continues to the same bits.
  virtual void save(ArchiveWriter& archive, std::string_view prefix) const = 0;
  virtual void load(const ArchiveReader& archive, std::string_view prefix) = 0;

  /// Task-specific physical state, as Gymnasium names it: (qpos, qvel) for MuJoCo, `state` for
  /// classic control. Numbers of row `row`; setting re-observes. Throws UserError on a wrong
  /// length.
  virtual Index physics_size() const = 0;
  /// How many of these numbers are qpos, where they are (qpos, qvel); elsewhere 0. Half of them
  /// will not do: each quaternion has one number more than its velocity.
  virtual Index position_size() const = 0;
  virtual void get_physics(Index row, std::span<double> out) const = 0;
  virtual void set_physics(Index row, std::span<const double> values) = 0;

  /// The size of an environment's pictures. Throws UserError where it draws none
  /// (spec().render_fps == 0).
  virtual render::ImageSize render_size() const;
  /// Draws a row as it is now: RGB, [height, width, 3], top row first. `out` is
  /// [render_size().bytes()]. No step comes out different for it. The first call makes what it
  /// takes to draw; from one thread at a time. Throws UserError for a row or length that is wrong,
  /// where nothing can be drawn, and where a library for it is missing.
  virtual void render(Index row, std::span<std::uint8_t> out);

  // ---- goal tasks, spec().goal; for others these three throw UserError

  /// What a step that ends in the achieved goals earns when the desired ones are wanted:
  /// `achieved` and `desired` are [m, goal width], `out` is [m], for any m. A pure function of the
  /// environment's options, so that many threads may call it. Throws UserError on a wrong length.
  virtual void compute_reward(std::span<const double> achieved, std::span<const double> desired,
                              std::span<double> out) const;
  /// Whether such a step terminates the episode, 0 or 1.
  virtual void compute_terminated(std::span<const double> achieved, std::span<const double> desired,
                                  std::span<std::uint8_t> out) const;
  /// Gives a row another desired goal, and observes again. Throws UserError on a wrong length and
  /// for numbers that are not finite.
  virtual void set_goal(Index row, std::span<const double> goal);

 protected:
  void require_shared(Index given) const {
    require(given == shared_size(), spec().id, ": the batch shares ", shared_size(),
            " numbers, got ", given);
  }
};

}  // namespace palaestra::envs
