#include <palaestra/nn/attention_terms.h>

#include <algorithm>
#include <cmath>

#include <palaestra/nn/flush.h>

namespace palaestra::nn::detail {
namespace {

extern const OpDef kScores, kMix, kSpread;

/// Calls body(member, window) for each pair.
template <class T, class Body>
void for_windows(const Call<T>& call, Index members, Index windows, const Body& body) {
  parallel_flushed(call.threads, members * windows, 1, [&](Index begin, Index end, int) {
    for (Index i = begin; i < end; ++i) body(i / windows, i % windows);
  });
}

template <class T>
void run_scores(const Call<T>& call) {
  const View<const T>& q = call.in[0];
  const View<const T>& k = call.in[1];
  const Attention form = form_of(*call.attributes);
  const Index queries = form.queries(), width = q.columns / form.heads;
  for_windows(call, call.out.members, q.rows / queries, [&](Index m, Index w) {
    for (Index i = 0; i < queries; ++i) {
      const T* a = q.row(m, w * queries + i);
      T* out = call.out.row(m, w * queries + i);
      for (Index h = 0; h < form.heads; ++h) {
        for (Index j = 0; j < form.length; ++j) {
          const T* b = k.row(m, w * form.length + j);
          T total = 0;
          if (may_see(form, i, j)) {
            for (Index c = h * width; c < (h + 1) * width; ++c) total += a[c] * b[c];
          }
          out[h * form.length + j] = total;
        }
      }
    }
  });
}

template <class T>
void run_mix(const Call<T>& call) {
  const View<const T>& p = call.in[0];
  const View<const T>& v = call.in[1];
  const Attention form = form_of(*call.attributes);
  const Index queries = form.queries(), width = v.columns / form.heads;
  for_windows(call, call.out.members, p.rows / queries, [&](Index m, Index w) {
    for (Index i = 0; i < queries; ++i) {
      const T* share = p.row(m, w * queries + i);
      T* out = call.out.row(m, w * queries + i);
      std::fill(out, out + v.columns, T(0));
      for (Index j = 0; j < form.length; ++j) {
        if (!may_see(form, i, j)) continue;
        const T* b = v.row(m, w * form.length + j);
        for (Index c = 0; c < v.columns; ++c) out[c] += share[c / width * form.length + j] * b[c];
      }
    }
  });
}

template <class T>
void run_spread(const Call<T>& call) {
  const View<const T>& p = call.in[0];
  const View<const T>& x = call.in[1];
  const Attention form = form_of(*call.attributes);
  const Index queries = form.queries(), width = x.columns / form.heads;
  for_windows(call, call.out.members, p.rows / queries, [&](Index m, Index w) {
    for (Index j = 0; j < form.length; ++j) {
      T* out = call.out.row(m, w * form.length + j);
      std::fill(out, out + x.columns, T(0));
      for (Index i = 0; i < queries; ++i) {
        if (!may_see(form, i, j)) continue;
        const T* share = p.row(m, w * queries + i);
        const T* a = x.row(m, w * queries + i);
        for (Index c = 0; c < x.columns; ++c) out[c] += share[c / width * form.length + j] * a[c];
      }
    }
  });
}

/// 1 where query i may see token j and j is no padding; as attention_scores() lays them out.
template <class T>
void run_visible(const Call<T>& call) {
  const View<const T>& mask = call.in[0];
  const Attention form = form_of(*call.attributes);
  const Index queries = form.queries();
  for (Index m = 0; m < call.out.members; ++m) {
    for (Index r = 0; r < call.out.rows; ++r) {
      T* out = call.out.row(m, r);
      for (Index c = 0; c < call.out.columns; ++c) {
        const Index j = c % form.length;
        const bool seen =
            may_see(form, r % queries, j) && *mask.row(m, r / queries * form.length + j) != T(0);
        out[c] = seen ? T(1) : T(0);
      }
    }
  }
}

// scores: ds = g gives dq_i = Σ_j g_ij k_j and dk_j = Σ_i g_ij q_i; and so around the three
std::vector<Expr> vjp_scores(const VjpContext& c) {
  const Attention form = form_of(c.attributes);
  return {attention_mix(c.g, c.inputs[1], form), attention_spread(c.g, c.inputs[0], form)};
}
std::vector<Expr> vjp_mix(const VjpContext& c) {
  const Attention form = form_of(c.attributes);
  return {attention_scores(c.g, c.inputs[1], form), attention_spread(c.inputs[0], c.g, form)};
}
std::vector<Expr> vjp_spread(const VjpContext& c) {
  const Attention form = form_of(c.attributes);
  return {attention_scores(c.inputs[1], c.g, form), attention_mix(c.inputs[0], c.g, form)};
}

constinit const OpDef kScores{.name = "attention_scores",
                              .vjp = vjp_scores,
                              .kernel_float = run_scores<float>,
                              .kernel_double = run_scores<double>};
constinit const OpDef kMix{.name = "attention_mix",
                           .vjp = vjp_mix,
                           .kernel_float = run_mix<float>,
                           .kernel_double = run_mix<double>};
constinit const OpDef kSpread{.name = "attention_spread",
                              .vjp = vjp_spread,
                              .kernel_float = run_spread<float>,
                              .kernel_double = run_spread<double>};
constinit const OpDef kVisible{.name = "attention_visible",
                               .kernel_float = run_visible<float>,
                               .kernel_double = run_visible<double>};

/// Those of a window's rows that ask, from [members, windows * length, columns].
Expr asking(Expr x, const Attention& form) {
  const Index width = x.shape().columns;
  if (form.stride == 1) return x;
  return columns(merge_rows(x, form.stride), form.first * width, width);
}

/// The reverse, with zeros for the other rows.
Expr answering(Expr x, const Attention& form) {
  if (form.stride == 1) return x;
  std::vector<Expr> parts(static_cast<std::size_t>(form.stride), filled(x.graph(), 0, x.shape()));
  parts[static_cast<std::size_t>(form.first)] = x;
  return split_rows(concat_columns(parts), form.stride);
}

}  // namespace

Attributes to_attributes(const Attention& form) {
  return {.a = form.causal ? 1.0 : 0.0,
          .i = form.length,
          .j = form.heads,
          .k = form.stride,
          .l = form.first};
}

Attention form_of(const Attributes& a) {
  return {.length = a.i, .heads = a.j, .causal = a.a != 0, .stride = a.k, .first = a.l};
}

Expr attention_scores(Expr q, Expr k, const Attention& form) {
  return make_node(kScores, {q, k}, {q.shape().members, q.shape().rows, form.heads * form.length},
                   to_attributes(form));
}

Expr attention_mix(Expr p, Expr v, const Attention& form) {
  return make_node(kMix, {p, v}, {p.shape().members, p.shape().rows, v.shape().columns},
                   to_attributes(form));
}

Expr attention_spread(Expr p, Expr x, const Attention& form) {
  const Index windows_rows = times_rows(merge_rows(x, form.queries()).shape().rows, form.length);
  return make_node(kSpread, {p, x}, {p.shape().members, windows_rows, x.shape().columns},
                   to_attributes(form));
}

Expr attention_gradient_terms(Expr qkv, Expr mask, Expr dropout, Expr g, const Attention& form) {
  Graph& graph = qkv.graph();
  const Index width = qkv.shape().columns / 3;
  const Index head = width / form.heads;
  const double scale = 1 / std::sqrt(static_cast<double>(head));
  const Expr q = asking(columns(qkv, 0, width), form);
  const Expr k = columns(qkv, width, width);
  const Expr v = columns(qkv, 2 * width, width);

  // softmax over what is seen, head by head; nothing where nobody is
  const Expr s = attention_scores(q, k, form) * scale;
  const Expr stretched = broadcast(mask, {s.shape().members, qkv.shape().rows, 1});
  const Expr seen =
      split_rows(make_node(kVisible, {stretched}, s.shape(), to_attributes(form)), form.heads);
  const Expr by_head = split_rows(s, form.heads);
  constexpr double kLeast = -1e30;
  const Expr shift = stop_gradient(max_over_columns(where(seen, by_head, constant(graph, kLeast))));
  const Expr e =
      where(seen, exp(where(seen, by_head - shift, constant(graph, 0))), constant(graph, 0));
  const Expr total = sum(e, Axis::kColumns);
  const Expr p = e / where(greater(total, constant(graph, 0)), total, constant(graph, 1));

  // p' = p d, out = p' v: dp = (g vᵀ) d, ds = p (dp - Σ p dp), and so to q, k, v
  Expr dp = attention_scores(g, v, form);
  Expr mixed = merge_rows(p, form.heads);
  if (!is_null(dropout)) {
    dp = dp * dropout;
    mixed = mixed * dropout;
  }
  const Expr dp_by_head = split_rows(dp, form.heads);
  const Expr inner = sum(p * dp_by_head, Axis::kColumns);
  const Expr ds = merge_rows(p * (dp_by_head - inner), form.heads) * scale;
  const Expr dq = answering(attention_mix(ds, k, form), form);
  return concat_columns({dq, attention_spread(ds, q, form), attention_spread(mixed, g, form)});
}

}  // namespace palaestra::nn::detail
