#pragma once

#include <string_view>
#include <vector>

#include <palaestra/agents/discriminator/config.h>
#include <palaestra/nn/expr.h>
#include <palaestra/nn/layers.h>

namespace palaestra::agents::discriminator {

/// f(x), x being the two parts of a transition side by side. Parameters are the vector
/// "discriminator"; with spectral normalisation the singular vectors of the hidden layers are the
/// vector "singular" (see spectral_norm.h), which nothing is differentiated by.
struct Network {
  nn::Layout layout;
  nn::Layout singular;  ///< empty without spectral normalisation
  std::vector<nn::Dense> hidden;
  nn::Dense output;
  Index first, second;  ///< widths of the two parts: state, and action or next state
  nn::Activation activation;
  double leak;
  bool bounded;  ///< f = tanh of the last layer

  Network(Index observation_size, Index action_size, const DiscriminatorConfig& config);

  Index width() const { return first + second; }

  /// x: [1, rows, width()]; f: [1, rows, 1].
  nn::Expr operator()(nn::Expr x) const;

 private:
  nn::Expr weights(nn::Graph& graph, std::size_t layer) const;
};

}  // namespace palaestra::agents::discriminator
