#include <palaestra/nn/execute.h>

#include <algorithm>
#include <type_traits>

#include <palaestra/nn/flush.h>
#include <palaestra/nn/narrow.h>

namespace palaestra::nn::detail {

template <class T>
TileRunner<T>::TileRunner(const TileStep& step)
    : step_(&step), sources_(step.inputs.size()), targets_(step.outputs.size()) {
  for (const TileStep::Instruction& i : step.instructions) {
    const TileKernel<T>* kernels;
    if constexpr (std::is_same_v<T, float>) {
      kernels = i.op->tile_float;
    } else {
      kernels = i.op->tile_double;
    }
    // unused operands point at the first, so that every slot is valid
    instructions_.push_back({kernels[i.scalars], &i.attributes, i.out, i.in[0],
                             i.in[1] < 0 ? i.in[0] : i.in[1], i.in[2] < 0 ? i.in[0] : i.in[2]});
  }
}

template <class T>
void TileRunner<T>::prepare(const Memory<T>& memory) {
  members_ = step_->shape.members;
  rows_ = rows_of(step_->shape, memory.rows);
  columns_ = step_->shape.columns;
  bool flat = true;  // every operand is one number, or lies in memory as the result does
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const Shape& s = step_->inputs[i].shape;
    const View<T> v = view_of(step_->inputs[i], memory);
    Source& source = sources_[i];
    source.data = v.data;
    source.member_stride = s.members == 1 && members_ != 1 ? 0 : v.member_stride;
    source.row_stride = s.rows == 1 && step_->shape.rows != 1 ? 0 : v.row_stride;
    source.column_stride = s.columns == 1 && columns_ != 1 ? 0 : 1;
    const bool dense = source.column_stride == 1 && source.row_stride == columns_;
    source.mode = s == Shape{} && step_->shape != Shape{}              ? Mode::kScalar
                  : dense || (rows_ == 1 && source.column_stride == 1) ? Mode::kDirect
                                                                       : Mode::kSpread;
    flat = flat && (source.mode == Mode::kScalar ||
                    (dense && (members_ == 1 || source.member_stride == rows_ * columns_)));
  }
  for (std::size_t i = 0; i < targets_.size(); ++i)
    targets_[i] = view_of(step_->outputs[i], memory);
  work_ = members_ * rows_ * columns_ * step_->cost;
  if (flat) {
    columns_ *= members_ * rows_;
    members_ = rows_ = 1;
    for (View<T>& target : targets_) target.member_stride = target.row_stride = 0;
    for (Source& source : sources_) source.member_stride = source.row_stride = 0;
  }
  rows_per_tile_ = std::max<Index>(1, kTile / columns_);
  row_tiles_ = (rows_ + rows_per_tile_ - 1) / rows_per_tile_;
  column_tiles_ = (columns_ + kTile - 1) / kTile;
  tiles_ = members_ * row_tiles_ * column_tiles_;
}

template <class T>
void TileRunner<T>::spread(const Source& source, Index member, Index row, Index rows, Index column,
                           Index columns, T* tile) const {
  const T* in = source.data + member * source.member_stride + row * source.row_stride +
                column * source.column_stride;
  const Index stride = source.row_stride;
  with_width(columns, [&](auto width) {
    T* out = tile;
    if (source.column_stride == 0) {
      for (Index r = 0; r < rows; ++r, out += width) {
        const T value = in[r * stride];
        for (Index c = 0; c < width; ++c) out[c] = value;
      }
    } else {
      for (Index r = 0; r < rows; ++r, out += width) {
        const T* from = in + r * stride;
        for (Index c = 0; c < width; ++c) out[c] = from[c];
      }
    }
  });
}

template <class T>
void TileRunner<T>::run_range(Index begin, Index end, T* tiles) const {
  T* slots[kMaxSlots];
  const std::size_t inputs = sources_.size();
  const std::size_t outputs = targets_.size();
  for (std::size_t i = 0; i < inputs; ++i) {
    // sources are read only; the slot table serves both directions
    slots[i] = sources_[i].mode == Mode::kSpread ? tiles : const_cast<T*>(sources_[i].data);
    tiles += sources_[i].mode == Mode::kSpread ? kTile : 0;
  }
  for (int i = 0; i < step_->temporaries; ++i) {
    slots[inputs + outputs + static_cast<std::size_t>(i)] = tiles + i * kTile;
  }
  Index filled_member = -1;  // whose row-independent operands lie in their tiles
  Index filled_rows = 0;
  for (Index t = begin; t < end; ++t) {
    const Index column = (t % column_tiles_) * kTile;
    const Index row = (t / column_tiles_ % row_tiles_) * rows_per_tile_;
    const Index member = t / column_tiles_ / row_tiles_;
    const Index rows = std::min(rows_per_tile_, rows_ - row);
    const Index columns = std::min(kTile, columns_ - column);
    const bool refill = column_tiles_ > 1 || member != filled_member || rows > filled_rows;
    for (std::size_t i = 0; i < inputs; ++i) {
      const Source& s = sources_[i];
      if (s.mode == Mode::kDirect) {
        slots[i] = const_cast<T*>(s.data) + member * s.member_stride + row * s.row_stride + column;
      } else if (s.mode == Mode::kSpread && (refill || s.row_stride != 0)) {
        spread(s, member, row, rows, column, columns, slots[i]);
      }
    }
    filled_member = member;
    filled_rows = rows;
    for (std::size_t i = 0; i < outputs; ++i) {
      const View<T>& v = targets_[i];
      slots[inputs + i] = v.data + member * v.member_stride + row * v.row_stride + column;
    }
    const Index n = rows * columns;
    for (const Instruction& i : instructions_) {
      i.kernel(slots[i.out], slots[i.a], slots[i.b], slots[i.c], n, *i.attributes);
    }
  }
}

template <class T>
void TileRunner<T>::run(T* tiles, Index tiles_per_thread, Threads threads) const {
  if (threads.count() == 1 || work_ < kParallelWork) {
    run_range(0, tiles_, tiles);
    return;
  }
  const Index grain = std::max<Index>(1, tiles_ * (kParallelWork / 4) / work_);
  parallel_flushed(threads, tiles_, grain, [&](Index begin, Index end, int thread) {
    run_range(begin, end, tiles + thread * tiles_per_thread);
  });
}

template class TileRunner<float>;
template class TileRunner<double>;

}  // namespace palaestra::nn::detail
