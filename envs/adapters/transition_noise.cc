#include <palaestra/envs/adapters/transition_noise.h>

#include <algorithm>
#include <cmath>

#include <palaestra/envs/adapters/adapter.h>
#include <palaestra/envs/adapters/row_episode.h>
#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs {
namespace {

constexpr Purpose kTransitionNoise = purpose("envs/transition_noise");

class NoisyActionBatch final : public Adapter {
  struct Row {
    RowEpisode episode;
    Stream stream;  ///< at its beginning
    Index step = 0;
  };

 public:
  NoisyActionBatch(std::unique_ptr<AnyBatch> inner, EnvSpec spec, double sigma)
      : Adapter(std::move(inner), std::move(spec)),
        sigma_(sigma),
        width_(static_cast<std::size_t>(this->spec().action.size())),
        actions_(rows() * width_),
        rows_(size()) {
    keep("noise", rows_);
    for (std::size_t i = 0; i < rows(); ++i) {
      rows_[i].episode = {.seed = options().seed, .entity = i};
    }
    after_reset({}, {});
  }

  std::string_view name() const override { return "transition_noise"; }

 private:
  void advance(Index begin, Index end, int thread, std::span<const float> actions) override {
    check_actions(begin, end, actions);  // clipping would hide an infinite one
    const Space& space = spec().action;
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      const Row& row = rows_[i];
      const double scale = sigma_ * transition_noise_scale(row.step);
      Stream random = row.stream;
      random.skip(static_cast<std::uint64_t>(row.step) * 4 * width_);  // a normal takes four words
      for (std::size_t k = 0; k < width_; ++k) {
        const double shaken =
            std::fma(scale, random.normal(), static_cast<double>(actions[i * width_ + k]));
        actions_[i * width_ + k] =
            static_cast<float>(std::clamp(shaken, space.low[k], space.high[k]));
      }
    }
    inner_batch().step_rows(begin, end, thread, std::span<const float>(actions_));
  }

  void after_rows(Index begin, Index end) override {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      if (below().reset[i] != 0 || (same_step() && ended(i))) {
        start_row(i, nullptr);
      } else {
        rows_[i].step += 1;
      }
    }
  }

  void start_row(std::size_t i, const std::uint64_t* seed) override {
    Row& row = rows_[i];
    row.episode.start(seed);
    row.stream = row.episode.stream(kTransitionNoise, depth());
    row.step = 0;
  }

  double sigma_;
  std::size_t width_;
  std::vector<float> actions_;  // as the task takes them
  Column<Row> rows_;
};

}  // namespace

double transition_noise_scale(Index t) {
  const auto time = static_cast<double>(t);
  return (1.0 - std::exp(-0.01 * time)) * std::abs(sine_cosine(time).sine);
}

EnvSpec wrapped(EnvSpec spec, const TransitionNoise& wrapper) {
  require(wrapper.sigma >= 0 && std::isfinite(wrapper.sigma), "transition_noise: sigma is ",
          wrapper.sigma, "; accepted: 0 or more");
  require(spec.action.kind == Space::Kind::kBox, "transition_noise: the action of ", spec.id,
          " is ", to_string(spec.action), "; accepted: a box of numbers");
  if (wrapper.sigma > 0) {
    spec.deterministic = false;
  }
  return spec;
}

std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const TransitionNoise& wrapper) {
  EnvSpec spec = wrapped(inner->spec(), wrapper);
  return std::make_unique<NoisyActionBatch>(std::move(inner), std::move(spec), wrapper.sigma);
}

}  // namespace palaestra::envs
