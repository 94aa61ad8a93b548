#include "tests/rollout/probe_agent.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <palaestra/core/random.h>

namespace palaestra::rollout::testing {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

ProbeAgent::ProbeAgent(const Space& observation, Space action, std::uint64_t seed)
    : observation_size_(observation.size()), action_(std::move(action)), seed_(seed) {}

float ProbeAgent::action(std::span<const float> observation, Index row, Index step,
                         ActMode mode) const {
  const float sum = std::accumulate(observation.begin(), observation.end(), 0.0f);
  double value = gain_ * std::tanh(static_cast<double>(sum));
  if (mode == ActMode::kSample) {
    value += Stream(seed_, purpose("tests/probe"), static_cast<std::uint64_t>(row),
                    static_cast<std::uint64_t>(step))
                 .uniform(-0.5, 0.5);
  }
  return static_cast<float>(std::clamp(value, action_.low[0], action_.high[0]));
}

void ProbeAgent::act(std::span<const float> observations, Index rows, Index first_row, Index step,
                     ActMode mode, int, std::span<float> actions) {
  for (Index row = 0; row < rows; ++row) {
    const auto observation =
        observations.subspan(at(row * observation_size_), at(observation_size_));
    const float value = action(observation, first_row + row, step, mode);
    std::fill_n(actions.begin() + row * action_size(), action_size(), value);
  }
}

void ProbeAgent::update(const replay::Minibatch& batch) {
  if (on_update) {
    on_update(batch);
  }
  digest(batch);
  updates_ += 1;
}

void ProbeAgent::imitate(const replay::Minibatch& batch, const replay::Minibatch& shown) {
  if (on_imitate) {
    on_imitate(batch, shown);
  }
  digest(shown);
  if (!rewarded) {
    update(batch);
  }
}

void ProbeAgent::digest(const replay::Minibatch& batch) {
  double sum = 0;
  for (const auto part :
       {batch.observation, batch.action, batch.reward, batch.discount, batch.next_observation}) {
    sum = std::accumulate(part.begin(), part.end(), sum);
  }
  seen_ = sum;
  gain_ += 0.01 * std::sin(sum);
}

void ProbeAgent::judge(const replay::Minibatch& episode, std::span<float> reward) {
  if (on_judge) {
    on_judge(episode);
  }
  std::iota(reward.begin(), reward.end(), 1.0f);
}

std::span<const Metric> ProbeAgent::metrics() {
  metrics_[0].value = gain_;
  metrics_[1].value = seen_;
  return metrics_;
}

void ProbeAgent::save(ArchiveWriter& archive, std::string_view prefix) const {
  archive.put_scalar(concat(prefix, ".gain"), gain_);
  archive.put_scalar(concat(prefix, ".updates"), updates_);
}

void ProbeAgent::load(const ArchiveReader& archive, std::string_view prefix) {
  gain_ = archive.get_double(concat(prefix, ".gain"));
  updates_ = archive.get_index(concat(prefix, ".updates"));
}

}  // namespace palaestra::rollout::testing
