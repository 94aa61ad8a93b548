#include <palaestra/envs/adapters/reward_noise.h>

#include <cmath>

#include <palaestra/envs/adapters/adapter.h>
#include <palaestra/envs/adapters/row_episode.h>

namespace palaestra::envs {
namespace {

constexpr Purpose kRewardNoise = purpose("envs/reward_noise");

class NoisyRewardBatch final : public Adapter {
  struct Row {
    RowEpisode episode;
    Stream stream;
    double episode_return = 0;
  };

 public:
  NoisyRewardBatch(std::unique_ptr<AnyBatch> inner, EnvSpec spec, const RewardNoise& wrapper)
      : Adapter(std::move(inner), std::move(spec)),
        noise_(wrapper),
        reward_(size()),
        episode_return_(size()),
        rows_(size()) {
    show("reward", reward_);
    show("episode_return", episode_return_);
    keep("noise", rows_);
    columns_.reward = reward_.data();
    columns_.episode_return = episode_return_.data();
    for (std::size_t i = 0; i < rows(); ++i) {
      rows_[i].episode = {.seed = options().seed, .entity = i};
    }
    after_reset({}, {});
  }

  std::string_view name() const override { return "reward_noise"; }

 private:
  void after_rows(Index begin, Index end) override {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      if (below().reset[i] != 0) {
        start_row(i, nullptr);
        continue;
      }
      Row& row = rows_[i];
      double reward = below().reward[i];
      if (row.stream.uniform() < noise_.probability) {
        reward += row.stream.normal(0.0, noise_.standard_deviation);
      }
      row.episode_return += reward;
      reward_[i] = reward;
      episode_return_[i] = row.episode_return;
      if (same_step() && ended(i)) {
        begin_episode(row, nullptr);
      }
    }
  }

  void begin_episode(Row& row, const std::uint64_t* seed) const {
    row.episode.start(seed);
    row.stream = row.episode.stream(kRewardNoise, depth());
    row.episode_return = 0;
  }

  void start_row(std::size_t i, const std::uint64_t* seed) override {
    begin_episode(rows_[i], seed);
    place_row(i);
  }

  void place_row(std::size_t i) override {
    reward_[i] = 0;
    episode_return_[i] = rows_[i].episode_return;
  }

  RewardNoise noise_;
  Column<double> reward_, episode_return_;
  Column<Row> rows_;
};

}  // namespace

EnvSpec wrapped(EnvSpec spec, const RewardNoise& wrapper) {
  require(wrapper.standard_deviation >= 0 && std::isfinite(wrapper.standard_deviation),
          "reward_noise: standard_deviation is ", wrapper.standard_deviation,
          "; accepted: 0 or more");
  require(wrapper.probability >= 0 && wrapper.probability <= 1, "reward_noise: probability is ",
          wrapper.probability, "; accepted: 0 to 1");
  if (wrapper.standard_deviation > 0 && wrapper.probability > 0) {
    spec.deterministic = false;
  }
  return spec;
}

std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const RewardNoise& wrapper) {
  EnvSpec spec = wrapped(inner->spec(), wrapper);
  return std::make_unique<NoisyRewardBatch>(std::move(inner), std::move(spec), wrapper);
}

}  // namespace palaestra::envs
