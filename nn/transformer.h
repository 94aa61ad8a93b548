#pragma once

#include <string_view>
#include <vector>

#include <palaestra/nn/layers.h>

namespace palaestra::nn {

struct TransformerOptions {
  Index width = 128;
  Index layers = 3;
  Index heads = 1;  ///< dividing the width
  Index inner = 0;  ///< units between the two dense layers of a block; 0: four times the width
  Activation activation = Activation::kRelu;
};

/// Factors on what a block adds (dropout); empty expressions where there are none.
struct BlockDropout {
  Expr attention;  ///< on the softmax, see attention()
  Expr attended;   ///< on the attention's output, [1, rows out, width]
  Expr fed;        ///< on the dense layers' output, likewise
};

/// One block of a transformer with the normalisations in front (Xiong et al. 2020,
/// arXiv 2002.04745; GPT-2):
///   y = x + project(attention(qkv(norm x))),   out = y + contract(activate(expand(norm y))).
struct TransformerBlock {
  LayerNorm attention_norm, feed_norm;
  Dense qkv, project, expand, contract;
  Activation activation = Activation::kRelu;

  TransformerBlock() = default;
  TransformerBlock(Layout& layout, std::string_view prefix, const TransformerOptions& options);

  /// x: [1, windows * length, width]. The result has the rows that ask, [1, windows * queries,
  /// width]: see Attention. `mask` is attention()'s.
  Expr operator()(Expr x, std::string_view vector, const Attention& form, Expr mask = {},
                  const BlockDropout& dropout = {}) const;
};

/// A stack of blocks and a last normalisation. Positions are the caller's: nothing in here knows
/// where in its window a token stands, but for who may see whom.
///
/// Begins as GPT-2 does: weights normal with deviation 0.02, those that end a branch over
/// sqrt(2 layers), biases 0.
struct Transformer {
  Index width = 0, heads = 1;
  std::vector<TransformerBlock> blocks;
  LayerNorm norm;

  Transformer() = default;
  /// Parameters are called prefix + "block.0.qkv.weight", ..., prefix + "norm.shift". Throws
  /// UserError for extents below 1 and heads that do not divide the width.
  Transformer(Layout& layout, std::string_view prefix, const TransformerOptions& options);

  /// x: [1, windows * length, width]. Only the last block's rows are thinned out by form.stride and
  /// form.first: what its other tokens would give, nobody reads. form.heads is not used. `dropout`
  /// is empty or one per block.
  Expr operator()(Expr x, std::string_view vector, const Attention& form, Expr mask = {},
                  const std::vector<BlockDropout>& dropout = {}) const;
};

/// Inputs name + ".0.attention", name + ".0.attended", name + ".0.fed", ... for the factors of all
/// blocks, `windows` being the extent of the windows.
std::vector<BlockDropout> dropout_inputs(Graph& graph, std::string_view name,
                                         const Transformer& transformer, const Attention& form,
                                         Index windows);

}  // namespace palaestra::nn
