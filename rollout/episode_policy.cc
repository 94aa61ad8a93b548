#include <palaestra/rollout/episode_policy.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

namespace palaestra::rollout {
namespace {

constexpr Purpose kRandomActions = purpose("rollout/random_episodes");
constexpr Purpose kActionNoise = purpose("rollout/episode_noise");

Stream stream_of(std::uint64_t seed, Purpose what, const EpisodeRows& rows, Index row) {
  return {seed, what, static_cast<std::uint64_t>(rows.episode[as_size(row)]),
          static_cast<std::uint64_t>(rows.step[as_size(row)])};
}

}  // namespace

void RandomEpisodes::act(const EpisodeRows& rows, std::span<const float>, Actions& out) {
  for (Index row = rows.begin; row < rows.end; ++row) {
    Stream random = stream_of(seed_, kRandomActions, rows, row);
    draw_action(space_, row, random, out);
  }
}

void PlainEpisodes::act(const EpisodeRows& rows, std::span<const float> observations,
                        Actions& out) {
  policy_.act({.begin = rows.begin, .end = rows.end, .step = 0, .thread = rows.thread},
              observations, out);
}

NoisyEpisodes::NoisyEpisodes(EpisodePolicy& policy, Space space, double noise, std::uint64_t seed)
    : policy_(policy), space_(std::move(space)), noise_(noise), seed_(seed) {
  const bool choices = space_.kind == Space::Kind::kDiscrete;
  require(std::isfinite(noise) && noise >= 0 && (!choices || noise <= 1), "noise is ", noise,
          "; accepted: 0 or more", choices ? ", up to 1 where actions are choices" : "");
}

void NoisyEpisodes::act(const EpisodeRows& rows, std::span<const float> observations,
                        Actions& out) {
  policy_.act(rows, observations, out);
  for (Index row = rows.begin; row < rows.end; ++row) {
    Stream random = stream_of(seed_, kActionNoise, rows, row);
    if (space_.kind == Space::Kind::kDiscrete) {
      if (random.uniform() < noise_) {
        out.choices[as_size(row)] = random.below(space_.count);
      }
      continue;
    }
    for (std::size_t k = 0; k < as_size(out.width); ++k) {
      const double low = space_.low[k], high = space_.high[k];
      const bool bounded = std::isfinite(low) && std::isfinite(high);
      const double scale = noise_ * (bounded ? (high - low) / 2 : 1.0);
      float& action = out.numbers[as_size(row * out.width) + k];
      action = static_cast<float>(
          std::clamp(static_cast<double>(action) + scale * random.normal(), low, high));
    }
  }
}

}  // namespace palaestra::rollout
