#pragma once

#include <array>
#include <cmath>
#include <functional>
#include <span>

#include <palaestra/core/error.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::rollout::testing {

/// An agent of one number that learns from windows, as ProbeAgent does from transitions: its action
/// is tanh(gain * the first number of the observation), or whether that is above 0; an update moves
/// the gain by a digest of all that the batch holds.
class WindowProbe final : public Agent {
 public:
  WindowProbe(Index observation_size, Index action_size, Index choices = 0)
      : observation_size_(observation_size), action_size_(action_size), choices_(choices) {}

  std::string_view name() const override { return "windows"; }
  Index observation_size() const override { return observation_size_; }
  Index action_size() const override { return action_size_; }
  Index choices() const override { return choices_; }
  void act(std::span<const float> observations, Index rows, Index, Index, ActMode, int,
           std::span<float> actions) override {
    for (Index row = 0; row < rows; ++row) {
      const float x = observations[static_cast<std::size_t>(row * observation_size_)];
      const double value = std::tanh(gain_ * static_cast<double>(x));
      for (Index k = 0; k < action_size_; ++k) {
        actions[static_cast<std::size_t>(row * action_size_ + k)] =
            choices_ > 0 ? (value > 0 ? 1.0f : 0.0f) : static_cast<float>(value);
      }
    }
  }
  bool prepare(const replay::Storage& data) override {
    recorded_ = data.size();
    return uses_data;
  }
  void update_windows(const replay::WindowBatch& batch) override {
    if (on_update) {
      on_update(batch);
    }
    double sum = 0;
    for (const replay::WindowBlock& block : batch.columns) {
      for (const float x : block.values<float>()) sum += static_cast<double>(x);
    }
    for (std::size_t i = 0; i < batch.mask.size(); ++i) {
      sum += batch.mask[i] + 2 * batch.terminated[i] + 3 * batch.truncated[i];
    }
    gain_ += 0.01 * std::sin(sum);
    updates_ += 1;
  }
  std::span<const Metric> metrics() override {
    metrics_[0].value = gain_;
    return metrics_;
  }
  Index updates() const override { return updates_; }
  void save(ArchiveWriter& archive, std::string_view prefix) const override {
    archive.put_scalar(concat(prefix, "gain"), gain_);
    archive.put_scalar(concat(prefix, "updates"), updates_);
    archive.put_scalar(concat(prefix, "recorded"), recorded_);
  }
  void load(const ArchiveReader& archive, std::string_view prefix) override {
    gain_ = archive.get_double(concat(prefix, "gain"));
    updates_ = archive.get_index(concat(prefix, "updates"));
    recorded_ = archive.get_index(concat(prefix, "recorded"));
  }

  double gain() const { return gain_; }
  Index recorded() const { return recorded_; }

  /// Called with every batch; may throw.
  std::function<void(const replay::WindowBatch&)> on_update;
  bool uses_data = false;  ///< what prepare() says

 private:
  Index observation_size_, action_size_, choices_;
  double gain_ = 0.5;
  Index updates_ = 0, recorded_ = 0;
  std::array<Metric, 1> metrics_{{{"gain", 0}}};
};

}  // namespace palaestra::rollout::testing
