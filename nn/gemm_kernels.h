#pragma once

// Internal to nn: what gemm.cc asks of an instruction set. Included by translation units that are
// compiled for more than x86-64-v3, so it must not bring in any inline function of others: the
// linker could keep the copy that an older CPU cannot run.

#include <palaestra/core/types.h>

namespace palaestra::nn::detail {

/// A block of the product: `rows` x `columns` sums over k, with the epilogue applied when complete.
template <class T>
struct GemmTile {
  Index k;
  const T* a;
  Index a_row, a_k;  ///< strides of op(a); one of them is 1
  const T* b;
  Index b_k;  ///< stride of op(b) along k; its columns are adjacent and padded to whole vectors
  T* out;
  Index out_stride;
  Index columns;
  bool resume;  ///< go on from the sums in `out`
  bool relu;
  const T* bias;  ///< null, or `columns` numbers
  const T* gate;  ///< null, or a block like `out`
  Index gate_stride;
};

/// A product with few columns, each element a dot product along k.
template <class T>
struct GemmDots {
  Index rows, columns, k;
  const T* a;
  Index a_stride;
  const T* b;  ///< transposed: `columns` rows of k numbers
  Index b_stride;
  T* out;
  Index out_stride;
  bool relu;
  const T* bias;
  const T* gate;
  Index gate_stride;
};

inline constexpr Index kDotColumns = 4;  ///< the most columns that GemmDots takes

template <class T>
struct GemmKernels {
  const char* name;
  Index lanes;  ///< numbers in a vector
  Index rows;   ///< most rows of a tile
  Index panel;  ///< columns of a packed panel of b
  void (*tile)(Index rows, const GemmTile<T>&);
  void (*dots)(const GemmDots<T>&);
  /// op(b)'s rows [0, k) and columns [0, columns) into a panel of `panel` (or fewer whole vectors
  /// of) columns, zeros beyond.
  void (*pack_b)(const T* b, Index stride, bool transposed, Index k, Index columns, Index width,
                 T* panel);
};

extern const GemmKernels<float> kGemmAvx2Float, kGemmAvx512Float;
extern const GemmKernels<double> kGemmAvx2Double, kGemmAvx512Double;

}  // namespace palaestra::nn::detail
