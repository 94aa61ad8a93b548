#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <palaestra/core/types.h>

namespace palaestra::nn {

class Graph;

/// Extents of an expression: a stack of `members` matrices of `rows` x `columns`.
/// `rows` is a fixed number (>= 1), or negative: one of the graph's batch dimensions, whose extent
/// is chosen at each run up to a planned maximum, or a multiple of one. Members > 1 is an ensemble.
struct Shape {
  Index members = 1;
  Index rows = 1;
  Index columns = 1;
  friend bool operator==(const Shape&, const Shape&) = default;
};

/// The batch dimension of a graph with one, the usual case. batch(1), batch(2) are further ones.
/// batch(0, 20) has 20 rows for each row of batch dimension 0: the steps of windows of 20.
inline constexpr Index kBatch = -1;
inline constexpr Index kBatchDimensions = 1024;  ///< numbers are below this
constexpr Index batch(Index number, Index times = 1) {
  return -1 - number - kBatchDimensions * (times - 1);
}
/// What batch() was given, for rows < 0.
constexpr Index batch_number(Index rows) { return (-1 - rows) % kBatchDimensions; }
constexpr Index batch_times(Index rows) { return (-1 - rows) / kBatchDimensions + 1; }
/// `times` as many rows.
constexpr Index times_rows(Index rows, Index times) {
  return rows > 0 ? rows * times : batch(batch_number(rows), batch_times(rows) * times);
}

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
/// Each row cut into `parts` rows, one after the other: [members, rows * parts, columns / parts].
/// Free of charge unless x is a slice. Three tokens of a step, side by side, become three rows.
Expr split_rows(Expr x, Index parts);
/// The reverse: each `parts` rows joined into one, [members, rows / parts, columns * parts].
Expr merge_rows(Expr x, Index parts);
/// Row index[row] of a table [1 or members, n, columns], for an index [1, rows, 1] of whole
/// numbers. An index outside gives NaN, and no gradient.
Expr embedding(Expr table, Expr index);

/// Row index[w] of window w, for windows of as many rows as x has for each row of the index
/// [1, windows, 1] of whole numbers: [members, windows, columns]. An index outside gives NaN, and
/// no gradient.
Expr pick_row(Expr x, Expr index);
/// Each row `times` times, one after the other.
Expr repeat_rows(Expr x, Index times);

// ---- sequences: windows of `length` consecutive rows (tokens)
// --------------------------------------------------------------

/// Each row less its mean, over its standard deviation: (x - mean) / sqrt(variance + epsilon), the
/// variance being that of the population.
Expr normalize(Expr x, double epsilon);

struct Attention {
  Index length = 1;    ///< tokens of a window
  Index heads = 1;     ///< dividing the width
  bool causal = true;  ///< a token attends to itself and those before it, else to all
  /// Tokens that ask: number `first` and every `stride`-th from there on. Others only answer.
  Index stride = 1, first = 0;

  Index queries() const { return length / stride; }
};

/// Scaled dot-product attention of each window for itself (Vaswani et al. 2017, arXiv 1706.03762,
/// eq. 1): for each head with queries q, keys k and values v,
///   out_i = Σ_j softmax_j(q_i · k_j / sqrt(width of a head)) v_j  over the tokens j that i may
///   see.
/// `qkv` [members, windows * length, 3 * width] holds q, k, v side by side, heads side by side in
/// each. `mask` [1 or members, windows * length, 1], or empty for none: where it is 0 a token is
/// padding, which nobody sees; a token that sees nobody gets zeros. `dropout`, or empty: factors on
/// the softmax, [1 or members, windows * queries, heads * length]. The result is
/// [members, windows * queries, width]. Gradients of any order; none for mask and dropout.
/// Numbers of tokens that are not seen must be finite.
Expr attention(Expr qkv, const Attention& form, Expr mask = {}, Expr dropout = {});

/// d(sum of y) / d(each of xs), as expressions: they may be used in further losses and
/// differentiated again. An x that y does not depend on gets zeros.
std::vector<Expr> gradient(Expr y, const std::vector<Expr>& xs);

}  // namespace palaestra::nn
