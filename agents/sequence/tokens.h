#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <palaestra/core/text.h>
#include <palaestra/nn/transformer.h>

namespace palaestra::agents::sequence {

/// Turns the columns of each step of a window into tokens of a transformer, one after the other, in
/// the order of the columns. Each token gets a learned vector for its place in the window, and all
/// share one layer normalisation.
struct Tokens {
  Index length = 0, width = 0;
  std::vector<nn::Dense> embed;  ///< one per column
  Index place = 0;               ///< offset: [1, 1, length * columns * width]
  nn::LayerNorm norm;

  Tokens() = default;
  /// `widths`: of the columns; `length`: steps of a window.
  Tokens(nn::Layout& layout, std::string_view prefix, const std::vector<Index>& widths, Index steps,
         Index token_width)
      : length(steps), width(token_width) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      embed.emplace_back(layout, concat(prefix, "embed.", i), widths[i], width);
    }
    place = layout.add(concat(prefix, "place"), {1, 1, length * count() * width},
                       nn::Initializer::normal(0.02));
    norm = nn::LayerNorm(layout, concat(prefix, "norm"), width);
  }

  Index count() const { return static_cast<Index>(embed.size()); }

  /// columns: each [1, windows * steps, its width]; the tokens are
  /// [1, windows * steps * count(), width]. `steps` may be fewer than the length: the first ones.
  nn::Expr operator()(const std::vector<nn::Expr>& columns, std::string_view vector,
                      Index steps) const {
    std::vector<nn::Expr> parts;
    for (std::size_t i = 0; i < embed.size(); ++i) parts.push_back(embed[i](columns[i], vector));
    const nn::Expr windows = nn::merge_rows(nn::concat_columns(parts), steps);
    const nn::Expr placed =
        windows + nn::parameter(windows.graph(), vector, place, {1, 1, steps * count() * width});
    return norm(nn::split_rows(placed, steps * count()), vector);
  }
  nn::Expr operator()(const std::vector<nn::Expr>& columns, std::string_view vector) const {
    return (*this)(columns, vector, length);
  }
};

}  // namespace palaestra::agents::sequence
