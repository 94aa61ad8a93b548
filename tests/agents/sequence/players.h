#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/agents/sequence/turn.h>

namespace palaestra::agents::sequence::testing {

/// An actor and its memory of rows that it plays step by step, each in one long episode unless it
/// is told that another one begins.
template <class Actor, class Memory>
struct Players {
  Actor actor;
  Memory memory;
  std::vector<std::uint8_t> begins;
  std::vector<float> reward;
  Index step = 0;

  template <class Learner>
  Players(const Learner& learner, Index rows, int threads = 1)
      : actor(learner, Threads{threads}),
        memory(learner.task(), learner.config(), rows),
        begins(static_cast<std::size_t>(rows), 1),
        reward(static_cast<std::size_t>(rows)) {}

  void act(std::span<const float> observation, rollout::ActMode mode, std::span<float> action) {
    actor.act(memory, {begins, reward}, observation,
              {.rows = std::ssize(begins), .place = 0, .first_row = 0, .step = step, .mode = mode},
              action);
    std::fill(begins.begin(), begins.end(), std::uint8_t{0});
    ++step;
  }
};

}  // namespace palaestra::agents::sequence::testing
