#include <palaestra/rollout/policy.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace palaestra::rollout {
namespace {

constexpr Purpose kRandomPolicy = purpose("envs/random_policy");

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

Actions::Actions(const Space& space, Index n) : width(space.size()) {
  if (space.kind == Space::Kind::kDiscrete) {
    choices.resize(at(n));
  } else {
    numbers.resize(at(n * width));
  }
}

void draw_action(const Space& space, Index row, Stream& random, Actions& out) {
  if (space.kind == Space::Kind::kDiscrete) {
    out.choices[at(row)] = random.below(space.count);
    return;
  }
  for (std::size_t k = 0; k < at(out.width); ++k) {
    const double low = space.low[k], high = space.high[k];
    const bool bounded = std::isfinite(low) && std::isfinite(high);
    out.numbers[at(row * out.width) + k] =
        static_cast<float>(bounded ? random.uniform(low, high) : random.normal());
  }
}

void RandomPolicy::act(const RowBlock& block, std::span<const float>, Actions& out) {
  for (Index row = block.begin; row < block.end; ++row) {
    Stream random(seed_, kRandomPolicy, static_cast<std::uint64_t>(row),
                  static_cast<std::uint64_t>(block.step));
    draw_action(space_, row, random, out);
  }
}

void ZeroPolicy::act(const RowBlock& block, std::span<const float>, Actions& out) {
  if (!out.choices.empty()) {
    std::fill(out.choices.begin() + block.begin, out.choices.begin() + block.end, 0);
  } else {
    std::fill(out.numbers.begin() + block.begin * out.width,
              out.numbers.begin() + block.end * out.width, 0.0f);
  }
}

AgentPolicy::AgentPolicy(Agent& agent, ActMode mode, const envs::EnvSpec& spec)
    : agent_(agent), mode_(mode) {
  const bool numbers = spec.action.kind == Space::Kind::kBox;
  require(numbers || agent.choices() > 0, "agent ", agent.name(),
          " chooses numbers, but the actions of ", spec.id, " are ", to_string(spec.action));
  require(agent.choices() == 0 || agent.choices() == spec.action.count, "agent ", agent.name(),
          " chooses one of ", agent.choices(), ", but the actions of ", spec.id, " are ",
          to_string(spec.action));
  require(agent.observation_size() == spec.observation.size() &&
              agent.action_size() == spec.action.size(),
          "agent ", agent.name(), " was made for ", agent.observation_size(), " observations and ",
          agent.action_size(), " actions; ", spec.id, " has ", spec.observation.size(), " and ",
          spec.action.size());
}

void AgentPolicy::act(const RowBlock& block, std::span<const float> observations, Actions& out) {
  if (!out.choices.empty()) {
    return choose(block, observations, out);
  }
  const Index rows = block.end - block.begin;
  agent_.act(observations, rows, block.begin, block.step, mode_, block.thread,
             std::span(out.numbers).subspan(at(block.begin * out.width), at(rows * out.width)));
}

/// In pieces, so that the whole numbers in between need no memory of their own: what an agent does
/// in a row does not depend on how rows are split over calls.
void AgentPolicy::choose(const RowBlock& block, std::span<const float> observations,
                         Actions& out) {
  constexpr Index kPiece = 64;
  std::array<float, kPiece> chosen;
  const Index width = agent_.observation_size();
  for (Index row = block.begin; row < block.end; row += kPiece) {
    const Index rows = std::min(kPiece, block.end - row);
    agent_.act(observations.subspan(at((row - block.begin) * width), at(rows * width)), rows, row,
               block.step, mode_, block.thread, std::span(chosen).first(at(rows)));
    std::transform(chosen.begin(), chosen.begin() + rows, out.choices.begin() + row,
                   [](float choice) { return static_cast<std::int64_t>(choice); });
  }
}

}  // namespace palaestra::rollout
