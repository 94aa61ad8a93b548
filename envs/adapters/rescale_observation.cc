#include <palaestra/envs/adapters/rescale_observation.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <palaestra/envs/adapters/observation_map.h>

namespace palaestra::envs {
namespace {

class RescaledBatch final : public ObservationMap {
 public:
  RescaledBatch(std::unique_ptr<AnyBatch> inner_batch, EnvSpec spec,
                const RescaleObservation& wrapper)
      : ObservationMap(std::move(inner_batch), std::move(spec)),
        dtype_(inner().spec().observation.dtype) {
    const Space& from = inner().spec().observation;
    for (std::size_t k = 0; k < from.low.size(); ++k) {
      slope_.push_back((wrapper.high - wrapper.low) / (from.high[k] - from.low[k]));
      offset_.push_back(wrapper.low - slope_.back() * from.low[k]);
    }
    show_all();
  }

  std::string_view name() const override { return "rescale_observation"; }

 private:
  void map(const std::byte* from, std::byte* to) const override {
    switch (dtype_) {
      case DType::kFloat64:
        return rescale<double, double>(from, to);
      case DType::kUint8:
        return rescale<std::uint8_t, float>(from, to);
      default:
        return rescale<float, float>(from, to);
    }
  }

  template <class From, class To>
  void rescale(const std::byte* from, std::byte* to) const {
    for (std::size_t k = 0; k < slope_.size(); ++k) {
      From number;
      std::memcpy(&number, from + k * sizeof(From), sizeof(From));
      const To rescaled = static_cast<To>(slope_[k] * static_cast<double>(number) + offset_[k]);
      std::memcpy(to + k * sizeof(To), &rescaled, sizeof(To));
    }
  }

  DType dtype_;
  std::vector<double> slope_, offset_;
};

}  // namespace

EnvSpec wrapped(EnvSpec spec, const RescaleObservation& wrapper) {
  require(std::isfinite(wrapper.low) && std::isfinite(wrapper.high) && wrapper.low < wrapper.high,
          "rescale_observation: low is ", wrapper.low, " and high is ", wrapper.high,
          "; accepted: two numbers, the first below the second");
  Space& space = spec.observation;
  require(space.kind == Space::Kind::kBox &&
              (space.dtype == DType::kFloat32 || space.dtype == DType::kFloat64 ||
               space.dtype == DType::kUint8),
          "rescale_observation: the observation of ", spec.id, " is ", to_string(space),
          "; accepted: a box of float32, float64 or uint8");
  for (std::size_t k = 0; k < space.low.size(); ++k) {
    const double range = space.high[k] - space.low[k];
    require(
        range > 0 && std::isfinite(range), "rescale_observation: number ", k,
        " of the observation of ", spec.id, " is from ", space.low[k], " to ", space.high[k],
        "; accepted: two bounds, the first below the second (normalize_observation needs none)");
  }
  if (space.dtype == DType::kUint8) {
    space.dtype = DType::kFloat32;
  }
  spec.goal.reset();  // rescaled goals are not what rewards are about
  std::fill(space.low.begin(), space.low.end(), wrapper.low);
  std::fill(space.high.begin(), space.high.end(), wrapper.high);
  return spec;
}

std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const RescaleObservation& wrapper) {
  EnvSpec spec = wrapped(inner->spec(), wrapper);
  return std::make_unique<RescaledBatch>(std::move(inner), std::move(spec), wrapper);
}

}  // namespace palaestra::envs
