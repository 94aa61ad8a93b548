// The kernels, written once for any vector type. Included by one translation unit per instruction
// set, inside its unnamed namespace, after it has defined `Isa` types with
//   T, V, kLanes, kRows (of a tile), kDotVectors, zero, load, load_first, splat, fma, add, relu,
//   gate, store, store_first, sum, pack_transposed
// Every sum is a chain of fused multiply-adds in ascending k, so that blocking cannot change bits.

/// R x (C vectors) of the product. kRowMajor: a_k is 1; else a_row is 1.
template <class Isa, int R, int C, bool kRowMajor>
void gemm_tile(const GemmTile<typename Isa::T>& t) {
  using T = typename Isa::T;
  using V = typename Isa::V;
  // every loop over them is unrolled: an array that is once reached by a variable index lives in
  // memory, and is written there in each round of the loop over k
  V sums[R][C];
  const Index last = t.columns - (C - 1) * Isa::kLanes;  // columns in the last vector
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      const T* from = t.out + r * t.out_stride + c * Isa::kLanes;
      sums[r][c] = !t.resume    ? Isa::zero()
                   : c == C - 1 ? Isa::load_first(from, last)
                                : Isa::load(from);
    }
  }
  // three rows share a pointer: base, base + stride, base + 2 stride are all addressing modes
  constexpr int kPointers = kRowMajor ? (R + 2) / 3 : 1;
  const T* a[kPointers];
  for (int g = 0; g < kPointers; ++g) a[g] = t.a + 3 * g * t.a_row;
  const T* b = t.b;
  const auto step = [&](int ahead) __attribute__((always_inline)) {
    V columns[C];
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) columns[c] = Isa::load(b + c * Isa::kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const V row = Isa::splat(kRowMajor ? a[r / 3] + (r % 3) * t.a_row + ahead : a[0] + r);
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) sums[r][c] = Isa::fma(row, columns[c], sums[r][c]);
    }
    b += t.b_k;
    if constexpr (!kRowMajor) a[0] += t.a_k;
  };
  Index k = t.k;
  for (; k >= 4; k -= 4) {
    step(0), step(1), step(2), step(3);
    if constexpr (kRowMajor) {
      for (int g = 0; g < kPointers; ++g) a[g] += 4;
    }
  }
  for (; k > 0; --k) {
    step(0);
    if constexpr (kRowMajor) {
      for (int g = 0; g < kPointers; ++g) a[g] += 1;
    }
  }

  if (t.bias != nullptr) {
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      const T* from = t.bias + c * Isa::kLanes;
      const V bias = c == C - 1 ? Isa::load_first(from, last) : Isa::load(from);
#pragma GCC unroll 16
      for (int r = 0; r < R; ++r) sums[r][c] = Isa::add(sums[r][c], bias);
    }
  }
  if (t.relu) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) sums[r][c] = Isa::relu(sums[r][c]);
    }
  }
  if (t.gate != nullptr) {
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) {
        const T* from = t.gate + r * t.gate_stride + c * Isa::kLanes;
        sums[r][c] =
            Isa::gate(sums[r][c], c == C - 1 ? Isa::load_first(from, last) : Isa::load(from));
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      T* to = t.out + r * t.out_stride + c * Isa::kLanes;
      if (c == C - 1 && last < Isa::kLanes) {
        Isa::store_first(to, sums[r][c], last);
      } else {
        Isa::store(to, sums[r][c]);
      }
    }
  }
}

template <class Isa, int R, int C>
void gemm_tile_any(const GemmTile<typename Isa::T>& t) {
  if (t.a_k == 1) {
    gemm_tile<Isa, R, C, true>(t);
  } else {
    gemm_tile<Isa, R, C, false>(t);
  }
}

template <class Isa>
using TileFunction = void (*)(const GemmTile<typename Isa::T>&);

/// tiles[R - 1][C - 1] for R up to Isa::kRows and C of 1 or 2.
template <class Isa, int... R>
struct TileTable {
  static constexpr TileFunction<Isa> one[] = {gemm_tile_any<Isa, R + 1, 1>...};
  static constexpr TileFunction<Isa> two[] = {gemm_tile_any<Isa, R + 1, 2>...};
};

template <class Isa, class Table>
void run_tile(Index rows, const GemmTile<typename Isa::T>& t) {
  const Index vectors = (t.columns + Isa::kLanes - 1) / Isa::kLanes;
  if (vectors <= 2) {
    (vectors == 1 ? Table::one : Table::two)[rows - 1](t);
    return;
  }
  // a thin tile: few rows, many columns, so that enough sums are under way
  GemmTile<typename Isa::T> part = t;
  const auto advance = [&](Index n) {
    part.b += n;
    part.out += n;
    part.columns -= n;
    if (part.bias != nullptr) part.bias += n;
    if (part.gate != nullptr) part.gate += n;
  };
  constexpr Index kWide = 4 * Isa::kLanes;
  const Index all = t.columns;
  for (Index done = 0; done < all;) {
    const Index left = all - done;
    const Index take = left >= kWide ? kWide : left < 2 * Isa::kLanes ? left : 2 * Isa::kLanes;
    part.columns = take;
    if (take == kWide && rows == 1) {
      gemm_tile_any<Isa, 1, 4>(part);
    } else if (take == kWide && rows == 2) {
      gemm_tile_any<Isa, 2, 4>(part);
    } else if (take == kWide) {
      part.columns = 2 * Isa::kLanes;
      Table::two[rows - 1](part);
      done += 2 * Isa::kLanes;
      advance(2 * Isa::kLanes);
      continue;
    } else {
      run_tile<Isa, Table>(rows, part);
    }
    done += take;
    advance(take);
  }
}

template <class T>
T dot_end(const GemmDots<T>& d, Index row, Index column, T value) {
  if (d.bias != nullptr) value += d.bias[column];
  if (d.relu) value = value < T(0) ? T(0) : value;
  if (d.gate != nullptr && !(d.gate[row * d.gate_stride + column] > T(0))) value = T(0);
  return value;
}

/// R rows by N columns of dot products, each in as many interleaved chains as the widest vector has
/// lanes, so that the bits are those of every instruction set.
template <class Isa, int R, int N>
void dot_block(const GemmDots<typename Isa::T>& d, Index row) {
  using T = typename Isa::T;
  using V = typename Isa::V;
  constexpr int P = Isa::kDotVectors;
  V sums[R][N][P];
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < N; ++n) {
      for (int p = 0; p < P; ++p) sums[r][n][p] = Isa::zero();
    }
  }
  const T* a = d.a + row * d.a_stride;
  const auto step = [&](Index k, auto load) __attribute__((always_inline)) {
    for (int p = 0; p < P; ++p) {
      V columns[N];
      for (int n = 0; n < N; ++n) columns[n] = load(d.b + n * d.b_stride + k, p);
      for (int r = 0; r < R; ++r) {
        const V values = load(a + r * d.a_stride + k, p);
        for (int n = 0; n < N; ++n) sums[r][n][p] = Isa::fma(values, columns[n], sums[r][n][p]);
      }
    }
  };
  Index k = 0;
  for (; k + P * Isa::kLanes <= d.k; k += P * Isa::kLanes) {
    step(k, [](const T* from, int p) { return Isa::load(from + p * Isa::kLanes); });
  }
  if (k < d.k) {
    step(k, [left = d.k - k](const T* from, int p) {
      const Index mine = left - p * Isa::kLanes;
      return Isa::load_first(from + p * Isa::kLanes, mine > 0 ? mine : 0);
    });
  }
  for (int r = 0; r < R; ++r) {
    for (int n = 0; n < N; ++n) {
      V total = sums[r][n][0];
      if constexpr (P == 2) total = Isa::add(total, sums[r][n][1]);
      d.out[(row + r) * d.out_stride + n] = dot_end<T>(d, row + r, n, Isa::sum(total));
    }
  }
}

/// Dot products of K terms, where a vector along them would be mostly empty: tables of a few
/// categories. A vector is a row's N results; bit for bit what dot_block() makes of them, whose
/// other chains add zeros.
template <class Isa, int N, int K>
void short_dots(const GemmDots<typename Isa::T>& d) {
  using T = typename Isa::T;
  static_assert(N <= 4 && K <= 4, "the order of the sum below is that of four chains");
  typedef T Results __attribute__((vector_size(4 * sizeof(T))));
  Results b[K] = {};
  for (int k = 0; k < K; ++k) {
    for (int n = 0; n < N; ++n) b[k][n] = d.b[n * d.b_stride + k];
  }
  const bool plain = d.bias == nullptr && d.gate == nullptr && !d.relu;
  const T* a = d.a;
  T* out = d.out;
  for (Index row = 0; row < d.rows; ++row, a += d.a_stride, out += d.out_stride) {
    Results chains[4] = {};
    for (int k = 0; k < K; ++k) chains[k] += a[k] * b[k];
    // the last zero is for sums of negative zeros, which those of the other chains make positive
    const Results sums = (chains[0] + chains[2]) + (chains[1] + chains[3]) + Results{};
    if (plain) {
      std::memcpy(out, &sums, N * sizeof(T));
    } else {
      for (int n = 0; n < N; ++n) out[n] = dot_end<T>(d, row, n, sums[n]);
    }
  }
}

template <class Isa, int N>
void dot_columns(const GemmDots<typename Isa::T>& d) {
  switch (d.k) {
    case 1:
      return short_dots<Isa, N, 1>(d);
    case 2:
      return short_dots<Isa, N, 2>(d);
    case 3:
      return short_dots<Isa, N, 3>(d);
    case 4:
      return short_dots<Isa, N, 4>(d);
    default:
      break;
  }
  constexpr int kBlock = (N == 1 ? 8 : N == 2 ? 4 : 2) / Isa::kDotVectors;
  Index row = 0;
  for (; row + kBlock <= d.rows; row += kBlock) dot_block<Isa, kBlock, N>(d, row);
  for (; row < d.rows; ++row) dot_block<Isa, 1, N>(d, row);
}

template <class Isa>
void run_dots(const GemmDots<typename Isa::T>& d) {
  switch (d.columns) {
    case 1:
      return dot_columns<Isa, 1>(d);
    case 2:
      return dot_columns<Isa, 2>(d);
    case 3:
      return dot_columns<Isa, 3>(d);
    default:
      return dot_columns<Isa, 4>(d);
  }
}

template <class Isa>
void pack_b(const typename Isa::T* b, Index stride, bool transposed, Index k, Index columns,
            Index width, typename Isa::T* panel) {
  if (transposed) {
    for (Index c = 0; c < width; c += Isa::kLanes) {
      for (Index i = 0; i < k; i += Isa::kLanes) {
        const Index rows = columns - c < Isa::kLanes ? columns - c : Isa::kLanes;
        const Index depth = k - i < Isa::kLanes ? k - i : Isa::kLanes;
        Isa::pack_transposed(b + c * stride + i, stride, rows, depth, panel + i * width + c, width);
      }
    }
    return;
  }
  for (Index i = 0; i < k; ++i) {
    for (Index c = 0; c < width; c += Isa::kLanes) {
      const typename Isa::T* from = b + i * stride + c;
      Isa::store(panel + i * width + c,
                 columns - c >= Isa::kLanes ? Isa::load(from) : Isa::load_first(from, columns - c));
    }
  }
}

template <class Isa, class Table>
constexpr GemmKernels<typename Isa::T> make_kernels(const char* name) {
  return {.name = name,
          .lanes = Isa::kLanes,
          .rows = Isa::kRows,
          .panel = 2 * Isa::kLanes,
          .tile = run_tile<Isa, Table>,
          .dots = run_dots<Isa>,
          .pack_b = pack_b<Isa>};
}
