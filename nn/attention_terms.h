#pragma once

// Internal to nn: attention taken apart into products that are linear in each operand and whose
// gradients are products of the same three kinds, so that they can be differentiated any number of
// times. The fused kernels of ops_attention.cc are what runs; these give their second derivatives.

#include <palaestra/nn/op.h>

namespace palaestra::nn::detail {

/// Attention as a node's numbers, and back.
Attributes to_attributes(const Attention& form);
Attention form_of(const Attributes& attributes);

/// Whether query number `i` of a window may see token j, padding aside.
inline bool may_see(const Attention& form, Index i, Index j) {
  return !form.causal || j <= form.first + i * form.stride;
}

/// For each head, s_ij = q_i · k_j over what i may see, 0 elsewhere: from q [members, windows *
/// queries, width] and k [members, windows * length, width] to
/// [members, windows * queries, heads * length].
Expr attention_scores(Expr q, Expr k, const Attention& form);
/// out_i = Σ_j p_ij v_j: p as attention_scores() gives it, v as k there, out as q there.
Expr attention_mix(Expr p, Expr v, const Attention& form);
/// out_j = Σ_i p_ij x_i: p as attention_scores() gives it, x as q there, out as k there.
Expr attention_spread(Expr p, Expr x, const Attention& form);

/// d(attention(qkv, form, mask, dropout)) / d(qkv) times g, as expressions.
Expr attention_gradient_terms(Expr qkv, Expr mask, Expr dropout, Expr g, const Attention& form);

}  // namespace palaestra::nn::detail
