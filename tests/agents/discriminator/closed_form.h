#pragma once

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

// The penalty's gradient of a discriminator with two ReLU layers, written out: no differentiation,
// no code of the library. W1 [inputs, units], W2 [units, units2], w3 [units2], as x W + b.

namespace palaestra::agents::discriminator::testing {

struct TwoLayers {
  std::size_t inputs, units, units2;
  bool bounded;  ///< f = tanh z

  std::size_t w1() const { return 0; }
  std::size_t b1() const { return inputs * units; }
  std::size_t w2() const { return b1() + units; }
  std::size_t b2() const { return w2() + units * units2; }
  std::size_t w3() const { return b2() + units2; }
  std::size_t b3() const { return w3() + units2; }
  std::size_t size() const { return b3() + 1; }
};

struct Penalized {
  double penalty;  ///< mean (|g| - target)², one-sided where asked for
  std::vector<double> gradient;
};

inline Penalized closed_form(const TwoLayers& net, std::span<const double> p,
                             std::span<const double> points, double target, bool one_sided) {
  const std::size_t in = net.inputs, m = net.units, m2 = net.units2;
  const std::size_t rows = points.size() / in;
  Penalized result{0, std::vector<double>(net.size(), 0.0)};
  auto& d = result.gradient;
  const auto w1 = [&](std::size_t i, std::size_t j) { return p[net.w1() + i * m + j]; };
  const auto w2 = [&](std::size_t i, std::size_t j) { return p[net.w2() + i * m2 + j]; };
  for (std::size_t row = 0; row < rows; ++row) {
    const double* x = points.data() + row * in;
    // forward; a1, a2 are hidden values, their masks whether they are above zero
    std::vector<double> a1(m), a2(m2);
    for (std::size_t j = 0; j < m; ++j) {
      double total = p[net.b1() + j];
      for (std::size_t i = 0; i < in; ++i) total += x[i] * w1(i, j);
      a1[j] = std::fmax(total, 0);
    }
    double z = p[net.b3()];
    for (std::size_t k = 0; k < m2; ++k) {
      double total = p[net.b2() + k];
      for (std::size_t j = 0; j < m; ++j) total += a1[j] * w2(j, k);
      a2[k] = std::fmax(total, 0);
      z += a2[k] * p[net.w3() + k];
    }
    // g = dz/dx
    std::vector<double> beta1(m, 0.0), beta2(m2), g(in, 0.0);
    for (std::size_t k = 0; k < m2; ++k) beta2[k] = a2[k] > 0 ? p[net.w3() + k] : 0;
    for (std::size_t j = 0; j < m; ++j) {
      if (a1[j] <= 0) continue;
      for (std::size_t k = 0; k < m2; ++k) beta1[j] += w2(j, k) * beta2[k];
    }
    double squares = 0;
    for (std::size_t i = 0; i < in; ++i) {
      for (std::size_t j = 0; j < m; ++j) g[i] += w1(i, j) * beta1[j];
      squares += g[i] * g[i];
    }
    const double norm = std::sqrt(squares), f = std::tanh(z);
    const double s = net.bounded ? 1 - f * f : 1;
    double excess = s * norm - target;
    if (one_sided) excess = std::fmax(excess, 0);
    result.penalty += excess * excess / static_cast<double>(rows);
    const double k = 2 * excess / static_cast<double>(rows);

    // through s: an ordinary output gradient dz = k |g| (-2 f s)
    if (net.bounded) {
      const double dz = k * norm * -2 * f * s;
      d[net.b3()] += dz;
      for (std::size_t c = 0; c < m2; ++c) {
        d[net.w3() + c] += dz * a2[c];
        d[net.b2() + c] += dz * beta2[c];
        for (std::size_t j = 0; j < m; ++j) d[net.w2() + j * m2 + c] += dz * a1[j] * beta2[c];
      }
      for (std::size_t j = 0; j < m; ++j) {
        d[net.b1() + j] += dz * beta1[j];
        for (std::size_t i = 0; i < in; ++i) d[net.w1() + i * m + j] += dz * x[i] * beta1[j];
      }
    }
    // through g, along v = g / |g|
    if (norm == 0) continue;
    const double c = k * s;
    std::vector<double> t1(m, 0.0), t2(m2, 0.0);
    for (std::size_t j = 0; j < m; ++j) {
      for (std::size_t i = 0; i < in; ++i) {
        if (a1[j] > 0) t1[j] += w1(i, j) * g[i] / norm;
        d[net.w1() + i * m + j] += c * beta1[j] * g[i] / norm;
      }
    }
    for (std::size_t q = 0; q < m2; ++q) {
      for (std::size_t j = 0; j < m; ++j) {
        if (a2[q] > 0) t2[q] += w2(j, q) * t1[j];
        d[net.w2() + j * m2 + q] += c * beta2[q] * t1[j];
      }
      d[net.w3() + q] += c * t2[q];
    }
  }
  return result;
}

}  // namespace palaestra::agents::discriminator::testing
