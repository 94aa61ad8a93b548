#pragma once

// Internal to nn: what an operation is. Nothing outside this folder includes this file.
//
// To add an operation (a convolution, an LSTM cell, attention) write ONE file `ops_<name>.cc`:
//
//   1. a kernel        template <class T> void run_conv(const Call<T>& call)
//                      reads call.in[i], writes call.out; both are strided views whose extents are
//                      those of this run. No allocation: ask for scratch in `scratch`.
//                      Sums must run in an order that does not depend on call.threads, and a row's
//                      result must not depend on how many rows there are.
//   2. a gradient      Expr-to-Expr: given the node y, its inputs and g = d(loss)/dy, return
//                      d(loss)/d(input) as expressions (an operation's backward pass is usually a
//                      second OpDef in the same file, with a gradient of its own, so that gradients
//                      can be differentiated again). Broadcasting is undone by the caller.
//   3. the definition  const OpDef kConv{.name = "conv2d", .kind = OpKind::kKernel, ...};
//   4. the builder     Expr conv2d(Expr x, Expr weight, ...): checks shapes with require(), infers
//                      the result's shape and calls make_node(kConv, {x, weight}, shape,
//                      attributes).
//
// and declare the builder in expr.h. Hash-consing, constant folding, dead code, scheduling,
// buffers, profiling and describe() follow. There is no central list to extend.

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/core/parallel.h>
#include <palaestra/nn/expr.h>

namespace palaestra::nn::detail {

struct Node;

/// Numbers that belong to a node beside its inputs: exponents, bounds, offsets, flags.
struct Attributes {
  double a = 0, b = 0;
  Index i = 0, j = 0, k = 0, l = 0;
  friend bool operator==(const Attributes&, const Attributes&) = default;
};

/// A stack of matrices in memory; columns are adjacent.
template <class T>
struct View {
  T* data = nullptr;
  Index members = 1, rows = 1, columns = 1;
  Index member_stride = 0, row_stride = 0;

  T* row(Index member, Index r) const { return data + member * member_stride + r * row_stride; }
  Index size() const { return members * rows * columns; }
};

/// One execution of an OpKind::kKernel operation.
template <class T>
struct Call {
  View<T> out;
  std::span<const View<const T>> in;
  const Attributes* attributes;
  T* scratch;                ///< OpDef::scratch numbers for each thread, one after the other
  Index scratch_per_thread;  ///< their distance
  Threads threads;
};

/// Elementwise operations work on flat tiles of n numbers; an operand may be one number for the
/// whole tile. Bit i of a kernel's index says that operand i is such a scalar.
template <class T>
using TileKernel = void (*)(T* out, const T* a, const T* b, const T* c, Index n,
                            const Attributes& attributes);

enum class OpKind : unsigned char {
  kLeaf,         ///< a value that is there before the run
  kView,         ///< the input's memory seen differently: no work
  kElementwise,  ///< fused with neighbours into tile programs
  kMatmul,       ///< lowered to GEMM with its epilogue
  kKernel,       ///< everything else: runs `kernel`
};

/// What a gradient rule sees: y = op(inputs), g = d(loss)/dy.
struct VjpContext {
  Expr y;
  Expr g;
  std::span<const Expr> inputs;
  const Attributes& attributes;
};

struct OpDef {
  std::string_view name;
  OpKind kind = OpKind::kKernel;
  bool commutative = false;
  /// One gradient per input; an Expr() means none. Null: nothing is differentiable here.
  std::vector<Expr> (*vjp)(const VjpContext&) = nullptr;
  /// An equal but cheaper expression, or Expr() for none. Runs when a node is built.
  Expr (*simplify)(std::span<const Expr> inputs, const Shape& shape, const Attributes&) = nullptr;

  // kElementwise
  double (*fold)(const double* inputs, const Attributes&) = nullptr;
  const TileKernel<float>* tile_float = nullptr;  ///< 2^arity kernels
  const TileKernel<double>* tile_double = nullptr;
  int cost = 1;  ///< per element, in units of an addition; decides when threads pay

  // kKernel
  void (*kernel_float)(const Call<float>&) = nullptr;
  void (*kernel_double)(const Call<double>&) = nullptr;
  /// Numbers of scratch memory that a thread needs for these input extents (the planned maximum).
  Index (*scratch)(std::span<const Shape> inputs, const Shape& out, const Attributes&) = nullptr;
  /// Arithmetic per run; the default is the number of elements read.
  Index (*flop)(std::span<const Shape> inputs, const Shape& out, const Attributes&) = nullptr;
};

struct Node {
  const OpDef* op;
  Shape shape;
  std::vector<int> inputs;
  Attributes attributes;
  std::string name;  // inputs and parameter vectors
};

const Node& node_of(Expr e);

/// The node equal to this one, or this one added. No simplification.
Expr insert_node(Graph& graph, Node node);

/// The node for this operation on these inputs: simplified, or one that exists already, or new.
Expr make_node(const OpDef& op, std::span<const Expr> inputs, const Shape& shape,
               const Attributes& attributes = {}, std::string_view name = {});
inline Expr make_node(const OpDef& op, std::initializer_list<Expr> inputs, const Shape& shape,
                      const Attributes& attributes = {}, std::string_view name = {}) {
  return make_node(op, std::span<const Expr>(inputs.begin(), inputs.size()), shape, attributes,
                   name);
}

inline bool is_null(Expr e) { return e.id() < 0; }
bool is_op(Expr e, const OpDef& op);
/// Whether e is this constant in every element.
bool is_constant(Expr e, double value);
/// Whether e is the same constant in every element, and which.
bool constant_value(Expr e, double* value);
/// A constant stretched to a shape.
Expr filled(Graph& graph, double value, const Shape& shape);
/// The common shape of two operands; throws UserError naming the operation and both shapes.
Shape broadcast_shape(std::string_view operation, const Shape& a, const Shape& b);
/// Throws UserError unless e is an expression of a graph (of `graph`, where given).
void require_expr(std::string_view operation, Expr e, const Graph* graph = nullptr);
/// d(y)/d(each of xs) times `g`, an expression of y's shape. Unlike gradient(), each x is held as
/// if it were an input: what one x is to another does not count. For the second derivatives of
/// operations whose first is one kernel: write that kernel as expressions, differentiate them here.
std::vector<Expr> partial_gradients(Expr y, Expr g, const std::vector<Expr>& xs);
/// e, under another node where it is one with `other`: for partial_gradients(), to which they are
/// two variables.
Expr apart_from(Expr other, Expr e);
/// Sums the directions of g that were stretched, so that the result has `shape`.
Expr reduce_to(Expr g, const Shape& shape);

// ---- definitions that more than one file mentions
extern const OpDef kInput, kParameter, kConstant, kRowCount;
extern const OpDef kAdd, kSubtract, kMultiply, kDivide, kNegate, kRelu, kGate, kWhere, kCopy;
extern const OpDef kStopGradient, kColumns, kRows, kMembers, kPadColumns, kConcatColumns, kReshape;
extern const OpDef kMatmul, kSum;

}  // namespace palaestra::nn::detail
