#include <palaestra/nn/layers.h>

#include <array>
#include <cmath>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra::nn {

namespace {

constexpr std::array<std::string_view, 7> kActivationNames = {
    "identity", "relu", "tanh", "silu", "gelu", "elu", "leaky_relu"};
constexpr double kVarianceFloor = 1e-5;

}  // namespace

Expr activate(Activation activation, Expr x) {
  switch (activation) {
    case Activation::kIdentity:
      return x;
    case Activation::kRelu:
      return relu(x);
    case Activation::kTanh:
      return tanh(x);
    case Activation::kSilu:
      return silu(x);
    case Activation::kGelu:
      return gelu(x);
    case Activation::kElu:
      return elu(x);
    case Activation::kLeakyRelu:
      return leaky_relu(x);
  }
  return x;
}

std::string_view name_of(Activation activation) {
  return kActivationNames[static_cast<std::size_t>(activation)];
}

Activation activation_from(std::string_view name) {
  for (std::size_t i = 0; i < kActivationNames.size(); ++i) {
    if (kActivationNames[i] == name) return static_cast<Activation>(i);
  }
  const std::vector<std::string> names(kActivationNames.begin(), kActivationNames.end());
  std::string list;
  for (const auto& n : names) list += (list.empty() ? "" : ", ") + n;
  throw UserError(concat("unknown activation \"", name, "\"", did_you_mean(name, names),
                         " (accepted: ", list, ")"));
}

Dense::Dense(Layout& layout, std::string_view name, Index in, Index out, Index count)
    : Dense(layout, name, in, out, count,
            Initializer::uniform(1 / std::sqrt(static_cast<double>(in))),
            Initializer::uniform(1 / std::sqrt(static_cast<double>(in)))) {}

Dense::Dense(Layout& layout, std::string_view name, Index in, Index out, Index count,
             Initializer weights, Initializer biases)
    : inputs(in),
      outputs(out),
      members(count),
      weight(layout.add(concat(name, ".weight"), {count, in, out}, weights)),
      bias(layout.add(concat(name, ".bias"), {count, 1, out}, biases)) {}

Dense::Dense(Layout& layout, std::string_view name, Index in, Index out, Index count,
             const std::optional<Initializer>& weights)
    : Dense(weights ? Dense(layout, name, in, out, count, *weights, Initializer::zeros())
                    : Dense(layout, name, in, out, count)) {}

Expr Dense::operator()(Expr x, std::string_view vector) const {
  return affine(x, parameter(x.graph(), vector, weight, {members, inputs, outputs}),
                parameter(x.graph(), vector, bias, {members, 1, outputs}));
}

LayerNorm::LayerNorm(Layout& layout, std::string_view name, Index columns, Index count)
    : width(columns),
      members(count),
      scale(layout.add(concat(name, ".scale"), {count, 1, columns}, Initializer::constant(1))),
      shift(layout.add(concat(name, ".shift"), {count, 1, columns}, Initializer::zeros())) {}

Expr LayerNorm::operator()(Expr x, std::string_view vector) const {
  const Expr normal = normalize(x, kVarianceFloor);
  return normal * parameter(x.graph(), vector, scale, {members, 1, width}) +
         parameter(x.graph(), vector, shift, {members, 1, width});
}

void fill_dropout(double rate, Stream& random, std::span<float> mask) {
  random.fill_uniform(mask);
  const auto threshold = static_cast<float>(rate);
  const auto kept = static_cast<float>(1 / (1 - rate));
  for (float& x : mask) x = x < threshold ? 0.0f : kept;
}

Mlp::Mlp(Layout& layout, std::string_view prefix, const MlpOptions& options)
    : activation(options.activation) {
  Index width = options.inputs;
  for (std::size_t i = 0; i < options.hidden.size(); ++i) {
    hidden.emplace_back(layout, concat(prefix, "hidden.", i), width, options.hidden[i],
                        options.members, options.hidden_weights);
    width = options.hidden[i];
    if (options.layer_norm) {
      norms.emplace_back(layout, concat(prefix, "norm.", i), width, options.members);
    }
  }
  if (options.outputs > 0) {
    output = Dense(layout, concat(prefix, "output"), width, options.outputs, options.members,
                   options.output_weights);
  }
}

Expr Mlp::operator()(Expr x, std::string_view vector, const std::vector<Expr>& masks) const {
  require(output.outputs > 0, "Mlp: this network has no output layer; use trunk()");
  return output(trunk(x, vector, masks), vector);
}

Expr Mlp::trunk(Expr x, std::string_view vector, const std::vector<Expr>& masks) const {
  require(masks.empty() || masks.size() == hidden.size(), "Mlp: got ", masks.size(),
          " dropout masks for ", hidden.size(), " hidden layers");
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    x = hidden[i](x, vector);
    if (!masks.empty()) x = x * masks[i];
    if (!norms.empty()) x = norms[i](x, vector);
    x = activate(activation, x);
  }
  return x;
}

std::vector<Expr> dropout_inputs(Graph& graph, std::string_view name, const Mlp& mlp, Index rows) {
  std::vector<Expr> masks;
  for (std::size_t i = 0; i < mlp.hidden.size(); ++i) {
    const Dense& layer = mlp.hidden[i];
    masks.push_back(input(graph, concat(name, ".", i), {layer.members, rows, layer.outputs}));
  }
  return masks;
}

}  // namespace palaestra::nn
