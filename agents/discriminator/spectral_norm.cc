#include <palaestra/agents/discriminator/spectral_norm.h>

#include <cmath>

namespace palaestra::agents::discriminator {

namespace {

/// x / |x|; all zero stays zero, and gives false.
bool normalize(std::span<float> x) {
  double squares = 0;
  for (const float value : x) squares += static_cast<double>(value) * value;
  if (!(squares > 0)) return false;
  const auto scale = static_cast<float>(1 / std::sqrt(squares));
  for (float& value : x) value *= scale;
  return true;
}

void iterate(std::span<const float> w, std::span<float> u, std::span<float> v) {
  const std::size_t inputs = u.size(), outputs = v.size();
  for (float& value : v) value = 0;
  for (std::size_t i = 0; i < inputs; ++i) {
    for (std::size_t j = 0; j < outputs; ++j) v[j] += u[i] * w[i * outputs + j];
  }
  if (!normalize(v)) return;
  for (std::size_t i = 0; i < inputs; ++i) {
    float total = 0;
    for (std::size_t j = 0; j < outputs; ++j) total += w[i * outputs + j] * v[j];
    u[i] = total;
  }
  normalize(u);
}

}  // namespace

void iterate_power(const Network& network, std::span<const float> parameters,
                   std::span<float> singular, int iterations) {
  if (singular.empty()) return;
  const auto block = [](auto values, Index offset, Index size) {
    return values.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  };
  for (std::size_t layer = 0; layer < network.hidden.size(); ++layer) {
    const nn::Dense& dense = network.hidden[layer];
    const auto& vectors = network.singular.parameters();
    const auto w = block(parameters, dense.weight, dense.inputs * dense.outputs);
    const auto u = block(singular, vectors[2 * layer].offset, dense.inputs);
    const auto v = block(singular, vectors[2 * layer + 1].offset, dense.outputs);
    for (int i = 0; i < iterations; ++i) iterate(w, u, v);
  }
}

}  // namespace palaestra::agents::discriminator
