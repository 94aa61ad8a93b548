#pragma once

#include <optional>

#include <palaestra/nn/layers.h>

namespace palaestra::agents {

/// How the layers of a network begin.
enum class Initialization : unsigned char {
  kUniform,     ///< weights and biases within 1 / sqrt(inputs), as in PyTorch's Linear
  kOrthogonal,  ///< weights orthogonal, biases 0
};

/// Of the weights; none: the layer's own.
inline std::optional<nn::Initializer> weights_of(Initialization initialization, double gain = 1) {
  if (initialization == Initialization::kUniform) return {};
  return nn::Initializer::orthogonal(gain);
}

}  // namespace palaestra::agents
