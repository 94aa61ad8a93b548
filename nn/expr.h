#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <palaestra/core/types.h>

namespace palaestra::nn {

class Graph;

/// Extents of an expression: a stack of `members` matrices of `rows` x `columns`.
/// `rows` is a fixed number (>= 1), or negative: the graph's batch dimension number -rows - 1,
/// whose extent is chosen at each run up to a planned maximum. Members > 1 is an ensemble.
struct Shape {
  Index members = 1;
  Index rows = 1;
  Index columns = 1;
  friend bool operator==(const Shape&, const Shape&) = default;
};

/// The batch dimension of a graph with one, the usual case. batch(1), batch(2) are further ones.
inline constexpr Index kBatch = -1;
constexpr Index batch(Index number) { return -1 - number; }

std::string to_string(const Shape& shape);

/// A value of a graph: a small handle, copied freely. Operations on expressions add nodes; equal
/// operations on equal operands give the same node. Shapes broadcast: an extent of 1 stretches to
/// the other operand's, in each of the three directions. Mismatches throw UserError with both
/// shapes.
class Expr {
 public:
  Expr() = default;
  Expr(Graph* graph, int id) : graph_(graph), id_(id) {}
  Graph& graph() const;  ///< throws UserError for an empty expression, as shape() does
  int id() const { return id_; }
  const Shape& shape() const;

 private:
  Graph* graph_ = nullptr;
  int id_ = -1;
};

// ---- leaves
// --------------------------------------------------------------------------------------

/// A value given at each run: a column of a minibatch, noise, a scalar.
Expr input(Graph& graph, std::string_view name, Shape shape);
/// `shape` numbers at `offset` of the flat vector `vector` given at each run. Networks with the
/// same layout share a program's code with different vectors: that is all a target network is.
Expr parameter(Graph& graph, std::string_view vector, Index offset, Shape shape);
Expr constant(Graph& graph, double value);

// ---- element by element, broadcasting
// ------------------------------------------------------------

Expr operator+(Expr a, Expr b);
Expr operator-(Expr a, Expr b);
Expr operator*(Expr a, Expr b);
Expr operator/(Expr a, Expr b);
Expr operator-(Expr a);
Expr operator+(Expr a, double b);
Expr operator+(double a, Expr b);
Expr operator-(Expr a, double b);
Expr operator-(double a, Expr b);
Expr operator*(Expr a, double b);
Expr operator*(double a, Expr b);
Expr operator/(Expr a, double b);
Expr operator/(double a, Expr b);

Expr minimum(Expr a, Expr b);  ///< the gradient of a tie goes to a
Expr maximum(Expr a, Expr b);
Expr clamp(Expr x, double low, double high);  ///< gradient 0 outside
Expr square(Expr x);
Expr sqrt(Expr x);
Expr pow(Expr x, double exponent);
Expr exp(Expr x);
Expr log(Expr x);
Expr abs(Expr x);
Expr sin(Expr x);
Expr cos(Expr x);
Expr tanh(Expr x);
Expr sigmoid(Expr x);
Expr softplus(Expr x);  ///< log(1 + e^x), stable
Expr relu(Expr x);
Expr leaky_relu(Expr x, double slope = 0.01);
Expr elu(Expr x);
Expr silu(Expr x);
Expr gelu(Expr x);  ///< the tanh form
Expr erf(Expr x);
/// 1 where a > b, else 0. No gradient.
Expr greater(Expr a, Expr b);
/// condition * a + (1 - condition) * b without touching NaNs of the side not chosen.
Expr where(Expr condition, Expr a, Expr b);
/// The same value; gradients stop here.
Expr stop_gradient(Expr x);

// ---- matrices
// ------------------------------------------------------------------------------------

/// op(a) op(b) for each member; one operand may have a single member (shared). Contraction over a
/// batch dimension (aᵀ b with transpose_a) gives a weight gradient.
Expr matmul(Expr a, Expr b, bool transpose_a = false, bool transpose_b = false);
/// x W + b, the dense layer; fused.
Expr affine(Expr x, Expr weight, Expr bias);

// ---- reductions; each keeps its direction with extent 1
// --------------------------------------------

enum class Axis : unsigned char { kMembers, kRows, kColumns };

Expr sum(Expr x, Axis axis);
Expr mean(Expr x, Axis axis);
Expr sum(Expr x);   ///< over everything: [1, 1, 1]
Expr mean(Expr x);  ///< over everything, the number of rows being that of the run
Expr min_over_members(Expr x);
Expr max_over_columns(Expr x);
Expr log_sum_exp(Expr x);  ///< over columns, stable
Expr log_softmax(Expr x);  ///< over columns
Expr softmax(Expr x);
/// The number of rows of this run of x's batch dimension, as a scalar without gradient.
Expr row_count(Expr x);

// ---- shapes
// --------------------------------------------------------------------------------------

Expr columns(Expr x, Index begin, Index count);  ///< a slice of columns
Expr concat_columns(const std::vector<Expr>& parts);
Expr rows(Expr x, Index begin, Index count);     ///< a slice of rows; x has a fixed number of them
Expr members(Expr x, Index begin, Index count);  ///< a slice of members
Expr broadcast(Expr x, Shape shape);             ///< explicit stretch of extents of 1
/// x[row, index[row]] for an input of whole numbers: [members, rows, 1].
Expr pick_column(Expr x, Expr index);

/// d(sum of y) / d(each of xs), as expressions: they may be used in further losses and
/// differentiated again. An x that y does not depend on gets zeros.
std::vector<Expr> gradient(Expr y, const std::vector<Expr>& xs);

}  // namespace palaestra::nn
