#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include <palaestra/core/error.h>
#include <palaestra/core/types.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::sequence {

/// One step of consecutive rows of a batch, for what acts from a memory of them.
struct Turn {
  Index rows;
  Index place;      ///< of the first of them in the memory
  Index first_row;  ///< its number in the batch: with `step` the address of its draws
  Index step;
  rollout::ActMode mode;
};

/// Calls piece(past, observations, turn, actions) for at most `most` rows at a time. Observations
/// have `size` numbers per row, actions `width`. Throws UserError, on behalf of `caller`, unless
/// all lengths fit.
template <class Piece>
void in_pieces(std::string_view caller, Index most, const rollout::Past& past,
               std::span<const float> observations, Index size, const Turn& turn,
               std::span<float> actions, Index width, const Piece& piece) {
  const Index rows = turn.rows;
  require(std::ssize(observations) == rows * size && std::ssize(actions) == rows * width &&
              std::ssize(past.begins) == rows && std::ssize(past.reward) == rows,
          caller, ": observations has ", observations.size(), " numbers, actions ", actions.size(),
          ", begins ", past.begins.size(), " and reward ", past.reward.size(), ", expected ", rows,
          " x ", size, ", x ", width, ", x 1 and x 1");
  for (Index begin = 0; begin < rows; begin += most) {
    const Index count = std::min(most, rows - begin);
    const auto part = [&](auto span, Index columns) {
      return span.subspan(static_cast<std::size_t>(begin * columns),
                          static_cast<std::size_t>(count * columns));
    };
    piece(rollout::Past{part(past.begins, 1), part(past.reward, 1)}, part(observations, size),
          Turn{count, turn.place + begin, turn.first_row + begin, turn.step, turn.mode},
          part(actions, width));
  }
}

}  // namespace palaestra::agents::sequence
