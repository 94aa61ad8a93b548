#include <palaestra/envs/random_actions.h>

#include <cmath>

namespace palaestra::envs {
namespace {

constexpr Purpose kRandomPolicy = purpose("envs/random_policy");

}  // namespace

RandomActions::RandomActions(const EnvSpec& spec, Index n, std::uint64_t seed)
    : space_(spec.action), seed_(seed) {
  const auto count = static_cast<std::size_t>(n * space_.size());
  if (space_.kind == Space::Kind::kDiscrete) {
    choices_.resize(count);
  } else {
    numbers_.resize(count);
  }
}

void RandomActions::draw(Index slot, Index row, Index t) {
  Stream random(seed_, kRandomPolicy, static_cast<std::uint64_t>(row),
                static_cast<std::uint64_t>(t));
  if (space_.kind == Space::Kind::kDiscrete) {
    choices_[static_cast<std::size_t>(slot)] = random.below(space_.count);
    return;
  }
  const auto width = static_cast<std::size_t>(space_.size());
  for (std::size_t k = 0; k < width; ++k) {
    const double low = space_.low[k], high = space_.high[k];
    const bool bounded = std::isfinite(low) && std::isfinite(high);
    numbers_[static_cast<std::size_t>(slot) * width + k] =
        static_cast<float>(bounded ? random.uniform(low, high) : random.normal());
  }
}

void RandomActions::apply(AnyBatch& batch) const {
  const auto count = static_cast<std::size_t>(batch.size() * space_.size());
  if (space_.kind == Space::Kind::kDiscrete) {
    batch.step(std::span<const std::int64_t>(choices_).first(count));
  } else {
    batch.step(std::span<const float>(numbers_).first(count));
  }
}

void RandomActions::apply(AnyBatch& batch, Index begin, Index end, int thread) const {
  const auto count = static_cast<std::size_t>(batch.size() * space_.size());
  if (space_.kind == Space::Kind::kDiscrete) {
    batch.step_rows(begin, end, thread, std::span<const std::int64_t>(choices_).first(count));
  } else {
    batch.step_rows(begin, end, thread, std::span<const float>(numbers_).first(count));
  }
}

void RandomActions::step(AnyBatch& batch, Index t) {
  for (Index row = 0; row < batch.size(); ++row) {
    draw(row, row, t);
  }
  apply(batch);
}

void RandomActions::step_as(AnyBatch& batch, Index t, std::span<const Index> rows) {
  for (Index slot = 0; slot < batch.size(); ++slot) {
    draw(slot, rows[static_cast<std::size_t>(slot)], t);
  }
  apply(batch);
}

}  // namespace palaestra::envs
