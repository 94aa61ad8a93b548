#include <palaestra/nn/transformer.h>

#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::nn {

namespace {

constexpr double kDeviation = 0.02;  // of weights at the start

Dense make_dense(Layout& layout, const std::string& name, Index inputs, Index outputs,
                 double deviation) {
  return {layout, name, inputs, outputs, 1, Initializer::normal(deviation), Initializer::zeros()};
}

Expr dropped(Expr x, Expr factor) { return factor.id() < 0 ? x : x * factor; }

/// The rows of those that ask.
Expr asking(Expr x, const Attention& form) {
  const Index width = x.shape().columns;
  return columns(merge_rows(x, form.stride), form.first * width, width);
}

/// The form of block `i` of `count`: all tokens ask but in the last.
Attention form_of(const Attention& form, Index heads, std::size_t i, std::size_t count) {
  Attention own = form;
  own.heads = heads;
  if (i + 1 < count) own.stride = 1, own.first = 0;
  return own;
}

}  // namespace

TransformerBlock::TransformerBlock(Layout& layout, std::string_view prefix,
                                   const TransformerOptions& options)
    : activation(options.activation) {
  const Index width = options.width;
  const Index inner = options.inner > 0 ? options.inner : 4 * width;
  const double last = kDeviation / std::sqrt(2.0 * static_cast<double>(options.layers));
  attention_norm = LayerNorm(layout, concat(prefix, "attention_norm"), width);
  qkv = make_dense(layout, concat(prefix, "qkv"), width, 3 * width, kDeviation);
  project = make_dense(layout, concat(prefix, "project"), width, width, last);
  feed_norm = LayerNorm(layout, concat(prefix, "feed_norm"), width);
  expand = make_dense(layout, concat(prefix, "expand"), width, inner, kDeviation);
  contract = make_dense(layout, concat(prefix, "contract"), inner, width, last);
}

Expr TransformerBlock::operator()(Expr x, std::string_view vector, const Attention& form, Expr mask,
                                  const BlockDropout& dropout) const {
  const Expr attended =
      attention(qkv(attention_norm(x, vector), vector), form, mask, dropout.attention);
  const Expr y = asking(x, form) + dropped(project(attended, vector), dropout.attended);
  const Expr inner = activate(activation, expand(feed_norm(y, vector), vector));
  return y + dropped(contract(inner, vector), dropout.fed);
}

Transformer::Transformer(Layout& layout, std::string_view prefix, const TransformerOptions& options)
    : width(options.width), heads(options.heads) {
  require(options.width >= 1 && options.layers >= 1 && options.heads >= 1 && options.inner >= 0,
          "Transformer: width is ", options.width, ", layers ", options.layers, ", heads ",
          options.heads, ", inner ", options.inner, "; accepted: 1 and up, inner 0 and up");
  require(options.width % options.heads == 0, "Transformer: heads is ", options.heads,
          "; accepted: a divisor of the width, ", options.width);
  for (Index i = 0; i < options.layers; ++i) {
    blocks.emplace_back(layout, concat(prefix, "block.", i, "."), options);
  }
  norm = LayerNorm(layout, concat(prefix, "norm"), width);
}

Expr Transformer::operator()(Expr x, std::string_view vector, const Attention& form, Expr mask,
                             const std::vector<BlockDropout>& dropout) const {
  require(dropout.empty() || dropout.size() == blocks.size(), "Transformer: got dropout for ",
          dropout.size(), " blocks; it has ", blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    x = blocks[i](x, vector, form_of(form, heads, i, blocks.size()), mask,
                  dropout.empty() ? BlockDropout{} : dropout[i]);
  }
  return norm(x, vector);
}

std::vector<BlockDropout> dropout_inputs(Graph& graph, std::string_view name,
                                         const Transformer& transformer, const Attention& form,
                                         Index windows) {
  std::vector<BlockDropout> result;
  for (std::size_t i = 0; i < transformer.blocks.size(); ++i) {
    const Attention own = form_of(form, transformer.heads, i, transformer.blocks.size());
    const Index rows = times_rows(windows, own.queries());
    result.push_back(
        {.attention =
             input(graph, concat(name, ".", i, ".attention"), {1, rows, own.heads * own.length}),
         .attended = input(graph, concat(name, ".", i, ".attended"), {1, rows, transformer.width}),
         .fed = input(graph, concat(name, ".", i, ".fed"), {1, rows, transformer.width})});
  }
  return result;
}

}  // namespace palaestra::nn
