#pragma once

#include <bit>
#include <cstddef>
#include <cstring>
#include <span>

#include <palaestra/envs/batch_checks.h>

namespace palaestra::envs {

inline constexpr Purpose kResetPurpose = purpose("envs/reset");
inline constexpr Purpose kStepPurpose = purpose("envs/step");

namespace detail {

/// What the batch itself remembers of a row, saved with the environment's state. Whole words, so
/// that saved bytes hold no padding.
struct RowState {
  double episode_return = 0;
  Index episode_length = 0;
  Index done = 0;     ///< the last step ended the episode and the row has not been reset
  Index started = 0;  ///< reset at least once
  std::uint64_t seed = 0;
  std::uint64_t entity = 0;
  std::uint64_t episode = 0;
  Stream stream;  ///< draws of step()

  /// The draws of the running episode, from its start on: of reset() and of its steps.
  Stream reset_draws() const { return {seed, kResetPurpose, entity, episode}; }
  Stream step_draws() const { return {seed, kStepPurpose, entity, episode}; }
};

/// Episodes take something over from the one before: see HeldEnvironment.
template <class E>
concept keeps = requires {
  typename E::Kept;
};

/// Of what a saved row says besides its actions.
template <class E>
constexpr std::size_t kept_bytes() {
  if constexpr (keeps<E>) {
    return sizeof(typename E::Kept);
  } else {
    return 0;
  }
}

template <HeldEnvironment E>
bool start_again(const E& env, Stream draws, [[maybe_unused]] const std::byte* kept,
                 typename E::State& state) {
  if constexpr (keeps<E>) {
    typename E::Kept saved;
    std::memcpy(&saved, kept, sizeof(saved));
    return env.restart(state, draws, saved);
  } else {
    env.reset(state, draws);
    return true;
  }
}

/// Puts `state` where a saved row was: starts its episode from `kept` (kept_bytes() of them) and
/// takes its steps again. `history` holds the actions, one after another, of `action_size` numbers
/// each. False where they do not lead to what the row says of itself, or where there are fewer than
/// it needs; `state` is then of no use.
template <HeldEnvironment E>
bool replay(const E& env, const Space& actions, Index time_limit, const RowState& row,
            const std::byte* kept, std::span<const typename E::Action> history,
            typename E::State& state) {
  const auto width = static_cast<std::size_t>(actions.size());
  if (row.episode_length < 0 || row.episode_length > std::ssize(history) / actions.size()) {
    return false;
  }
  if (!start_again(env, row.reset_draws(), kept, state)) {
    return false;
  }
  Stream random = row.step_draws();
  double total = 0;
  bool ended = false;
  for (Index t = 0; t < row.episode_length; ++t) {
    const auto action = history.subspan(static_cast<std::size_t>(t) * width, width);
    if (ended || !acceptable(action, actions.count)) {
      return false;
    }
    const Transition step = env.step(state, action, random);
    total += step.reward;
    ended = step.terminated || step.status != Status::kOk || t + 1 >= time_limit;
  }
  return std::bit_cast<std::uint64_t>(total) == std::bit_cast<std::uint64_t>(row.episode_return) &&
         random == row.stream && row.done == Index{ended} && row.started == 1;
}

}  // namespace detail
}  // namespace palaestra::envs
