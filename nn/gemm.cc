#include <palaestra/nn/gemm.h>

#include <algorithm>

#include <palaestra/nn/flush.h>
#include <palaestra/nn/gemm_kernels.h>

namespace palaestra::nn::detail {
namespace {

/// Depth of a packed panel of b: it and the rows of a beside it stay in the first-level cache.
constexpr Index kDepth = 256;

/// Rows of a that share a packed panel of b: enough that packing costs nothing, and few enough to
/// stay in the second-level cache until the last panel has passed.
constexpr Index kBlockRows = 192;

template <class T>
const GemmKernels<T>& kernels_of(KernelSet set) {
  if constexpr (std::is_same_v<T, float>) {
    return set == KernelSet::kAvx512 ? kGemmAvx512Float : kGemmAvx2Float;
  } else {
    return set == KernelSet::kAvx512 ? kGemmAvx512Double : kGemmAvx2Double;
  }
}

template <class T>
struct Member {
  const T *a, *b, *bias, *gate;
  T* out;
};

template <class T>
Member<T> member_of(const Gemm<T>& g, Index i) {
  return {.a = g.a + i * g.a_member,
          .b = g.b + i * g.b_member,
          .bias = g.bias == nullptr ? nullptr : g.bias + i * g.bias_member,
          .gate = g.gate == nullptr ? nullptr : g.gate + i * g.gate_member,
          .out = g.out + i * g.out_member};
}

/// A tile of whole depth, but for its b: columns [column, column + columns), rows from `row`.
template <class T>
GemmTile<T> tile_of(const Gemm<T>& g, const Member<T>& at, Index row, Index column, Index columns) {
  return {.k = g.k,
          .a = at.a + (g.transpose_a ? row : row * g.a_stride),
          .a_row = g.transpose_a ? 1 : g.a_stride,
          .a_k = g.transpose_a ? g.a_stride : 1,
          .b = nullptr,
          .b_k = 0,
          .out = at.out + row * g.out_stride + column,
          .out_stride = g.out_stride,
          .columns = columns,
          .resume = false,
          .relu = g.relu,
          .bias = at.bias == nullptr ? nullptr : at.bias + column,
          .gate = at.gate == nullptr ? nullptr : at.gate + row * g.gate_stride + column,
          .gate_stride = g.gate_stride};
}

/// Few columns: each element is a dot product.
template <class T>
void run_dots(const Gemm<T>& g, const Member<T>& at, const GemmKernels<T>& kernel, T* workspace) {
  GemmDots<T> dots{.rows = g.m,
                   .columns = g.n,
                   .k = g.k,
                   .a = at.a,
                   .a_stride = g.a_stride,
                   .b = at.b,
                   .b_stride = g.b_stride,
                   .out = at.out,
                   .out_stride = g.out_stride,
                   .relu = g.relu,
                   .bias = at.bias,
                   .gate = at.gate,
                   .gate_stride = g.gate_stride};
  if (!g.transpose_b && (g.n > 1 || g.b_stride != 1)) {
    for (Index n = 0; n < g.n; ++n) {
      for (Index k = 0; k < g.k; ++k) workspace[n * g.k + k] = at.b[k * g.b_stride + n];
    }
    dots.b = workspace;
    dots.b_stride = g.k;
  }
  kernel.dots(dots);
}

/// Few rows: b is read where it lies, but for the columns beyond whole vectors.
template <class T>
void run_thin(const Gemm<T>& g, const Member<T>& at, const GemmKernels<T>& kernel, T* workspace) {
  const Index whole = g.n / kernel.lanes * kernel.lanes;
  if (whole > 0) {
    GemmTile<T> tile = tile_of(g, at, 0, 0, whole);
    tile.b = at.b;
    tile.b_k = g.b_stride;
    kernel.tile(g.m, tile);
  }
  if (whole < g.n) {
    GemmTile<T> tile = tile_of(g, at, 0, whole, g.n - whole);
    kernel.pack_b(at.b + whole, g.b_stride, false, g.k, g.n - whole, kernel.lanes, workspace);
    tile.b = workspace;
    tile.b_k = kernel.lanes;
    kernel.tile(g.m, tile);
  }
}

/// One column of a transposed a: the product's transpose has one row, and a is read along its rows.
template <class T>
void run_column(const Gemm<T>& g, const Member<T>& at, const GemmKernels<T>& kernel, T* workspace) {
  const Gemm<T> row{.m = 1,
                    .n = g.m,
                    .k = g.k,
                    .a = at.b,
                    .a_stride = g.transpose_b ? g.k : g.b_stride,
                    .transpose_a = !g.transpose_b,
                    .b = at.a,
                    .b_stride = g.a_stride,
                    .out = at.out,
                    .out_stride = g.m};
  run_thin(row, member_of(row, 0), kernel, workspace);
}

/// Columns [column, column + columns) of rows [first_row, end_row), through packed panels of b.
template <class T>
void run_panel(const Gemm<T>& g, const Member<T>& at, const GemmKernels<T>& kernel, Index first_row,
               Index end_row, Index column, Index columns, T* panel) {
  const Index width = (columns + kernel.lanes - 1) / kernel.lanes * kernel.lanes;
  const Index rows = end_row - first_row;
  const Index tiles = (rows + kernel.rows - 1) / kernel.rows;
  const Index tall = (rows + tiles - 1) / tiles;  // rows of a tile, as even as they can be
  for (Index k = 0; k < g.k; k += kDepth) {
    const Index depth = std::min(kDepth, g.k - k);
    const bool last = k + depth == g.k;
    kernel.pack_b(at.b + (g.transpose_b ? column * g.b_stride + k : k * g.b_stride + column),
                  g.b_stride, g.transpose_b, depth, columns, width, panel);
    for (Index row = first_row; row < end_row; row += tall) {
      GemmTile<T> tile = tile_of(g, at, row, column, columns);
      tile.k = depth;
      tile.a += k * tile.a_k;
      tile.b = panel;
      tile.b_k = width;
      tile.resume = k > 0;
      if (!last) {
        tile.bias = nullptr;
        tile.gate = nullptr;
        tile.relu = false;
      }
      kernel.tile(std::min(tall, end_row - row), tile);
    }
  }
}

/// Members that share b and lie one behind the other are rows of one product.
template <class T>
Gemm<T> merged(const Gemm<T>& g) {
  const bool shared = g.b_member == 0 && (g.bias == nullptr || g.bias_member == 0);
  const bool adjacent = !g.transpose_a && g.a_member == g.m * g.a_stride &&
                        g.out_member == g.m * g.out_stride &&
                        (g.gate == nullptr || g.gate_member == g.m * g.gate_stride);
  Gemm<T> one = g;
  if (shared && adjacent) {
    one.m *= g.members;
    one.members = 1;
  }
  return one;
}

}  // namespace

template <class T>
Index gemm_workspace(Index k) {
  const GemmKernels<T>& widest = kernels_of<T>(KernelSet::kAvx512);
  return std::max(kDepth * widest.panel, k * std::max(kDotColumns, widest.lanes));
}

template <class T>
void gemm(const Gemm<T>& product, T* workspace, Index workspace_per_thread, Threads threads,
          KernelSet set) {
  const GemmKernels<T>& kernel = kernels_of<T>(set);
  const Gemm<T> g = merged(product);
  const bool plain = g.bias == nullptr && g.gate == nullptr && !g.relu;
  enum class Way : unsigned char { kDots, kThin, kColumn, kPanels };
  const Way way = g.n <= kDotColumns && !g.transpose_a                      ? Way::kDots
                  : g.n == 1 && g.out_stride == 1 && g.transpose_a && plain ? Way::kColumn
                  : g.m <= kernel.rows && !g.transpose_b                    ? Way::kThin
                                                                            : Way::kPanels;
  const Index panels = way == Way::kPanels ? (g.n + kernel.panel - 1) / kernel.panel : 1;
  const Index even = std::max<Index>(g.m / kBlockRows, 1);
  const Index block_rows = way == Way::kPanels ? std::max<Index>((g.m + even - 1) / even, 1) : g.m;
  const Index blocks = way == Way::kPanels ? (g.m + block_rows - 1) / block_rows : 1;
  const auto body = [&](Index begin, Index end, int thread) {
    T* const mine = workspace + thread * workspace_per_thread;
    for (Index task = begin; task < end; ++task) {
      const Member<T> at = member_of(g, task / panels / blocks);
      const Index row = task / panels % blocks * block_rows;
      const Index column = task % panels * kernel.panel;
      switch (way) {
        case Way::kDots:
          run_dots(g, at, kernel, mine);
          break;
        case Way::kThin:
          run_thin(g, at, kernel, mine);
          break;
        case Way::kColumn:
          run_column(g, at, kernel, mine);
          break;
        case Way::kPanels:
          run_panel(g, at, kernel, row, std::min(row + block_rows, g.m), column,
                    std::min(kernel.panel, g.n - column), mine);
          break;
      }
    }
  };
  const Index tasks = g.members * blocks * panels;
  if (threads.count() == 1 || g.members * g.m * g.n * g.k < kGemmParallelWork) {
    body(0, tasks, 0);
  } else {
    parallel_flushed(threads, tasks, 1, body);
  }
}

template Index gemm_workspace<float>(Index);
template Index gemm_workspace<double>(Index);
template void gemm(const Gemm<float>&, float*, Index, Threads, KernelSet);
template void gemm(const Gemm<double>&, double*, Index, Threads, KernelSet);

}  // namespace palaestra::nn::detail
