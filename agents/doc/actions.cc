#include <palaestra/agents/doc/actions.h>

#include <algorithm>

namespace palaestra::agents::doc {

namespace {

Index draw(std::span<const float> probabilities, Stream& random) {
  double left = random.uniform();
  Index chosen = 0;
  for (std::size_t k = 0; k < probabilities.size(); ++k) {
    if (!(probabilities[k] > 0)) continue;
    chosen = static_cast<Index>(k);  // the last one takes what rounding leaves of the sum
    left -= double{probabilities[k]};
    if (left < 0) break;
  }
  return chosen;
}

}  // namespace

void choose_actions(const Task& task, std::span<const float> distribution,
                    std::span<const float> deviation, rollout::ActMode mode,
                    const ActAddress& address, std::span<float> actions) {
  const auto width = static_cast<std::size_t>(task.action_width());
  const bool draws = mode == rollout::ActMode::kSample;
  for (std::size_t row = 0; row < distribution.size() / width; ++row) {
    Stream random(address.seed, address.what, static_cast<std::uint64_t>(address.first_row) + row,
                  static_cast<std::uint64_t>(address.step));
    const auto mine = distribution.subspan(row * width, width);
    if (task.counts_actions()) {
      const Index choice =
          draws ? draw(mine, random) : std::max_element(mine.begin(), mine.end()) - mine.begin();
      actions[row] = static_cast<float>(choice);
      continue;
    }
    for (std::size_t i = 0; i < width; ++i) {
      const double noise = draws ? double{deviation[i]} * random.normal() : 0.0;
      actions[row * width + i] = static_cast<float>(double{mine[i]} + noise);
    }
  }
}

void keep_within(const Space& space, std::span<float> actions) {
  if (space.kind == Space::Kind::kDiscrete) return;
  for (std::size_t i = 0; i < actions.size(); ++i) {
    const std::size_t c = i % space.low.size();
    actions[i] =
        std::clamp(actions[i], static_cast<float>(space.low[c]), static_cast<float>(space.high[c]));
  }
}

}  // namespace palaestra::agents::doc
