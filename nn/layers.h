#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/nn/expr.h>
#include <palaestra/nn/parameters.h>

// Layers are offsets into a flat vector. Constructing one adds its parameters to a Layout; applying
// it names the vector to read, so that a target network is the same layer with another name:
//
//   Layout layout;
//   const Mlp critic(layout, "", {.inputs = 23, .hidden = {256, 256}, .outputs = 1, .members = 2});
//   const Expr q = critic(x, "critic"), target = critic(next_x, "target_critic");

namespace palaestra::nn {

enum class Activation : unsigned char { kIdentity, kRelu, kTanh, kSilu, kGelu, kElu, kLeakyRelu };

Expr activate(Activation activation, Expr x);
/// "identity", "relu", "tanh", "silu", "gelu", "elu", "leaky_relu".
std::string_view name_of(Activation activation);
/// Throws UserError naming the known ones.
Activation activation_from(std::string_view name);

/// y = x W + b for each member. Weights [members, inputs, outputs], biases [members, 1, outputs].
struct Dense {
  Index inputs = 0, outputs = 0, members = 1;
  Index weight = 0, bias = 0;  ///< offsets

  Dense() = default;
  /// Weights and biases uniform within 1 / sqrt(inputs), as in PyTorch's Linear.
  Dense(Layout& layout, std::string_view name, Index inputs, Index outputs, Index members = 1);
  Dense(Layout& layout, std::string_view name, Index inputs, Index outputs, Index members,
        Initializer weights, Initializer biases);
  /// The first where there is no initialiser for the weights, else with biases of 0.
  Dense(Layout& layout, std::string_view name, Index inputs, Index outputs, Index members,
        const std::optional<Initializer>& weights);

  /// x: [1 or members, rows, inputs]; the result has `members` members.
  Expr operator()(Expr x, std::string_view vector) const;
};

/// (x - mean) / sqrt(variance + 1e-5) over columns, scaled and shifted (Ba et al. 2016,
/// arXiv 1607.06450); the variance is that of the population.
struct LayerNorm {
  Index width = 0, members = 1;
  Index scale = 0, shift = 0;  ///< offsets

  LayerNorm() = default;
  LayerNorm(Layout& layout, std::string_view name, Index width, Index members = 1);

  Expr operator()(Expr x, std::string_view vector) const;
};

/// Fills a mask: 0 with probability `rate`, else 1 / (1 - rate). 0 <= rate < 1.
void fill_dropout(double rate, Stream& random, std::span<float> mask);

struct MlpOptions {
  Index inputs = 1;
  std::vector<Index> hidden;
  Index outputs = 1;  ///< 0: a trunk without an output layer
  Index members = 1;
  Activation activation = Activation::kRelu;
  bool layer_norm = false;  ///< before each activation
  /// Of the weights, where given; the layers' biases then begin at 0. Else as Dense says.
  std::optional<Initializer> hidden_weights = {}, output_weights = {};
};

/// dense, (dropout), (layer norm), activation for each hidden layer, then a dense layer: the order
/// of DroQ (Hiraoka et al. 2022, arXiv 2110.02034).
struct Mlp {
  Activation activation = Activation::kRelu;
  std::vector<Dense> hidden;
  std::vector<LayerNorm> norms;  ///< empty, or one per hidden layer
  Dense output;

  Mlp() = default;
  /// Parameters are called prefix + "hidden.0.weight", ..., prefix + "output.bias".
  Mlp(Layout& layout, std::string_view prefix, const MlpOptions& options);

  /// `masks` is empty (no dropout), or holds one factor per hidden layer,
  /// [1 or members, rows, width], usually inputs filled by fill_dropout: programs are pure.
  Expr operator()(Expr x, std::string_view vector, const std::vector<Expr>& masks = {}) const;
  /// Everything but the output layer, for networks with several heads.
  Expr trunk(Expr x, std::string_view vector, const std::vector<Expr>& masks = {}) const;
};

/// Inputs named name + ".0", name + ".1", ... for the masks of an Mlp.
std::vector<Expr> dropout_inputs(Graph& graph, std::string_view name, const Mlp& mlp, Index rows);

}  // namespace palaestra::nn
