#pragma once

#include <algorithm>
#include <vector>

#include <palaestra/agents/doc/task.h>
#include <palaestra/agents/sequence/window_steps.h>
#include <palaestra/core/random.h>
#include <palaestra/replay/returns.h>
#include <palaestra/replay/window_sampler.h>

namespace palaestra::agents::sequence::testing {

/// Random episodes in a buffer. Counted: 5 states, 3 actions, the reward is the action's number;
/// else 3 and 2 numbers. Row i of the data has an observation or action that tells i apart.
struct Episodes {
  Space observation, action;
  replay::WeightedReplayBuffer buffer;
  doc::Task task;

  static std::vector<replay::ColumnSpec> columns(const Space& observation, const Space& action) {
    auto result = replay::transition_columns(observation, action);
    result.push_back({.name = doc::kReturnColumn});
    return result;
  }

  explicit Episodes(bool counted, const std::vector<Index>& lengths, std::uint64_t seed = 1)
      : observation(counted ? Space::discrete(5) : Space::box(3, -10, 10)),
        action(counted ? Space::discrete(3) : Space::box(2, -1, 1)),
        buffer(columns(observation, action), {.capacity = 10'000}) {
    replay::ReturnColumn returns(buffer.storage(), doc::kReturnColumn, {.discount = 1});
    Stream random(seed, purpose("tests/sequence"));
    for (const Index length : lengths) {
      append(random, length, counted);
      returns.follow(buffer);
    }
    task = doc::task_of(buffer.storage(), observation, action);
  }

  replay::WindowSampler sampler() const { return {buffer, doc::window_columns()}; }

 private:
  void append(Stream& random, Index length, bool counted) {
    const std::size_t n = static_cast<std::size_t>(std::max<Index>(length, 1));
    std::vector<float> reward(n), nothing(n, 0.0f);
    std::vector<std::uint8_t> none(n, 0), ends(n, 0);
    ends[n - 1] = 1;
    if (counted) {
      std::vector<std::int64_t> state(n), choice(n), after(n);
      for (std::size_t i = 0; i < n; ++i) {
        state[i] = random.below(5);
        choice[i] = random.below(3);
        after[i] = random.below(5);
        reward[i] = static_cast<float>(choice[i]);
      }
      extend({{"observation", state},
              {"action", choice},
              {"reward", reward},
              {doc::kReturnColumn, nothing}},
             none, ends, {{"observation", after}});
    } else {
      std::vector<float> state(3 * n), numbers(2 * n), after(3 * n);
      random.fill_normal(std::span(state));
      random.fill_uniform(std::span(numbers));
      random.fill_normal(std::span(reward));
      extend({{"observation", state},
              {"action", numbers},
              {"reward", reward},
              {doc::kReturnColumn, nothing}},
             none, ends, {{"observation", after}});
    }
  }
  void extend(const std::vector<replay::NamedValues>& values, const std::vector<std::uint8_t>& none,
              const std::vector<std::uint8_t>& ends,
              const std::vector<replay::NamedValues>& after) {
    buffer.extend(0, {.columns = values,
                      .terminated = ends,
                      .truncated = none,
                      .skip = {},
                      .next = {},
                      .last = after});
  }
};

}  // namespace palaestra::agents::sequence::testing
