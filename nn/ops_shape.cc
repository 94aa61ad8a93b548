// Slices, their reverse (padding with zeros), and concatenation; values picked by index.

#include <algorithm>
#include <limits>

#include <palaestra/core/error.h>
#include <palaestra/nn/narrow.h>
#include <palaestra/nn/op.h>

namespace palaestra::nn {
namespace detail {
namespace {

extern const OpDef kPadRows, kPadMembers, kPlaceColumn, kPickColumn;

Expr operand(Expr e, std::size_t i = 0) { return Expr(&e.graph(), node_of(e).inputs[i]); }

Expr pad_columns(Expr x, Index begin, Index total) {
  if (total == x.shape().columns) return x;
  return make_node(kPadColumns, {x}, {x.shape().members, x.shape().rows, total}, {.i = begin});
}

Expr pad_rows(Expr x, Index begin, Index total) {
  if (total == x.shape().rows) return x;
  return make_node(kPadRows, {x}, {x.shape().members, total, x.shape().columns}, {.i = begin});
}

Expr pad_members(Expr x, Index begin, Index total) {
  if (total == x.shape().members) return x;
  return make_node(kPadMembers, {x}, {total, x.shape().rows, x.shape().columns}, {.i = begin});
}

std::vector<Expr> vjp_columns(const VjpContext& c) {
  return {pad_columns(c.g, c.attributes.i, c.inputs[0].shape().columns)};
}
std::vector<Expr> vjp_rows(const VjpContext& c) {
  return {pad_rows(c.g, c.attributes.i, c.inputs[0].shape().rows)};
}
std::vector<Expr> vjp_members(const VjpContext& c) {
  return {pad_members(c.g, c.attributes.i, c.inputs[0].shape().members)};
}
std::vector<Expr> vjp_pad_columns(const VjpContext& c) {
  return {columns(c.g, c.attributes.i, c.inputs[0].shape().columns)};
}
std::vector<Expr> vjp_pad_rows(const VjpContext& c) {
  return {rows(c.g, c.attributes.i, c.inputs[0].shape().rows)};
}
std::vector<Expr> vjp_pad_members(const VjpContext& c) {
  return {members(c.g, c.attributes.i, c.inputs[0].shape().members)};
}
/// columns(g, ...) that computes those columns alone, where g is a product or a sum of its members:
/// the gradient of a network's input is often wanted for one part of it (an action).
Expr computed_columns(Expr g, Index begin, Index count) {
  if (g.shape().columns == count) return g;
  if (is_op(g, kSum) && operand(g).shape().columns == g.shape().columns) {
    const auto axis = static_cast<Axis>(node_of(g).attributes.i);
    return sum(computed_columns(operand(g), begin, count), axis);
  }
  if (is_op(g, kMatmul)) {
    const bool transpose_a = node_of(g).attributes.i != 0,
               transpose_b = node_of(g).attributes.j != 0;
    const Expr b = operand(g, 1);
    return matmul(operand(g, 0), transpose_b ? rows(b, begin, count) : columns(b, begin, count),
                  transpose_a, transpose_b);
  }
  return columns(g, begin, count);
}

std::vector<Expr> vjp_concat(const VjpContext& c) {
  std::vector<Expr> gradients;
  Index begin = 0;
  for (const Expr part : c.inputs) {
    gradients.push_back(computed_columns(c.g, begin, part.shape().columns));
    begin += part.shape().columns;
  }
  return gradients;
}
std::vector<Expr> vjp_pick(const VjpContext& c) {
  return {make_node(kPlaceColumn, {c.g, c.inputs[1]}, c.inputs[0].shape()), Expr{}};
}
std::vector<Expr> vjp_place(const VjpContext& c) { return {pick_column(c.g, c.inputs[1]), Expr{}}; }

/// Slices of slices, of exactly one part of a concatenation, of a stretched column.
Expr simplify_columns(std::span<const Expr> in, const Shape& shape, const Attributes& t) {
  const Expr x = in[0];
  if (x.shape() == shape) return x;
  if (is_op(x, kColumns)) {
    return columns(operand(x), node_of(x).attributes.i + t.i, shape.columns);
  }
  if (is_op(x, kCopy)) {
    const Expr small = operand(x);
    return broadcast(small.shape().columns == 1 ? small : columns(small, t.i, shape.columns),
                     shape);
  }
  if (is_op(x, kConcatColumns)) {
    Index begin = 0;
    for (std::size_t i = 0; i < node_of(x).inputs.size(); ++i) {
      const Expr part = operand(x, i);
      const Index end = begin + part.shape().columns;
      if (t.i >= begin && t.i + shape.columns <= end) {
        return columns(part, t.i - begin, shape.columns);
      }
      begin = end;
    }
  }
  if (is_op(x, kPadColumns)) {
    const Expr part = operand(x);
    const Index begin = node_of(x).attributes.i;
    const Index end = begin + part.shape().columns;
    if (t.i >= begin && t.i + shape.columns <= end) {
      return columns(part, t.i - begin, shape.columns);
    }
    if (t.i + shape.columns <= begin || t.i >= end) return filled(x.graph(), 0.0, shape);
  }
  return {};
}

Expr simplify_rows(std::span<const Expr> in, const Shape& shape, const Attributes& t) {
  const Expr x = in[0];
  if (x.shape() == shape) return x;
  if (is_op(x, kRows)) return rows(operand(x), node_of(x).attributes.i + t.i, shape.rows);
  if (is_op(x, kCopy)) {
    const Expr small = operand(x);
    return broadcast(small.shape().rows == 1 ? small : rows(small, t.i, shape.rows), shape);
  }
  return {};
}

Expr simplify_members(std::span<const Expr> in, const Shape& shape, const Attributes& t) {
  const Expr x = in[0];
  if (x.shape() == shape) return x;
  if (is_op(x, kMembers)) {
    return members(operand(x), node_of(x).attributes.i + t.i, shape.members);
  }
  if (is_op(x, kCopy)) {
    const Expr small = operand(x);
    return broadcast(small.shape().members == 1 ? small : members(small, t.i, shape.members),
                     shape);
  }
  return {};
}

Expr simplify_pad(std::span<const Expr> in, const Shape& shape, const Attributes&) {
  return is_constant(in[0], 0) ? filled(in[0].graph(), 0.0, shape) : Expr{};
}

Expr simplify_concat(std::span<const Expr> in, const Shape&, const Attributes&) {
  return in.size() == 1 ? in[0] : Expr{};
}

template <class T>
void run_pad_columns(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  const Index begin = call.attributes->i;
  for (Index m = 0; m < x.members; ++m) {
    for (Index r = 0; r < x.rows; ++r) {
      T* out = call.out.row(m, r);
      std::fill(out, out + begin, T(0));
      std::copy(x.row(m, r), x.row(m, r) + x.columns, out + begin);
      std::fill(out + begin + x.columns, out + call.out.columns, T(0));
    }
  }
}

template <class T>
void run_pad_rows(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  const Index begin = call.attributes->i;
  for (Index m = 0; m < call.out.members; ++m) {
    for (Index r = 0; r < call.out.rows; ++r) {
      T* out = call.out.row(m, r);
      if (r >= begin && r < begin + x.rows) {
        std::copy(x.row(m, r - begin), x.row(m, r - begin) + x.columns, out);
      } else {
        std::fill(out, out + call.out.columns, T(0));
      }
    }
  }
}

template <class T>
void run_pad_members(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  const Index begin = call.attributes->i;
  for (Index m = 0; m < call.out.members; ++m) {
    for (Index r = 0; r < call.out.rows; ++r) {
      T* out = call.out.row(m, r);
      if (m >= begin && m < begin + x.members) {
        std::copy(x.row(m - begin, r), x.row(m - begin, r) + x.columns, out);
      } else {
        std::fill(out, out + call.out.columns, T(0));
      }
    }
  }
}

template <class T>
void run_concat(const Call<T>& call) {
  Index begin = 0;
  for (const View<const T>& part : call.in) {
    with_width(part.columns, [&](auto width) {
      for (Index m = 0; m < call.out.members; ++m) {
        for (Index r = 0; r < call.out.rows; ++r) {
          const T* in = part.row(m, r);
          T* out = call.out.row(m, r) + begin;
          for (Index c = 0; c < width; ++c) out[c] = in[c];
        }
      }
    });
    begin += part.columns;
  }
}

/// The column that an index names, or -1 for one outside (its picked value is NaN, not a crash).
template <class T>
Index chosen_column(const View<const T>& index, Index m, Index r, Index width) {
  const T value = *index.row(index.members == 1 ? 0 : m, index.rows == 1 ? 0 : r);
  return value >= T(0) && value < static_cast<T>(width) ? static_cast<Index>(value) : -1;
}

template <class T>
void run_pick(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  for (Index m = 0; m < x.members; ++m) {
    for (Index r = 0; r < x.rows; ++r) {
      const Index c = chosen_column(call.in[1], m, r, x.columns);
      *call.out.row(m, r) = c >= 0 ? x.row(m, r)[c] : std::numeric_limits<T>::quiet_NaN();
    }
  }
}

template <class T>
void run_place(const Call<T>& call) {
  const View<const T>& g = call.in[0];
  for (Index m = 0; m < call.out.members; ++m) {
    for (Index r = 0; r < call.out.rows; ++r) {
      T* out = call.out.row(m, r);
      std::fill(out, out + call.out.columns, T(0));
      const Index c = chosen_column(call.in[1], m, r, call.out.columns);
      if (c >= 0) out[c] = *g.row(m, r);
    }
  }
}

constinit const OpDef kPadRows{.name = "pad_rows",
                               .vjp = vjp_pad_rows,
                               .simplify = simplify_pad,
                               .kernel_float = run_pad_rows<float>,
                               .kernel_double = run_pad_rows<double>};
constinit const OpDef kPadMembers{.name = "pad_members",
                                  .vjp = vjp_pad_members,
                                  .simplify = simplify_pad,
                                  .kernel_float = run_pad_members<float>,
                                  .kernel_double = run_pad_members<double>};
constinit const OpDef kPickColumn{.name = "pick_column",
                                  .vjp = vjp_pick,
                                  .kernel_float = run_pick<float>,
                                  .kernel_double = run_pick<double>};
constinit const OpDef kPlaceColumn{.name = "place_column",
                                   .vjp = vjp_place,
                                   .kernel_float = run_place<float>,
                                   .kernel_double = run_place<double>};

}  // namespace

constinit const OpDef kStopGradient{.name = "stop_gradient", .kind = OpKind::kView};
constinit const OpDef kColumns{
    .name = "columns", .kind = OpKind::kView, .vjp = vjp_columns, .simplify = simplify_columns};
constinit const OpDef kRows{
    .name = "rows", .kind = OpKind::kView, .vjp = vjp_rows, .simplify = simplify_rows};
constinit const OpDef kMembers{
    .name = "members", .kind = OpKind::kView, .vjp = vjp_members, .simplify = simplify_members};
constinit const OpDef kPadColumns{.name = "pad_columns",
                                  .vjp = vjp_pad_columns,
                                  .simplify = simplify_pad,
                                  .kernel_float = run_pad_columns<float>,
                                  .kernel_double = run_pad_columns<double>};
constinit const OpDef kConcatColumns{.name = "concat_columns",
                                     .vjp = vjp_concat,
                                     .simplify = simplify_concat,
                                     .kernel_float = run_concat<float>,
                                     .kernel_double = run_concat<double>};

}  // namespace detail

Expr stop_gradient(Expr x) {
  if (detail::is_op(x, detail::kStopGradient) || detail::is_op(x, detail::kConstant)) return x;
  return detail::make_node(detail::kStopGradient, {x}, x.shape());
}

Expr columns(Expr x, Index begin, Index count) {
  const Shape& s = x.shape();
  require(begin >= 0 && count >= 1 && begin + count <= s.columns, "columns: ", count, " from ",
          begin, " of shape ", to_string(s), "; the slice must lie within the columns");
  return detail::make_node(detail::kColumns, {x}, {s.members, s.rows, count}, {.i = begin});
}

Expr rows(Expr x, Index begin, Index count) {
  const Shape& s = x.shape();
  require(s.rows > 0 && begin >= 0 && count >= 1 && begin + count <= s.rows, "rows: ", count,
          " from ", begin, " of shape ", to_string(s),
          "; the slice must lie within a fixed number of rows");
  return detail::make_node(detail::kRows, {x}, {s.members, count, s.columns}, {.i = begin});
}

Expr members(Expr x, Index begin, Index count) {
  const Shape& s = x.shape();
  require(begin >= 0 && count >= 1 && begin + count <= s.members, "members: ", count, " from ",
          begin, " of shape ", to_string(s), "; the slice must lie within the members");
  return detail::make_node(detail::kMembers, {x}, {count, s.rows, s.columns}, {.i = begin});
}

Expr concat_columns(const std::vector<Expr>& parts) {
  require(!parts.empty(), "concat_columns: no parts; accepted: one or more");
  Shape shape = parts[0].shape();
  shape.columns = 1;
  Index total = 0;
  for (const Expr part : parts) {
    detail::require_expr("concat_columns", part, &parts[0].graph());
    const Shape& s = part.shape();
    shape = detail::broadcast_shape("concat_columns", shape, {s.members, s.rows, 1});
    total += s.columns;
  }
  std::vector<Expr> stretched;
  stretched.reserve(parts.size());
  for (const Expr part : parts) {
    stretched.push_back(broadcast(part, {shape.members, shape.rows, part.shape().columns}));
  }
  return detail::make_node(detail::kConcatColumns, stretched, {shape.members, shape.rows, total});
}

Expr pick_column(Expr x, Expr index) {
  detail::require_expr("pick_column", x);
  detail::require_expr("pick_column", index, &x.graph());
  const Shape& s = x.shape();
  const Shape& i = index.shape();
  require(i.columns == 1 && (i.rows == s.rows || i.rows == 1) &&
              (i.members == s.members || i.members == 1),
          "pick_column: the index has shape ", to_string(i), "; x has shape ", to_string(s),
          " and takes one index per row");
  return detail::make_node(detail::kPickColumn, {x, index}, {s.members, s.rows, 1});
}

}  // namespace palaestra::nn
