#include <palaestra/nn/optimizer.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>
#include <palaestra/nn/flush.h>

namespace palaestra::nn {

namespace {

constexpr Index kBlock = 1 << 14;  // numbers per unit of work: small vectors run inline
constexpr Index kLanes = 16;       // partial sums of a norm; part of the result, not of the CPU

/// What one update multiplies by, in the precision of the loop.
struct Factors {
  float decay;       // 1 - learning rate * weight decay
  float step;        // learning rate / (1 - beta1^t)
  float correction;  // 1 / sqrt(1 - beta2^t)
  float keep1, take1, keep2, take2, epsilon;
  float clip_value, clip_scale;
  float keep_target, take_target;
};

template <bool kClip, bool kDecay, bool kAverage>
void update_block(const Factors& f, Index n, float* __restrict w, const float* __restrict g,
                  float* __restrict m, float* __restrict v, float* __restrict target) {
  for (Index i = 0; i < n; ++i) {
    float gradient = g[i];
    if constexpr (kClip) {
      // written so that a NaN stays a NaN
      gradient = gradient > f.clip_value ? f.clip_value : gradient;
      gradient = gradient < -f.clip_value ? -f.clip_value : gradient;
      gradient *= f.clip_scale;
    }
    const float first = f.keep1 * m[i] + f.take1 * gradient;
    const float second = f.keep2 * v[i] + f.take2 * gradient * gradient;
    const float change = f.step * first / (std::sqrt(second) * f.correction + f.epsilon);
    float weight = w[i];
    if constexpr (kDecay) weight *= f.decay;
    weight -= change;
    m[i] = first;
    v[i] = second;
    w[i] = weight;
    if constexpr (kAverage) target[i] = f.keep_target * target[i] + f.take_target * weight;
  }
}

using UpdateBlock = void (*)(const Factors&, Index, float*, const float*, float*, float*, float*);

UpdateBlock choose(bool clip, bool decay, bool average) {
  static constexpr UpdateBlock kTable[2][2][2] = {
      {{update_block<false, false, false>, update_block<false, false, true>},
       {update_block<false, true, false>, update_block<false, true, true>}},
      {{update_block<true, false, false>, update_block<true, false, true>},
       {update_block<true, true, false>, update_block<true, true, true>}}};
  return kTable[clip][decay][average];
}

void require_size(std::string_view who, std::string_view what, std::size_t got,
                  std::size_t expected) {
  require(got == expected, who, ": ", what, " has ", got, " numbers, expected ", expected);
}

double squared_norm(const float* g, Index n, float limit) {
  double lanes[kLanes] = {};
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (Index k = 0; k < kLanes; ++k) {
      float x = g[i + k];
      x = x > limit ? limit : x;
      x = x < -limit ? -limit : x;
      lanes[k] += static_cast<double>(x) * x;
    }
  }
  double total = 0;
  for (; i < n; ++i) {
    const double x = std::clamp(g[i], -limit, limit);
    total += x * x;
  }
  for (const double lane : lanes) total += lane;
  return total;
}

}  // namespace

Adam::Adam(Index size, const AdamOptions& options) : options_(options) {
  require(size >= 1, "Adam: size is ", size, ", must be at least 1");
  require(options.learning_rate >= 0, "Adam: learning_rate is ", options.learning_rate,
          ", must be at least 0");
  require(options.beta1 >= 0 && options.beta1 < 1, "Adam: beta1 is ", options.beta1,
          ", must be within [0, 1)");
  require(options.beta2 >= 0 && options.beta2 < 1, "Adam: beta2 is ", options.beta2,
          ", must be within [0, 1)");
  require(options.epsilon > 0, "Adam: epsilon is ", options.epsilon, ", must be above 0");
  require(options.weight_decay >= 0 && options.clip_value >= 0 && options.clip_norm >= 0,
          "Adam: weight_decay, clip_value and clip_norm must be at least 0, got ",
          options.weight_decay, ", ", options.clip_value, ", ", options.clip_norm);
  first_.assign(static_cast<std::size_t>(size), 0);
  second_.assign(static_cast<std::size_t>(size), 0);
  block_sums_.assign(static_cast<std::size_t>((size + kBlock - 1) / kBlock), 0);
}

double Adam::learning_rate() const {
  return options_.learning_rate * options_.schedule.factor(updates_);
}

float Adam::clip_scale(std::span<const float> gradient, Threads threads) {
  if (options_.clip_norm == 0) return 1;
  const float limit = options_.clip_value > 0 ? static_cast<float>(options_.clip_value) : INFINITY;
  detail::parallel_flushed(threads, static_cast<Index>(gradient.size()), kBlock,
                           [&](Index begin, Index end, int) {
                             block_sums_[static_cast<std::size_t>(begin / kBlock)] =
                                 squared_norm(gradient.data() + begin, end - begin, limit);
                           });
  double total = 0;
  for (const double sum : block_sums_) total += sum;
  norm_ = std::sqrt(total);
  return static_cast<float>(std::min(1.0, options_.clip_norm / (norm_ + 1e-6)));
}

void Adam::step(std::span<float> parameters, std::span<const float> gradient, Threads threads) {
  step_and_average(parameters, gradient, {}, 0, threads);
}

void Adam::step_and_average(std::span<float> parameters, std::span<const float> gradient,
                            std::span<float> target, double tau, Threads threads) {
  require_size("Adam", "parameters", parameters.size(), first_.size());
  require_size("Adam", "gradient", gradient.size(), first_.size());
  const bool average = !target.empty();
  if (average) require_size("Adam", "target", target.size(), first_.size());

  const double rate = learning_rate();
  const double t = static_cast<double>(updates_ + 1);
  const Factors factors = {
      .decay = static_cast<float>(1 - rate * options_.weight_decay),
      .step = static_cast<float>(rate / (1 - std::pow(options_.beta1, t))),
      .correction = static_cast<float>(1 / std::sqrt(1 - std::pow(options_.beta2, t))),
      .keep1 = static_cast<float>(options_.beta1),
      .take1 = static_cast<float>(1 - options_.beta1),
      .keep2 = static_cast<float>(options_.beta2),
      .take2 = static_cast<float>(1 - options_.beta2),
      .epsilon = static_cast<float>(options_.epsilon),
      .clip_value = options_.clip_value > 0 ? static_cast<float>(options_.clip_value) : INFINITY,
      .clip_scale = clip_scale(gradient, threads),
      .keep_target = static_cast<float>(1 - tau),
      .take_target = static_cast<float>(tau),
  };
  const auto update =
      choose(options_.clip_value > 0 || options_.clip_norm > 0, options_.weight_decay > 0, average);
  detail::parallel_flushed(
      threads, static_cast<Index>(parameters.size()), kBlock, [&](Index begin, Index end, int) {
        update(factors, end - begin, parameters.data() + begin, gradient.data() + begin,
               first_.data() + begin, second_.data() + begin,
               average ? target.data() + begin : nullptr);
      });
  ++updates_;
}

void Adam::save(ArchiveWriter& archive, std::string_view prefix) const {
  archive.put(concat(prefix, "first_moment"), first_);
  archive.put(concat(prefix, "second_moment"), second_);
  archive.put_scalar(concat(prefix, "updates"), updates_);
}

void Adam::load(const ArchiveReader& archive, std::string_view prefix) {
  std::vector<float> first(first_.size()), second(second_.size());
  archive.get(concat(prefix, "first_moment"), first);
  archive.get(concat(prefix, "second_moment"), second);
  const Index updates = archive.get_index(concat(prefix, "updates"));
  require(updates >= 0, "Adam: \"", prefix, "updates\" is ", updates, "; accepted: 0 and up");
  updates_ = updates;
  first_.swap(first);
  second_.swap(second);
}

void polyak_average(std::span<float> target, std::span<const float> source, double tau,
                    Threads threads) {
  require_size("polyak_average", "source", source.size(), target.size());
  const auto keep = static_cast<float>(1 - tau);
  const auto take = static_cast<float>(tau);
  detail::parallel_flushed(threads, static_cast<Index>(target.size()), kBlock,
                           [&](Index begin, Index end, int) {
                             float* __restrict t = target.data();
                             const float* __restrict s = source.data();
                             for (Index i = begin; i < end; ++i) t[i] = keep * t[i] + take * s[i];
                           });
}

}  // namespace palaestra::nn
