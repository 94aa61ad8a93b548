#include <palaestra/envs/adapters/normalize_reward.h>

#include <cmath>

#include <palaestra/envs/adapters/adapter.h>
#include <palaestra/envs/adapters/running_moments.h>

namespace palaestra::envs {
namespace {

class ScaledRewardBatch final : public Adapter {
 public:
  ScaledRewardBatch(std::unique_ptr<AnyBatch> inner, EnvSpec spec, const NormalizeReward& wrapper)
      : Adapter(std::move(inner), std::move(spec)),
        settings_(wrapper),
        moments_(1),
        reward_(size()),
        discounted_(size()),
        counted_(rows()) {
    show("reward", reward_);
    keep("discounted", discounted_);
    share(moments_.numbers());
    couple(settings_.update);
    columns_.reward = reward_.data();
  }

  std::string_view name() const override { return "normalize_reward"; }

 private:
  double deviation() const { return std::sqrt(moments_.variance()[0] + settings_.epsilon); }

  void after_rows(Index begin, Index end) override {
    const BatchColumns& c = below();
    const double scale = settings_.update ? 1 : deviation();
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      if (c.reset[i] != 0) {
        discounted_[i] = 0;
      } else {
        discounted_[i] = discounted_[i] * settings_.discount * (1 - c.terminated[i]) + c.reward[i];
      }
      reward_[i] = c.reward[i] / scale;  // after_all() divides where statistics go on
      if (!settings_.update && same_step() && ended(i)) {
        discounted_[i] = 0;
      }
    }
  }

  void after_all() override {
    const BatchColumns& c = below();
    counted_.clear();
    for (std::size_t i = 0; i < rows(); ++i) {
      if (c.reset[i] == 0 && c.status[i] == Status::kOk) {
        counted_.push_back(discounted_[i]);
      }
    }
    moments_.update(counted_);
    const double scale = deviation();
    for (std::size_t i = 0; i < rows(); ++i) {
      reward_[i] /= scale;
      if (same_step() && ended(i)) {
        discounted_[i] = 0;
      }
    }
  }

  void start_row(std::size_t i, const std::uint64_t*) override {
    discounted_[i] = 0;
    place_row(i);
  }
  void place_row(std::size_t i) override { reward_[i] = 0; }

  void check_shared(std::span<const double> values) const override {
    RunningMoments::check(name(), values);
  }

  NormalizeReward settings_;
  RunningMoments moments_;
  Column<double> reward_, discounted_;
  std::vector<double> counted_;  // of the update in progress
};

}  // namespace

EnvSpec wrapped(EnvSpec spec, const NormalizeReward& wrapper) {
  require(wrapper.discount >= 0 && wrapper.discount <= 1, "normalize_reward: discount is ",
          wrapper.discount, "; accepted: 0 to 1");
  require(wrapper.epsilon > 0 && std::isfinite(wrapper.epsilon), "normalize_reward: epsilon is ",
          wrapper.epsilon, "; accepted: above 0");
  return spec;
}

std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const NormalizeReward& wrapper) {
  EnvSpec spec = wrapped(inner->spec(), wrapper);
  return std::make_unique<ScaledRewardBatch>(std::move(inner), std::move(spec), wrapper);
}

}  // namespace palaestra::envs
