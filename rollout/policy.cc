#include <palaestra/rollout/policy.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace palaestra::rollout {
namespace {

constexpr Purpose kRandomPolicy = purpose("envs/random_policy");

}  // namespace

Actions::Actions(const Space& space, Index n) : width(space.size()) {
  if (space.kind == Space::Kind::kDiscrete) {
    choices.resize(as_size(n));
  } else {
    numbers.resize(as_size(n * width));
  }
}

void draw_action(const Space& space, Index row, Stream& random, Actions& out) {
  if (space.kind == Space::Kind::kDiscrete) {
    out.choices[as_size(row)] = random.below(space.count);
    return;
  }
  for (std::size_t k = 0; k < as_size(out.width); ++k) {
    const double low = space.low[k], high = space.high[k];
    const bool bounded = std::isfinite(low) && std::isfinite(high);
    out.numbers[as_size(row * out.width) + k] =
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

AgentPolicy::AgentPolicy(Actor& agent, ActMode mode, const envs::EnvSpec& spec, Index rows)
    : agent_(agent), mode_(mode), memory_(agent.make_memory(rows)) {
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
  require(!memory_ || rows > 0, "agent ", agent.name(),
          " acts from the history of an episode; here is only the observation to act from");
}

/// Rows [begin, end) of the block's batch.
void AgentPolicy::act_rows(const RowBlock& block, Index begin, Index end,
                           std::span<const float> observations, std::span<float> actions) {
  const Index rows = end - begin, width = agent_.observation_size();
  const auto from =
      observations.subspan(as_size((begin - block.begin) * width), as_size(rows * width));
  if (!memory_) {
    return agent_.act(from, rows, begin, block.step, mode_, block.thread, actions);
  }
  require(std::ssize(block.begins) == block.end - block.begin &&
              block.reward.size() == block.begins.size(),
          "agent ", agent_.name(), " acts from the history of an episode, which nobody tells it");
  const auto of_rows = [&](auto span) {
    return span.subspan(as_size(begin - block.begin), as_size(rows));
  };
  agent_.act_from(*memory_, {of_rows(block.begins), of_rows(block.reward)}, from, rows, begin,
                  block.step, mode_, block.thread, actions);
}

void AgentPolicy::act(const RowBlock& block, std::span<const float> observations, Actions& out) {
  if (out.choices.empty()) {
    return act_rows(block, block.begin, block.end, observations,
                    std::span(out.numbers)
                        .subspan(as_size(block.begin * out.width),
                                 as_size((block.end - block.begin) * out.width)));
  }
  // in pieces, so that whole numbers on their way need no memory of their own: what an agent does
  // in a row does not depend on how rows are split over calls
  constexpr Index kPiece = 64;
  std::array<float, kPiece> chosen;
  for (Index row = block.begin; row < block.end; row += kPiece) {
    const Index end = std::min(row + kPiece, block.end);
    act_rows(block, row, end, observations, std::span(chosen).first(as_size(end - row)));
    std::transform(chosen.begin(), chosen.begin() + (end - row), out.choices.begin() + row,
                   [](float choice) { return static_cast<std::int64_t>(choice); });
  }
}

std::span<const double> AgentPolicy::promised() const {
  return memory_ ? memory_->promised() : std::span<const double>();
}

void AgentPolicy::save(ArchiveWriter& archive, std::string_view prefix) const {
  if (memory_) {
    memory_->save(archive, prefix);
  }
}

void AgentPolicy::load(const ArchiveReader& archive, std::string_view prefix) {
  if (memory_) {
    memory_->load(archive, prefix);
  }
}

}  // namespace palaestra::rollout
