#pragma once

#include <palaestra/nn/op.h>

namespace palaestra::nn::detail {

/// An equal, cheaper expression for op(inputs), or Expr(): constants folded, explicit stretching
/// left to the operands, and the operation's own rules (x + 0, x * 1, ...).
Expr simplify(const OpDef& op, std::span<const Expr> inputs, const Shape& shape,
              const Attributes& attributes);

}  // namespace palaestra::nn::detail
