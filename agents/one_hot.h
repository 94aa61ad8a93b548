#pragma once

#include <span>
#include <string_view>

#include <palaestra/core/space.h>
#include <palaestra/nn/expr.h>

namespace palaestra::agents {

/// Rows of zeros with a one at the place of each whole number: [1, rows, 1] -> [1, rows, count].
/// Numbers that are not within [0, count) give zeros only; nothing flows back.
nn::Expr one_hot(nn::Expr index, Index count);

/// What a network sees of an observation or an action: numbers as they are, a choice as a one-hot
/// row.
struct Encoding {
  Index size;     ///< numbers per row as agents are given them; 1 for choices
  Index choices;  ///< 0: numbers

  explicit Encoding(const Space& space)
      : size(space.size()), choices(space.kind == Space::Kind::kDiscrete ? space.count : 0) {}

  Index width() const { return choices > 0 ? choices : size; }
  nn::Expr operator()(nn::Expr rows) const { return choices > 0 ? one_hot(rows, choices) : rows; }
  /// Throws UserError, on behalf of `caller`, unless all values are choices (numbers: nothing is
  /// looked at).
  void check(std::span<const float> values, std::string_view caller) const;
};

}  // namespace palaestra::agents
