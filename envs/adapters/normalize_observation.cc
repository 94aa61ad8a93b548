#include <palaestra/envs/adapters/normalize_observation.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <palaestra/envs/adapters/adapter.h>
#include <palaestra/envs/adapters/running_moments.h>

namespace palaestra::envs {
namespace {

class NormalizingBatch final : public Adapter {
 public:
  NormalizingBatch(std::unique_ptr<AnyBatch> inner_batch, EnvSpec spec,
                   const NormalizeObservation& wrapper)
      : Adapter(std::move(inner_batch), std::move(spec)),
        settings_(wrapper),
        dtype_(inner().spec().observation.dtype),
        width_(static_cast<std::size_t>(this->spec().observation.size())),
        row_bytes_(inner().spec().observation.bytes()),
        moments_(static_cast<Index>(width_)),
        deviation_(width_),
        counted_(rows()),
        observation_(size() * static_cast<Index>(width_)),
        final_observation_(size() * static_cast<Index>(width_)) {
    show("observation", observation_);
    show("final_observation", final_observation_);
    share(moments_.numbers());
    couple(settings_.update);
    columns_.observation = observation_.data();
    columns_.final_observation = final_observation_.data();
    counted_.clear();
    shared_changed();
    after_reset({}, {});
  }

  std::string_view name() const override { return "normalize_observation"; }

 private:
  const std::byte* shown_below(const void* column, std::size_t i) const {
    return static_cast<const std::byte*>(column) + i * row_bytes_;
  }

  /// Whether row i shows the last observation of one episode and the first of the next.
  bool restarted(std::size_t i) const { return same_step() && ended(i); }

  void count(const std::byte* observation) { counted_.push_back(observation); }
  void merge_counted() {
    moments_.update(dtype_, counted_);
    counted_.clear();
    shared_changed();
  }

  void after_rows(Index begin, Index end) override {
    if (settings_.update) {
      return;  // after_all() waits for the statistics
    }
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      normalize_transition(i);
      if (restarted(i)) {
        normalize(below().observation, i, observation_);
      }
    }
  }

  void after_all() override {
    const BatchColumns& c = below();
    bool any_restarted = false;
    for (std::size_t i = 0; i < rows(); ++i) {
      any_restarted = any_restarted || restarted(i);
      if (c.status[i] == Status::kOk) {
        count(shown_below(restarted(i) ? c.final_observation : c.observation, i));
      }
    }
    merge_counted();
    for_rows([this](std::size_t i) { normalize_transition(i); });
    if (any_restarted) {
      for (std::size_t i = 0; i < rows(); ++i) {
        if (restarted(i)) {
          count(shown_below(c.observation, i));
        }
      }
      merge_counted();
      for_rows([this](std::size_t i) {
        if (restarted(i)) {
          normalize(below().observation, i, observation_);
        }
      });
    }
  }

  void after_reset(std::span<const std::uint64_t>, std::span<const std::uint8_t> mask) override {
    const auto is_reset = [&](std::size_t i) { return mask.empty() || mask[i] != 0; };
    if (settings_.update) {
      for (std::size_t i = 0; i < rows(); ++i) {
        if (is_reset(i)) {
          count(shown_below(below().observation, i));
        }
      }
      merge_counted();
    }
    for (std::size_t i = 0; i < rows(); ++i) {
      if (is_reset(i)) {
        place_row(i);
      }
    }
  }

  void place_row(std::size_t i) override { normalize(below().observation, i, observation_); }

  void check_shared(std::span<const double> values) const override {
    RunningMoments::check(name(), values);
  }

  void shared_changed() override {
    for (std::size_t k = 0; k < width_; ++k) {
      deviation_[k] = std::sqrt(moments_.variance()[k] + settings_.epsilon);
    }
  }

  template <class F>
  void for_rows(F&& f) {
    parallel_for(
        options().threads, size(), std::max<Index>(grain(), 64), [&](Index begin, Index end, int) {
          for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
            f(i);
          }
        });
  }

  /// The observation that the step led to, also where the batch already shows the next episode.
  void normalize_transition(std::size_t i) {
    if (!ended(i)) {
      normalize(below().observation, i, observation_);
      return;
    }
    normalize(below().final_observation, i, final_observation_);
    if (!same_step()) {
      std::copy_n(&final_observation_[i * width_], width_, &observation_[i * width_]);
    }
  }

  void normalize(const void* column, std::size_t i, Column<float>& out) {
    switch (dtype_) {
      case DType::kFloat32:
        return normalize_from<float>(column, i, out);
      case DType::kFloat64:
        return normalize_from<double>(column, i, out);
      default:
        return normalize_from<std::uint8_t>(column, i, out);
    }
  }

  template <class T>
  void normalize_from(const void* column, std::size_t i, Column<float>& out) {
    const T* x = static_cast<const T*>(column) + i * width_;
    const double* mean = moments_.mean().data();
    const double* deviation = deviation_.data();
    float* y = &out[i * width_];
    const double most =
        settings_.clip > 0 ? settings_.clip : std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < width_; ++k) {
      const double normal = (static_cast<double>(x[k]) - mean[k]) / deviation[k];
      y[k] = static_cast<float>(std::min(std::max(normal, -most), most));
    }
  }

  NormalizeObservation settings_;
  DType dtype_;
  std::size_t width_, row_bytes_;
  RunningMoments moments_;
  std::vector<double> deviation_;
  std::vector<const std::byte*> counted_;  // observations of the update in progress
  Column<float> observation_, final_observation_;
};

}  // namespace

EnvSpec wrapped(EnvSpec spec, const NormalizeObservation& wrapper) {
  require(wrapper.epsilon > 0 && std::isfinite(wrapper.epsilon),
          "normalize_observation: epsilon is ", wrapper.epsilon, "; accepted: above 0");
  require(wrapper.clip >= 0 && std::isfinite(wrapper.clip), "normalize_observation: clip is ",
          wrapper.clip, "; accepted: 0 (any) or more");
  Space& space = spec.observation;
  require(space.kind == Space::Kind::kBox &&
              (space.dtype == DType::kFloat32 || space.dtype == DType::kFloat64 ||
               space.dtype == DType::kUint8),
          "normalize_observation: the observation of ", spec.id, " is ", to_string(space),
          "; accepted: a box of float32, float64 or uint8");
  const double most = wrapper.clip > 0 ? wrapper.clip : std::numeric_limits<double>::infinity();
  space.dtype = DType::kFloat32;
  spec.goal.reset();  // normalised goals are not what rewards are about
  std::fill(space.low.begin(), space.low.end(), -most);
  std::fill(space.high.begin(), space.high.end(), most);
  return spec;
}

std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner,
                               const NormalizeObservation& wrapper) {
  EnvSpec spec = wrapped(inner->spec(), wrapper);
  return std::make_unique<NormalizingBatch>(std::move(inner), std::move(spec), wrapper);
}

}  // namespace palaestra::envs
