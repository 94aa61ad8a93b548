#include <palaestra/agents/discriminator/network.h>

#include <palaestra/core/error.h>

namespace palaestra::agents::discriminator {

namespace {

constexpr double kSmallestNorm = 1e-12;  // weights may be all zero

}  // namespace

Network::Network(Index observation_size, Index action_size, const DiscriminatorConfig& config)
    : first(observation_size),
      second(config.inputs == Inputs::kSa ? action_size : observation_size),
      activation(config.activation),
      leak(config.leak),
      bounded(config.output == Output::kTanh) {
  Index inputs = width();
  for (std::size_t i = 0; i < config.hidden.size(); ++i) {
    const Index units = config.hidden[i];
    hidden.emplace_back(layout, concat("hidden.", i), inputs, units, 1,
                        nn::Initializer::orthogonal(config.hidden_gain), nn::Initializer::zeros());
    if (config.spectral_norm) {
      singular.add(concat("hidden.", i, ".left"), {1, 1, inputs}, nn::Initializer::normal(1));
      singular.add(concat("hidden.", i, ".right"), {1, 1, units}, nn::Initializer::zeros());
    }
    inputs = units;
  }
  output = nn::Dense(layout, "output", inputs, 1, 1,
                     nn::Initializer::orthogonal(config.output_gain), nn::Initializer::zeros());
}

/// W, or W / σ with σ = u W v' where u and v are constants (Miyato et al. 2018, arXiv 1802.05957,
/// eq. 12): the gradient passes through σ.
nn::Expr Network::weights(nn::Graph& graph, std::size_t layer) const {
  const nn::Dense& dense = hidden[layer];
  const nn::Expr w =
      nn::parameter(graph, "discriminator", dense.weight, {1, dense.inputs, dense.outputs});
  if (singular.size() == 0) return w;
  const auto vector = [&](std::size_t number) {
    const nn::Parameter& p = singular.parameters()[number];
    return nn::parameter(graph, "singular", p.offset, p.shape);
  };
  const nn::Expr left = vector(2 * layer), right = vector(2 * layer + 1);
  return w / maximum(sum(matmul(left, w) * right), nn::constant(graph, kSmallestNorm));
}

nn::Expr Network::operator()(nn::Expr x) const {
  nn::Graph& graph = x.graph();
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    const nn::Expr bias =
        nn::parameter(graph, "discriminator", hidden[i].bias, {1, 1, hidden[i].outputs});
    x = affine(x, weights(graph, i), bias);
    x = activation == nn::Activation::kLeakyRelu ? leaky_relu(x, leak)
                                                 : nn::activate(activation, x);
  }
  const nn::Expr z = output(x, "discriminator");
  return bounded ? tanh(z) : z;
}

}  // namespace palaestra::agents::discriminator
