#include <palaestra/rollout/absorbing.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::rollout {
namespace {

bool is_real(const Space& space) {
  return space.kind == Space::Kind::kBox &&
         (space.dtype == DType::kFloat32 || space.dtype == DType::kFloat64);
}

}  // namespace

Space absorbing_observation(const Space& observation) {
  require(is_real(observation) && observation.shape.size() == 1,
          "absorbing states need observations that are a row of real numbers; these are ",
          to_string(observation));
  Space wider = observation;
  wider.shape[0] += 1;
  wider.low.push_back(0);
  wider.high.push_back(1);
  return wider;
}

std::vector<float> absorbing_action(const Space& action) {
  std::vector<float> middle;
  for (std::size_t i = 0; i < action.low.size(); ++i) {
    middle.push_back(static_cast<float>((action.low[i] + action.high[i]) / 2));
  }
  require(is_real(action) && std::ranges::all_of(middle, [](float x) { return std::isfinite(x); }),
          "absorbing states need actions that are real numbers within finite bounds; these are ",
          to_string(action));
  return middle;
}

void append_indicator(std::span<const float> rows, Index width, std::span<float> out) {
  const std::size_t from = as_size(width), to = as_size(width + 1);
  for (std::size_t row = 0; row < out.size() / to; ++row) {
    std::copy_n(rows.data() + row * from, from, out.data() + row * to);
    out[row * to + from] = 0;
  }
}

AbsorbingRows::AbsorbingRows(const Space& observation, const Space& action)
    : width_(absorbing_observation(observation).size() - 1),
      action_(absorbing_action(action)),
      absorbing_(as_size(width_ + 1), 0.0f) {
  absorbing_.back() = 1;
}

void AbsorbingRows::append(const Rows& rows, replay::WeightedReplayBuffer& buffer) {
  const std::size_t count = rows.reward.size(), wide = as_size(width_ + 1);
  observation_.resize(std::max(observation_.size(), count * wide));
  next_.resize(observation_.size());
  terminated_.assign(count, 0);
  truncated_.assign(rows.truncated.begin(), rows.truncated.end());
  const auto observation = std::span(observation_).first(count * wide);
  const auto next_observation = std::span(next_).first(count * wide);
  append_indicator(rows.observation, width_, observation);
  append_indicator(rows.next_observation, width_, next_observation);
  for (std::size_t i = 0; i < count; ++i) {
    if (rows.terminated[i] == 0) continue;
    std::ranges::copy(absorbing_, next_observation.begin() + static_cast<std::ptrdiff_t>(i * wide));
    truncated_[i] = 0;
  }
  const replay::NamedValues columns[] = {
      {"observation", observation}, {"action", rows.action}, {"reward", rows.reward}};
  const replay::NamedValues next[] = {{"observation", next_observation}};
  buffer.append({.columns = columns,
                 .terminated = terminated_,
                 .truncated = truncated_,
                 .skip = rows.skip,
                 .next = next,
                 .last = next});

  constexpr std::uint8_t kNo[] = {0}, kYes[] = {1};
  constexpr float kNoReward[] = {0};
  const replay::NamedValues last[] = {{"observation", std::span<const float>(absorbing_)}};
  const replay::NamedValues stays[] = {{"observation", std::span<const float>(absorbing_)},
                                       {"action", std::span<const float>(action_)},
                                       {"reward", std::span<const float>(kNoReward)}};
  for (std::size_t i = 0; i < count; ++i) {
    if (rows.terminated[i] == 0 || (!rows.skip.empty() && rows.skip[i] != 0)) continue;
    buffer.extend(static_cast<Index>(i), {.columns = stays,
                                          .terminated = kNo,
                                          .truncated = kYes,
                                          .skip = {},
                                          .next = last,
                                          .last = last});
  }
}

}  // namespace palaestra::rollout
