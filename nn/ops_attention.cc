// Attention within windows, forward and backward one kernel each. A window's head is a handful of
// small products, which go to gemm.h in blocks of queries, so that causal attention computes about
// half of each matrix. The backward kernel computes the softmax again rather than keep it.

#include <algorithm>
#include <cmath>
#include <limits>

#include <palaestra/core/error.h>
#include <palaestra/nn/attention_terms.h>
#include <palaestra/nn/flush.h>
#include <palaestra/nn/gemm.h>
#include <palaestra/nn/vector_math.h>

namespace palaestra::nn {
namespace detail {
namespace {

namespace vm = vector_math;

extern const OpDef kAttention, kAttentionGradient;

constexpr Index kBlock = 12;  // rows of a product: below this gemm() reads b where it lies
constexpr Index kPad = 16;    // matrices of scores have rows of a multiple of this

Index padded(Index n) { return (n + kPad - 1) / kPad * kPad; }

/// One head of one window of one member.
template <class T>
struct Head {
  Attention form;
  Index width;         ///< of the head
  T scale;             ///< 1 / sqrt(width)
  const T *q, *k, *v;  ///< row 0 of the window
  Index stride;        ///< of their rows
  const T* mask;       ///< of token 0, or null
  Index mask_stride;
  const T* dropout;  ///< of query 0, or null
  Index dropout_stride;
  T* out;  ///< forward: of query 0; backward: dq of token 0
  Index out_stride;
  const T* g;  ///< backward: of query 0
  Index g_stride;

  const T* query(Index i) const { return q + (form.first + i * form.stride) * stride; }
  Index query_stride() const { return form.stride * stride; }
  /// Tokens that the queries before `end` may see.
  Index seen_by(Index end) const {
    return form.causal ? form.first + (end - 1) * form.stride + 1 : form.length;
  }
  /// How much of its rows a block of queries computes that see `seen` tokens: whole blocks of
  /// tokens, so that a block which some of them see is complete.
  Index computed(Index seen) const {
    return padded(std::min(form.length, (seen + kBlock - 1) / kBlock * kBlock));
  }
  /// The first query that may see token j.
  Index first_to_see(Index j) const {
    if (!form.causal || j <= form.first) return 0;
    return std::min(form.queries(), (j - form.first + form.stride - 1) / form.stride);
  }
};

/// A thread's room, cut up.
template <class T>
struct Room {
  T* transposed;  ///< [width, padded length]
  T* shares;      ///< [queries, padded length]
  T* slopes;      ///< the same, backward only
  T* workspace;   ///< for gemm()
  Index workspace_size;
};

template <class T>
Index workspace_of(const Attention& form, Index width) {
  return padded(gemm_workspace<T>(std::max(form.length, width)));
}

/// The larger of float's and double's, as plans serve both.
Index room_of(std::span<const Shape> in, const Attributes& attributes, Index matrices) {
  const Attention form = form_of(attributes);
  const Index width = in[0].columns / 3 / form.heads;
  return padded(width * padded(form.length)) + matrices * form.queries() * padded(form.length) +
         std::max(workspace_of<float>(form, width), workspace_of<double>(form, width));
}

template <class T>
Room<T> room_of(const Call<T>& call, const Head<T>& head, int thread, bool slopes) {
  T* at = call.scratch + thread * call.scratch_per_thread;
  Room<T> room{};
  room.transposed = at;
  at += padded(head.width * padded(head.form.length));
  room.shares = at;
  at += head.form.queries() * padded(head.form.length);
  room.slopes = at;
  if (slopes) at += head.form.queries() * padded(head.form.length);
  room.workspace = at;
  room.workspace_size = workspace_of<T>(head.form, head.width);
  return room;
}

/// out = a b with b as it lies.
template <class T>
void multiply(const Room<T>& room, Index m, Index n, Index k, const T* a, Index a_stride,
              bool transpose_a, const T* b, Index b_stride, T* out, Index out_stride) {
  const Gemm<T> product{.m = m,
                        .n = n,
                        .k = k,
                        .a = a,
                        .a_stride = a_stride,
                        .transpose_a = transpose_a,
                        .b = b,
                        .b_stride = b_stride,
                        .out = out,
                        .out_stride = out_stride};
  gemm(product, room.workspace, room.workspace_size, Threads{1});
}

/// Rows [0, length) of x, `width` wide, as columns; zeros from there to the padded length.
template <class T>
void transpose(const T* x, Index stride, Index length, Index width, T* out) {
  const Index across = padded(length);
  for (Index c = 0; c < width; ++c)
    std::fill(out + c * across + length, out + (c + 1) * across, T(0));
  constexpr Index kTile = 8;
  const auto turn = [&](Index r, auto rows) {
    for (Index c = 0; c < width; ++c) {
      for (Index i = 0; i < rows; ++i) out[c * across + r + i] = x[(r + i) * stride + c];
    }
  };
  Index r = 0;
  for (; r + kTile <= length; r += kTile) turn(r, std::integral_constant<Index, kTile>());
  turn(r, length - r);
}

/// s = softmax(scale s) over the tokens that are seen, the first `seen` of which may be; zeros
/// from there to `end`. The sum runs in kPad lanes.
template <class T>
void softmax_row(const Head<T>& head, Index seen, Index end, T* s) {
  constexpr T kLeast = std::numeric_limits<T>::lowest();
  T lanes[kPad];
  std::fill(lanes, lanes + kPad, kLeast);
  if (head.mask != nullptr) {
    for (Index j = 0; j < seen; ++j) {
      if (head.mask[j * head.mask_stride] == T(0)) s[j] = -std::numeric_limits<T>::infinity();
    }
  }
  std::fill(s + seen, s + end, -std::numeric_limits<T>::infinity());
  for (Index j = 0; j < end; j += kPad) {
#pragma omp simd
    for (Index i = 0; i < kPad; ++i) lanes[i] = s[j + i] > lanes[i] ? s[j + i] : lanes[i];
  }
  T most = kLeast;
  for (const T lane : lanes) most = lane > most ? lane : most;
  std::fill(lanes, lanes + kPad, T(0));
  for (Index j = 0; j < end; j += kPad) {
#pragma omp simd
    for (Index i = 0; i < kPad; ++i) {
      const T e = vm::exp((s[j + i] - most) * head.scale);
      s[j + i] = e;
      lanes[i] += e;
    }
  }
  T total = 0;
  for (const T lane : lanes) total += lane;
  const T share = total > T(0) ? T(1) / total : T(0);
  for (Index j = 0; j < end; ++j) s[j] *= share;
}

/// The softmax of all queries into room.shares.
template <class T>
void compute_shares(const Head<T>& head, const Room<T>& room) {
  const Index across = padded(head.form.length);
  transpose(head.k, head.stride, head.form.length, head.width, room.transposed);
  for (Index i = 0; i < head.form.queries(); i += kBlock) {
    const Index count = std::min(kBlock, head.form.queries() - i);
    const Index end = head.computed(head.seen_by(i + count));
    T* s = room.shares + i * across;
    multiply(room, count, end, head.width, head.query(i), head.query_stride(), false,
             room.transposed, across, s, across);
    for (Index r = 0; r < count; ++r) {
      softmax_row(head, head.seen_by(i + r + 1), end, s + r * across);
    }
  }
}

template <class T>
void apply_dropout(const Head<T>& head, Index i, Index count, Index end, T* s, Index across) {
  for (Index r = 0; r < count; ++r) {
    const T* factor = head.dropout + (i + r) * head.dropout_stride;
    for (Index j = 0; j < std::min(end, head.form.length); ++j) s[r * across + j] *= factor[j];
  }
}

template <class T>
void attend(const Head<T>& head, const Room<T>& room) {
  const Index across = padded(head.form.length);
  compute_shares(head, room);
  for (Index i = 0; i < head.form.queries(); i += kBlock) {
    const Index count = std::min(kBlock, head.form.queries() - i);
    const Index seen = head.seen_by(i + count);
    T* p = room.shares + i * across;
    if (head.dropout != nullptr) apply_dropout(head, i, count, seen, p, across);
    multiply(room, count, head.width, seen, p, across, false, head.v, head.stride,
             head.out + i * head.out_stride, head.out_stride);
  }
}

/// Gradients of q, k and v, head.out being where dq of token 0 goes, dk and dv `width` of all heads
/// further on each.
template <class T>
void attend_gradient(const Head<T>& head, const Room<T>& room) {
  const Index across = padded(head.form.length);
  const Index queries = head.form.queries();
  const Index whole = head.form.heads * head.width;
  compute_shares(head, room);
  transpose(head.v, head.stride, head.form.length, head.width, room.transposed);
  for (Index t = 0; t < head.form.length; ++t) {
    T* dq = head.out + t * head.out_stride;
    std::fill(dq, dq + head.width, T(0));
  }
  for (Index i = 0; i < queries; i += kBlock) {
    const Index count = std::min(kBlock, queries - i);
    const Index seen = head.seen_by(i + count);
    const Index end = head.computed(seen);
    T* p = room.shares + i * across;
    T* d = room.slopes + i * across;
    multiply(room, count, end, head.width, head.g + i * head.g_stride, head.g_stride, false,
             room.transposed, across, d, across);
    if (head.dropout != nullptr) apply_dropout(head, i, count, seen, d, across);
    for (Index r = 0; r < count; ++r) {  // ds = scale p (dp - Σ p dp)
      T* slope = d + r * across;
      const T* share = p + r * across;
      T lanes[kPad] = {};
      for (Index j = 0; j < end; j += kPad) {
#pragma omp simd
        for (Index l = 0; l < kPad; ++l) lanes[l] += share[j + l] * slope[j + l];
      }
      T inner = 0;
      for (const T lane : lanes) inner += lane;
      for (Index j = 0; j < end; ++j) slope[j] = head.scale * (share[j] * (slope[j] - inner));
    }
    if (head.dropout != nullptr) apply_dropout(head, i, count, seen, p, across);
    const Index token = head.form.first + i * head.form.stride;
    multiply(room, count, head.width, seen, d, across, false, head.k, head.stride,
             head.out + token * head.out_stride, head.form.stride * head.out_stride);
  }
  for (Index j = 0; j < head.form.length; j += kBlock) {
    const Index count = std::min(kBlock, head.form.length - j);
    const Index i = head.first_to_see(j);
    T* dk = head.out + j * head.out_stride + whole;
    T* dv = dk + whole;
    if (i == queries) {  // nobody sees them
      for (Index r = 0; r < count; ++r) {
        std::fill(dk + r * head.out_stride, dk + r * head.out_stride + head.width, T(0));
        std::fill(dv + r * head.out_stride, dv + r * head.out_stride + head.width, T(0));
      }
      continue;
    }
    // what a query of the block's first tokens leaves in the block's later ones is zero
    multiply(room, count, head.width, queries - i, room.slopes + i * across + j, across, true,
             head.query(i), head.query_stride(), dk, head.out_stride);
    multiply(room, count, head.width, queries - i, room.shares + i * across + j, across, true,
             head.g + i * head.g_stride, head.g_stride, dv, head.out_stride);
  }
}

/// Calls body(head, thread) for each head of each window of each member. Inputs are qkv, mask, then
/// (g of the backward kernel), then (dropout).
template <class T, class Body>
void for_heads(const Call<T>& call, bool backward, const Body& body) {
  const View<const T>& qkv = call.in[0];
  const View<const T>& mask = call.in[1];
  const std::size_t dropout = backward ? 3 : 2;
  const Attention form = form_of(*call.attributes);
  const Index whole = qkv.columns / 3;
  const Index windows = qkv.rows / form.length;
  const Index queries = form.queries();
  const auto member = [](const View<const T>& v, Index m) { return v.members == 1 ? 0 : m; };
  parallel_flushed(call.threads, qkv.members * windows, 1, [&](Index begin, Index end, int thread) {
    for (Index task = begin; task < end; ++task) {
      const Index m = task / windows, w = task % windows;
      for (Index h = 0; h < form.heads; ++h) {
        Head<T> head{};
        head.form = form;
        head.width = whole / form.heads;
        head.scale = static_cast<T>(1 / std::sqrt(static_cast<double>(head.width)));
        head.q = qkv.row(m, w * form.length) + h * head.width;
        head.k = head.q + whole;
        head.v = head.k + whole;
        head.stride = qkv.row_stride;
        if (mask.rows > 1 || windows * form.length == 1) {
          head.mask = mask.row(member(mask, m), w * form.length);
          head.mask_stride = mask.row_stride;
        }
        if (call.in.size() > dropout) {
          const View<const T>& d = call.in[dropout];
          head.dropout = d.row(member(d, m), w * queries) + h * form.length;
          head.dropout_stride = d.row_stride;
        }
        const Index first_out = backward ? w * form.length : w * queries;
        head.out = call.out.row(m, first_out) + h * head.width;
        head.out_stride = call.out.row_stride;
        if (backward) {
          head.g = call.in[2].row(m, w * queries) + h * head.width;
          head.g_stride = call.in[2].row_stride;
        }
        body(head, thread);
      }
    }
  });
}

template <class T>
void run_attention(const Call<T>& call) {
  for_heads(call, false, [&](const Head<T>& head, int thread) {
    attend(head, room_of(call, head, thread, false));
  });
}

template <class T>
void run_attention_gradient(const Call<T>& call) {
  for_heads(call, true, [&](const Head<T>& head, int thread) {
    attend_gradient(head, room_of(call, head, thread, true));
  });
}

std::vector<Expr> vjp_attention(const VjpContext& c) {
  std::vector<Expr> inputs = {c.inputs[0], c.inputs[1], c.g};
  if (c.inputs.size() == 3) inputs.push_back(c.inputs[2]);
  std::vector<Expr> result = {
      make_node(kAttentionGradient, inputs, c.inputs[0].shape(), c.attributes)};
  result.resize(c.inputs.size());
  return result;
}

std::vector<Expr> vjp_attention_gradient(const VjpContext& c) {
  const Expr qkv = c.inputs[0];
  const Expr g = apart_from(qkv, c.inputs[2]);
  const Expr dropout = c.inputs.size() == 4 ? c.inputs[3] : Expr{};
  const Expr y = attention_gradient_terms(qkv, c.inputs[1], dropout, g, form_of(c.attributes));
  const std::vector<Expr> partial = partial_gradients(y, c.g, {qkv, g});
  std::vector<Expr> result = {partial[0], Expr{}, partial[1]};
  result.resize(c.inputs.size());
  return result;
}

Index scratch_forward(std::span<const Shape> in, const Shape&, const Attributes& attributes) {
  return room_of(in, attributes, 1);
}
Index scratch_backward(std::span<const Shape> in, const Shape&, const Attributes& attributes) {
  return room_of(in, attributes, 2);
}

/// Pairs of query and token that are computed, times the width of all heads.
Index pairs(std::span<const Shape> in, const Attributes& attributes) {
  const Attention form = form_of(attributes);
  Index seen = form.length * form.queries();
  if (form.causal) {
    seen = 0;
    for (Index i = 0; i < form.queries(); ++i) seen += form.first + i * form.stride + 1;
  }
  return in[0].members * (in[0].rows / form.length) * seen * (in[0].columns / 3);
}
Index flop_forward(std::span<const Shape> in, const Shape&, const Attributes& attributes) {
  return 4 * pairs(in, attributes);
}
Index flop_backward(std::span<const Shape> in, const Shape&, const Attributes& attributes) {
  return 10 * pairs(in, attributes);
}

constinit const OpDef kAttention{.name = "attention",
                                 .vjp = vjp_attention,
                                 .kernel_float = run_attention<float>,
                                 .kernel_double = run_attention<double>,
                                 .scratch = scratch_forward,
                                 .flop = flop_forward};
constinit const OpDef kAttentionGradient{.name = "attention_gradient",
                                         .vjp = vjp_attention_gradient,
                                         .kernel_float = run_attention_gradient<float>,
                                         .kernel_double = run_attention_gradient<double>,
                                         .scratch = scratch_backward,
                                         .flop = flop_backward};

void require_factor(std::string_view what, Expr e, Expr qkv, Index rows, Index columns) {
  require_expr("attention", e, &qkv.graph());
  const Shape& s = e.shape();
  require((s.members == 1 || s.members == qkv.shape().members) && s.rows == rows &&
              s.columns == columns,
          "attention: ", what, " has shape ", to_string(s),
          "; accepted: ", to_string({qkv.shape().members, rows, columns}), ", or one member of it");
}

}  // namespace
}  // namespace detail

Expr attention(Expr qkv, const Attention& form, Expr mask, Expr dropout) {
  detail::require_expr("attention", qkv);
  const Shape& s = qkv.shape();
  require(form.length >= 1 && form.heads >= 1, "attention: length is ", form.length,
          " and heads is ", form.heads, "; accepted: 1 and up");
  require(form.stride >= 1 && form.length % form.stride == 0 && form.first >= 0 &&
              form.first < form.stride,
          "attention: stride is ", form.stride, " and first is ", form.first,
          "; accepted: a divisor of the length, ", form.length, ", and 0 up to below the stride");
  require(s.columns % (3 * form.heads) == 0, "attention: shape ", to_string(s), " for ", form.heads,
          " heads; accepted: columns that are three times a multiple of the heads");
  const Index rows = merge_rows(qkv, form.length).shape().rows;
  const Index queries = times_rows(rows, form.queries());
  if (detail::is_null(mask)) {
    mask = constant(qkv.graph(), 1);
  } else {
    detail::require_factor("the mask", mask, qkv, s.rows, 1);
  }
  const Shape shape{s.members, queries, s.columns / 3};
  const detail::Attributes attributes = detail::to_attributes(form);
  if (detail::is_null(dropout)) {
    return detail::make_node(detail::kAttention, {qkv, mask}, shape, attributes);
  }
  detail::require_factor("the dropout", dropout, qkv, queries, form.heads * form.length);
  return detail::make_node(detail::kAttention, {qkv, mask, dropout}, shape, attributes);
}

}  // namespace palaestra::nn
