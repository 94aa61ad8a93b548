#pragma once

// Internal to nn: the steps of a plan with their pointers and extents worked out for one choice of
// bound memory and rows, so that running a step is arithmetic and nothing else.

#include <span>
#include <vector>

#include <palaestra/nn/gemm.h>
#include <palaestra/nn/plan.h>

namespace palaestra::nn::detail {

/// Elements of a tile: small enough for a dozen tiles to share the first-level cache.
inline constexpr Index kTile = 512;
inline constexpr int kMaxSlots = 208;

/// Everything a step may point at.
template <class T>
struct Memory {
  std::vector<T*> bases;  ///< see Place
  std::vector<Index> rows;
  T* kernel_scratch = nullptr;
  Index kernel_scratch_per_thread = 0;
  T* gemm_workspace = nullptr;
  Index gemm_workspace_per_thread = 0;
};

template <class T>
class TileRunner {
 public:
  explicit TileRunner(const TileStep& step);
  void prepare(const Memory<T>& memory);
  /// tiles: at least temporaries() * kTile numbers for each thread.
  void run(T* tiles, Index tiles_per_thread, Threads threads) const;
  int slots_in_tiles() const { return step_->temporaries + static_cast<int>(step_->inputs.size()); }

 private:
  enum class Mode : unsigned char { kScalar, kDirect, kSpread };
  struct Source {
    const T* data = nullptr;
    Index member_stride = 0, row_stride = 0, column_stride = 0;
    Mode mode = Mode::kDirect;
  };
  struct Instruction {
    TileKernel<T> kernel;
    const Attributes* attributes;
    int out, a, b, c;
  };
  void run_range(Index begin, Index end, T* tiles) const;
  void spread(const Source& source, Index member, Index row, Index rows, Index column,
              Index columns, T* tile) const;

  const TileStep* step_;
  std::vector<Source> sources_;
  std::vector<View<T>> targets_;
  std::vector<Instruction> instructions_;
  Index members_ = 1, rows_ = 1, columns_ = 1;
  Index rows_per_tile_ = 1, row_tiles_ = 1, column_tiles_ = 1, tiles_ = 1;
  Index work_ = 0;
};

extern template class TileRunner<float>;
extern template class TileRunner<double>;

/// The extents and strides of an operand in this run.
template <class T>
View<T> view_of(const Operand& operand, const Memory<T>& memory) {
  const Shape& s = operand.shape;
  const Place& p = operand.place;
  const Index rows = rows_of(s, memory.rows);
  const Index member_stride = rows_of(p.rows, memory.rows) * p.row_stride;
  T* const base = memory.bases[static_cast<std::size_t>(p.base)];
  return {base + p.offset + p.member * member_stride,
          s.members,
          rows,
          s.columns,
          member_stride,
          p.row_stride};
}

/// Below this much arithmetic (in additions or multiply-adds) a parallel region costs more than it
/// saves.
inline constexpr Index kParallelWork = 1 << 19;

}  // namespace palaestra::nn::detail
