#pragma once

// Internal to nn: dense matrix products.

#include <palaestra/core/parallel.h>
#include <palaestra/core/types.h>
#include <palaestra/nn/kernel_set.h>

namespace palaestra::nn::detail {

/// out = epilogue(op(a) op(b)) for each of `members` members: op(a) is m x k, op(b) is k x n.
/// Row-major with the given strides; a member stride of 0 shares an operand among members.
template <class T>
struct Gemm {
  Index members = 1, m = 0, n = 0, k = 0;
  const T* a = nullptr;
  Index a_stride = 0, a_member = 0;
  bool transpose_a = false;
  const T* b = nullptr;
  Index b_stride = 0, b_member = 0;
  bool transpose_b = false;
  T* out = nullptr;
  Index out_stride = 0, out_member = 0;
  const T* bias = nullptr;  ///< one row, or null
  Index bias_member = 0;
  const T* gate = nullptr;  ///< let through only where this is positive; or null
  Index gate_stride = 0, gate_member = 0;
  bool relu = false;
};

/// Below this many multiply-adds a parallel region costs more than it saves.
inline constexpr Index kGemmParallelWork = 1 << 19;

/// Numbers of work space that each thread needs for products of this depth, whatever the kernels.
template <class T>
Index gemm_workspace(Index k);

/// Each element of the product is one chain of fused multiply-adds over k in ascending order
/// (products of few columns: a fixed tree of 16 such chains), whatever the blocking and the
/// instruction set: its bits depend on its row of a and column of b alone, not on m, the position,
/// the threads or the CPU. `workspace` holds workspace_per_thread numbers for each thread.
template <class T>
void gemm(const Gemm<T>& product, T* workspace, Index workspace_per_thread, Threads threads,
          KernelSet set = kernel_set());

}  // namespace palaestra::nn::detail
