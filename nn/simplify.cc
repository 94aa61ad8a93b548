#include <palaestra/nn/simplify.h>

#include <vector>

namespace palaestra::nn::detail {
namespace {

/// What stays of a stretched value when the stretching is undone.
Expr unstretched(Expr e) { return is_op(e, kCopy) ? Expr(&e.graph(), node_of(e).inputs[0]) : e; }

/// op(stretch(x), y): operands stretch by themselves, so the explicit stretch goes; where nothing
/// else spans the shape, the operation runs on the small operands and its result is stretched.
Expr lift_stretches(const OpDef& op, std::span<const Expr> inputs, const Shape& shape,
                    const Attributes& attributes) {
  std::vector<Expr> small;
  bool any = false;
  Shape joined{};
  for (const Expr e : inputs) {
    small.push_back(unstretched(e));
    any = any || small.back().id() != e.id();
    joined = broadcast_shape(op.name, joined, small.back().shape());
  }
  if (!any) return {};
  const Expr result = make_node(op, small, joined, attributes);
  return joined == shape ? result : broadcast(result, shape);
}

Expr fold(const OpDef& op, std::span<const Expr> inputs, const Shape& shape,
          const Attributes& attributes) {
  double values[3] = {};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!constant_value(inputs[i], &values[i])) return {};
  }
  return filled(inputs[0].graph(), op.fold(values, attributes), shape);
}

}  // namespace

Expr simplify(const OpDef& op, std::span<const Expr> inputs, const Shape& shape,
              const Attributes& attributes) {
  if (op.kind == OpKind::kElementwise && &op != &kCopy) {
    if (const Expr e = fold(op, inputs, shape, attributes); !is_null(e)) return e;
    if (const Expr e = lift_stretches(op, inputs, shape, attributes); !is_null(e)) return e;
  }
  return op.simplify == nullptr ? Expr{} : op.simplify(inputs, shape, attributes);
}

bool constant_value(Expr e, double* value) {
  const Expr small = unstretched(e);
  if (!is_op(small, kConstant)) return false;
  *value = node_of(small).attributes.a;
  return true;
}

bool is_constant(Expr e, double value) {
  double found = 0;
  return constant_value(e, &found) && found == value;
}

}  // namespace palaestra::nn::detail
