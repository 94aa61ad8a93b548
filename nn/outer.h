#pragma once

#include <palaestra/nn/gemm.h>

namespace palaestra::nn::detail {

/// Whether outer_product() takes this product: one term per element, along rows of b.
template <class T>
bool is_outer_product(const Gemm<T>& product) {
  return product.k == 1 && (!product.transpose_b || product.b_stride == 1 || product.n == 1);
}

/// gemm() for those, with the same bits: a pass over the result and its gate, which is all the work
/// there is. The gradient of a network with one output begins with one.
template <class T>
void outer_product(const Gemm<T>& product, Threads threads);

}  // namespace palaestra::nn::detail
