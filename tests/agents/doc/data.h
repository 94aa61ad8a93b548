#pragma once

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <palaestra/agents/doc/learner.h>
#include <palaestra/core/random.h>
#include <palaestra/replay/returns.h>
#include <palaestra/replay/window_sampler.h>

namespace palaestra::agents::doc::testing {

/// Episodes of given lengths in one buffer: counted (6 states, 3 actions, rewards 0 or 1) or of
/// numbers (2 and 1). Row t of episode e is recognised by its action or, of numbers, by its state
/// (100 e + t, ...). Every other episode is truncated.
struct Data {
  bool counted;
  Space observation, action;
  replay::WeightedReplayBuffer buffer;

  Data(bool counts, const std::vector<Index>& lengths, std::uint64_t seed = 0)
      : counted(counts),
        observation(counts ? Space::discrete(6) : Space::box(2, -1e9, 1e9)),
        action(counts ? Space::discrete(3) : Space::box(1, -1, 1)),
        buffer(columns(), {.capacity = 4096}) {
    replay::ReturnColumn returns(buffer.storage(), kReturnColumn, {.discount = 1});
    Stream random(seed, purpose("tests/doc/data"));
    for (std::size_t e = 0; e < lengths.size(); ++e) {
      add(static_cast<Index>(e), lengths[e], random);
      returns.follow(buffer);
    }
  }

  std::vector<replay::ColumnSpec> columns() const {
    auto all = replay::transition_columns(observation, action);
    all.push_back({.name = kReturnColumn});
    return all;
  }

  void add(Index episode, Index length, Stream& random) {
    const auto rows = static_cast<std::size_t>(length);
    std::vector<std::int64_t> states, actions;
    std::vector<float> numbers, pushes, rewards;
    for (std::size_t t = 0; t <= rows; ++t) {
      states.push_back(random.below(6));
      numbers.push_back(static_cast<float>(100 * episode + static_cast<Index>(t)));
      numbers.push_back(static_cast<float>(random.normal()));
      if (t == rows) break;
      actions.push_back(random.below(3));
      pushes.push_back(static_cast<float>(random.normal()));
      rewards.push_back(counted ? static_cast<float>(random.below(2))
                                : static_cast<float>(random.normal()));
    }
    std::vector<std::uint8_t> terminated(rows), truncated(rows);
    (episode % 2 == 0 ? terminated : truncated).at(rows - 1) = 1;
    const std::vector<float> unknown(rows);
    const auto tail = [](const auto& values, std::size_t skip) {
      return replay::Values(std::span(values).subspan(skip));
    };
    const auto state = [&](bool after) {
      return counted ? replay::Values(std::span(states).subspan(after ? 1 : 0, rows))
                     : replay::Values(std::span(numbers).subspan(after ? 2 : 0, 2 * rows));
    };
    const replay::NamedValues named[] = {{"observation", state(false)},
                                         {"action", counted ? tail(actions, 0) : tail(pushes, 0)},
                                         {"reward", replay::Values(rewards)},
                                         {kReturnColumn, replay::Values(unknown)}};
    const replay::NamedValues last[] = {{"observation", state(true)}};
    buffer.extend(0, {.columns = named,
                      .terminated = terminated,
                      .truncated = truncated,
                      .skip = {},
                      .next = {},
                      .last = last});
  }

  Task task() const { return task_of(buffer.storage(), observation, action); }
};

inline DocConfig small_config(Index window = 3) {
  DocConfig config;
  config.hidden = {16, 16};
  config.latent = 4;
  config.embedding = 8;
  config.window = window;
  config.batch_size = 32;
  config.candidates = 20;
  config.bank_candidates = 8;
  config.bank_windows = 200;
  return config;
}

/// Draws batches of windows, one after another.
struct Batches {
  replay::WindowSampler sampler;
  const replay::WeightedReplayBuffer& buffer;
  replay::WindowRequest request;
  Stream random;

  Batches(const Data& data, const DocConfig& config, std::uint64_t seed = 1)
      : sampler(data.buffer, window_columns()),
        buffer(data.buffer),
        request{.windows = config.batch_size, .shape = {.length = config.window}},
        random(seed, purpose("tests/doc/batches")) {}

  const replay::WindowBatch& next() { return sampler.sample(buffer, random, request); }
};

/// The name of a file that no other process uses and no earlier call returned.
inline std::filesystem::path scratch_file() {
  static int calls = 0;
  return std::filesystem::temp_directory_path() / ("palaestra_doc_" + std::to_string(getpid()) +
                                                   "_" + std::to_string(++calls) + ".safetensors");
}

inline std::vector<Index> episode_lengths() { return {1, 3, 4, 7, 2, 9, 5, 1, 12, 6}; }

}  // namespace palaestra::agents::doc::testing
