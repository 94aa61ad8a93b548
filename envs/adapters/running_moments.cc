#include <palaestra/envs/adapters/running_moments.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <stdexcept>

#include <palaestra/core/error.h>

namespace palaestra::envs {

RunningMoments::RunningMoments(Index width)
    : width_(static_cast<std::size_t>(width)),
      numbers_(1 + 2 * width_),
      batch_mean_(width_),
      batch_variance_(width_) {
  numbers_[0] = 1e-4;
  std::fill(numbers_.begin() + 1 + width, numbers_.end(), 1.0);
}

template <class T>
void RunningMoments::update_from(std::span<const std::byte* const> rows) {
  const auto n = static_cast<double>(rows.size());
  std::fill(batch_mean_.begin(), batch_mean_.end(), 0.0);
  std::fill(batch_variance_.begin(), batch_variance_.end(), 0.0);
  for (const std::byte* row : rows) {
    const T* x = reinterpret_cast<const T*>(row);
    for (std::size_t k = 0; k < width_; ++k) {
      batch_mean_[k] += static_cast<double>(x[k]);
    }
  }
  for (double& mean : batch_mean_) {
    mean /= n;
  }
  for (const std::byte* row : rows) {
    const T* x = reinterpret_cast<const T*>(row);
    for (std::size_t k = 0; k < width_; ++k) {
      const double away = static_cast<double>(x[k]) - batch_mean_[k];
      batch_variance_[k] += away * away;
    }
  }
  for (double& variance : batch_variance_) {
    variance /= n;
  }
  merge(n);
}

void RunningMoments::merge(double batch_count) {
  const double count = numbers_[0], total = count + batch_count;
  double* mean = numbers_.data() + 1;
  double* variance = mean + width_;
  for (std::size_t k = 0; k < width_; ++k) {
    const double delta = batch_mean_[k] - mean[k];
    const double squares = variance[k] * count + batch_variance_[k] * batch_count +
                           delta * delta * count * batch_count / total;
    mean[k] += delta * batch_count / total;
    variance[k] = squares / total;
  }
  numbers_[0] = total;
}

void RunningMoments::update(DType dtype, std::span<const std::byte* const> rows) {
  if (rows.empty()) {
    return;
  }
  switch (dtype) {
    case DType::kFloat32:
      return update_from<float>(rows);
    case DType::kFloat64:
      return update_from<double>(rows);
    case DType::kUint8:
      return update_from<std::uint8_t>(rows);
    default:
      throw std::logic_error("running moments of a type without them");
  }
}

void RunningMoments::update(std::span<const double> values) {
  if (values.empty()) {
    return;
  }
  const auto n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double x : values) {
    sum += x;
  }
  const double mean = sum / n;
  for (const double x : values) {
    squares += (x - mean) * (x - mean);
  }
  batch_mean_[0] = mean;
  batch_variance_[0] = squares / n;
  merge(n);
}

void RunningMoments::check(std::string_view who, std::span<const double> numbers) {
  const std::size_t width = (numbers.size() - 1) / 2;
  for (std::size_t k = 0; k < numbers.size(); ++k) {
    const double x = numbers[k];
    const bool signless = k == 0 || k > width;
    require(std::isfinite(x) && !(signless && x < 0), who, ": number ", k, " of the statistics is ",
            x, "; accepted: finite numbers, and none below 0 for the count and the variances");
  }
}

}  // namespace palaestra::envs
