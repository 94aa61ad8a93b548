#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>

#include <palaestra/envs/any_batch.h>
#include <palaestra/envs/row_state.h>

namespace palaestra::envs::detail {

/// Where the rows of a batch are, and what one of them goes through: an episode begins, takes steps
/// and ends. What a mode or an environment does not have is left out at compile time.
///
/// Plain pointers, copied into a local before a loop: a store into a column of bytes may alias any
/// member of the batch, so that pointers kept there would be read again after each.
template <Environment E>
struct BatchRows {
  static constexpr bool kHasScratch = ScratchEnvironment<E>;
  static constexpr bool kIsHeld = HeldEnvironment<E>;
  static constexpr bool kStepsTogether = requires { E::kTogether; };
  using Action = typename E::Action;
  using Observation = typename E::Observation;
  using Scratch = typename ScratchOf<E>::type;
  using State = typename E::State;
  /// Element of the state column: a whole State, one number of a state row, or one number of an
  /// action where a state is saved as the actions that led to it.
  using Cell = typename CellOf<E>::type;

  const E* env;
  Observation* observation;
  Observation* final_observation;
  double* reward;
  std::uint8_t* terminated;
  std::uint8_t* truncated;
  std::uint8_t* reset;
  Status* status;
  double* episode_return;
  Index* episode_length;
  double* info;
  RowState* remembered;
  Cell* states;
  std::unique_ptr<State>* held;
  std::size_t observation_size, action_size, info_size, state_cells;
  Index time_limit;
  Scratch* scratch;

  decltype(auto) state(std::size_t i) const {
    if constexpr (kHasScratch) {
      return std::span<double>(states + i * state_cells, state_cells);
    } else if constexpr (kIsHeld) {
      return (*held[i]);
    } else {
      return (states[i]);
    }
  }

  template <class... Beginning>
  void start(std::size_t i, [[maybe_unused]] int thread, const Beginning&... beginning) const {
    RowState& row = remembered[i];
    row.episode += static_cast<std::uint64_t>(row.started);
    row.started = 1;
    row.done = 0;
    row.episode_return = 0;
    row.episode_length = 0;
    row.stream = row.step_draws();
    Stream random = row.reset_draws();
    if constexpr (kHasScratch) {
      env->reset(scratch[thread], state(i), random, beginning...);
    } else {
      env->reset(state(i), random, beginning...);
    }
  }

  void observe(std::size_t i, [[maybe_unused]] int thread, Observation* column) const {
    const std::span<Observation> out(column + i * observation_size, observation_size);
    if constexpr (kHasScratch) {
      env->observe(scratch[thread], state(i), out);
    } else {
      env->observe(state(i), out);
    }
  }

  void write_info(std::size_t i, [[maybe_unused]] int thread) const {
    [[maybe_unused]] const std::span<double> out(info + i * info_size, info_size);
    if constexpr (requires { env->info(state(i), out); }) {
      env->info(state(i), out);
    } else if constexpr (requires { env->info(scratch[thread], state(i), out); }) {
      env->info(scratch[thread], state(i), out);
    }
  }

  /// The columns of a row that has just been placed: no transition yet.
  void clear(std::size_t i, int thread) const {
    reward[i] = 0;
    terminated[i] = truncated[i] = reset[i] = 0;
    status[i] = Status::kOk;
    episode_return[i] = 0;
    episode_length[i] = 0;
    observe(i, thread, observation);
    write_info(i, thread);
  }

  template <AutoresetMode kMode>
  void step(std::size_t i, int thread, const Action* actions) const {
    RowState& row = remembered[i];
    if (kMode == AutoresetMode::kNextStep && row.done != 0) [[unlikely]] {
      start(i, thread);
      clear(i, thread);
      reset[i] = 1;
      return;
    }
    const std::span<const Action> action(actions + i * action_size, action_size);
    Transition t;
    if constexpr (kHasScratch) {
      t = env->step(scratch[thread], state(i), action, row.stream);
    } else {
      if constexpr (kIsHeld) {
        if (row.episode_length * static_cast<Index>(action_size) <
            static_cast<Index>(state_cells)) {
          std::ranges::copy(action, states + i * state_cells +
                                        static_cast<std::size_t>(row.episode_length) * action_size);
        }
      }
      t = env->step(state(i), action, row.stream);
    }
    finish<kMode>(i, thread, t);
  }

  /// What follows the step itself: limits, columns, the end of an episode.
  template <AutoresetMode kMode>
  void finish(std::size_t i, int thread, const Transition& t) const {
    RowState& row = remembered[i];
    row.episode_return += t.reward;
    row.episode_length += 1;
    const bool cut = row.episode_length >= time_limit || t.status != Status::kOk;
    reward[i] = t.reward;
    terminated[i] = t.terminated;
    truncated[i] = cut;
    reset[i] = 0;
    status[i] = t.status;
    episode_return[i] = row.episode_return;
    episode_length[i] = row.episode_length;
    observe(i, thread, observation);
    write_info(i, thread);
    if (t.terminated || cut) [[unlikely]] {
      row.done = 1;
      std::copy_n(observation + i * observation_size, observation_size,
                  final_observation + i * observation_size);
      if constexpr (kMode == AutoresetMode::kSameStep) {
        start(i, thread);
        observe(i, thread, observation);
      }
    }
  }

  /// Steps rows [begin, end) in groups where the environment has a way to; returns the first row
  /// that is left. Groups with a row that is to be reset are stepped one by one.
  template <AutoresetMode kMode>
  std::size_t step_groups(std::size_t begin, std::size_t end, int thread,
                          const Action* actions) const requires kStepsTogether {
    constexpr std::size_t kTogether = E::kTogether;
    std::size_t i = begin;
    for (; i + kTogether <= end; i += kTogether) {
      const std::span<const RowState, kTogether> rows(remembered + i, kTogether);
      if (std::ranges::any_of(rows, [](const RowState& row) { return row.done != 0; }))
          [[unlikely]] {
        for (std::size_t k = i; k < i + kTogether; ++k) {
          step<kMode>(k, thread, actions);
        }
        continue;
      }
      const auto transitions =
          env->step_together(std::span<State, kTogether>(states + i, kTogether),
                             std::span<const Action, kTogether>(actions + i, kTogether));
      for (std::size_t k = 0; k < kTogether; ++k) {
        finish<kMode>(i + k, thread, transitions[k]);
      }
    }
    return i;
  }
};

}  // namespace palaestra::envs::detail
