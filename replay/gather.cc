#include <palaestra/replay/gather.h>

#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include <palaestra/core/error.h>
#include <palaestra/replay/as_float.h>
#include <palaestra/replay/fold.h>

namespace palaestra::replay {
namespace {

constexpr Index kAhead = 32;               // rows between prefetch and copy
constexpr Index kBytesPerBlock = 1 << 18;  // of a parallel block: worth a thread's wake-up
constexpr Index kPadding = 8;              // floats

/// Copies whole vectors: up to seven floats too many are read and written. What lies behind in
/// the same block of rows is written afterwards.
inline void copy_vectors(const std::byte* from, float* to, Index width) {
  for (Index i = 0; i < width; i += kPadding) {
    _mm256_storeu_ps(to + i, _mm256_loadu_ps(reinterpret_cast<const float*>(from) + i));
  }
}

/// Copies no float too many, in vectors where at least one is whole: the last one overlaps.
inline void copy_exactly(const std::byte* from, float* to, Index width) {
  if (width < kPadding) {
    std::memcpy(to, from, static_cast<std::size_t>(width) * sizeof(float));
    return;
  }
  const auto copy = [&](Index i) {
    _mm256_storeu_ps(to + i, _mm256_loadu_ps(reinterpret_cast<const float*>(from) + i));
  };
  for (Index i = 0; i < width - kPadding; i += kPadding) {
    copy(i);
  }
  copy(width - kPadding);
}

/// Copies one row of a field, whole vectors where `vectors`.
template <bool kExact>
inline void copy_row(const TransitionGather::Field& field, const std::byte* block, float* column,
                     std::size_t row, bool vectors) {
  float* const to = column + row * static_cast<std::size_t>(field.width);
  if constexpr (kExact) {
    if (vectors) {
      copy_exactly(block + field.offset, to, field.width);
      return;
    }
  }
  if (vectors) {
    copy_vectors(block + field.offset, to, field.width);
  } else {
    copy_as_float(field.dtype, block + field.offset, to, field.width);
  }
}

}  // namespace

void MinibatchMemory::resize(Index rows, Index observation_width, Index action_width) {
  rows_ = rows;
  observation_width_ = observation_width;
  action_width_ = action_width;
  const auto n = static_cast<std::size_t>(rows);
  observation.resize(static_cast<std::size_t>(rows * observation_width + kPadding));
  next_observation.resize(observation.size());
  action.resize(static_cast<std::size_t>(rows * action_width + kPadding));
  reward.resize(n);
  discount.resize(n);
  steps.resize(n);
}

Minibatch MinibatchMemory::view(const Draw& draw) const {
  const auto part = [&](const std::vector<float>& values, Index width) {
    return std::span<const float>(values.data(), static_cast<std::size_t>(rows_ * width));
  };
  return {.rows = rows_,
          .observation = part(observation, observation_width_),
          .action = part(action, action_width_),
          .reward = reward,
          .discount = discount,
          .next_observation = part(next_observation, observation_width_),
          .index = draw.id,
          .weight = draw.weight,
          .probability = draw.probability,
          .steps = steps};
}

TransitionGather::Field TransitionGather::field(const Storage& storage, std::string_view name) {
  const std::size_t i = find_column(storage.columns(), name, "WeightedReplayBuffer::sample");
  const ColumnSpec& column = storage.columns()[i];
  return {storage.layout().offset[i], column.width(), column.dtype};
}

TransitionGather::TransitionGather(const Storage& storage)
    : observation_(field(storage, "observation")),
      action_(field(storage, "action")),
      reward_(field(storage, "reward")) {
  const std::size_t i = find_column(storage.columns(), "observation", "");
  require(storage.columns()[i].state,
          "WeightedReplayBuffer::sample: column \"observation\" is not declared as a state, so "
          "there is no next observation");
  const auto plain = [](const Field& f) { return f.dtype == DType::kFloat32 && f.width <= 256; };
  plain_ = plain(observation_) && plain(action_);
}

template <bool kOneStep, bool kScattered>
void TransitionGather::copy_rows(const Storage& storage, const Draw& draw, const Fold& fold,
                                 Index begin, Index end, const Index* to,
                                 MinibatchMemory& out) const {
  for (Index row = begin; row < std::min(begin + kAhead, end); ++row) {
    storage.prefetch(draw.slot[as_size(row)], fold.n_step);
  }
  // whole vectors reach into the next rows, but never beyond the block: there another thread writes
  const Index plain_end = !plain_ ? begin : kScattered ? end : end - kPadding;
  for (Index row = begin; row < end; ++row) {
    if (row + kAhead < end) {
      storage.prefetch(draw.slot[as_size(row + kAhead)], fold.n_step);
    }
    const bool vectors = row < plain_end;
    const RowId id = draw.id[as_size(row)];
    const Index slot = draw.slot[as_size(row)];
    const auto at = static_cast<std::size_t>(kScattered ? to[row] : row);
    const std::byte* const record = storage.record(slot);
    copy_row<kScattered>(observation_, record, out.observation.data(), at, vectors);
    copy_row<kScattered>(action_, record, out.action.data(), at, vectors);

    const std::byte* after;
    if constexpr (kOneStep) {
      const Link link = storage.link(slot);
      out.reward[at] = reward_in(record, reward_.offset);
      out.discount[at] = link.terminated() ? 0.0f : static_cast<float>(fold.discount);
      out.steps[at] = 1;
      after = storage.next_states(lane_of(id), slot, link);
    } else {
      const FoldedRows steps = fold_rows(storage, storage.place_of(id), slot, reward_.offset, fold);
      out.reward[at] = steps.reward;
      out.discount[at] = steps.link.terminated() ? 0.0f : static_cast<float>(steps.discount);
      out.steps[at] = static_cast<std::int32_t>(steps.steps);
      after = storage.next_states(steps.last, steps.link);
    }
    copy_row<kScattered>(observation_, after, out.next_observation.data(), at, vectors);
  }
}

template <bool kScattered>
void TransitionGather::copy_all(const Storage& storage, const Draw& draw, const Fold& fold,
                                Threads threads, const Index* to, MinibatchMemory& out) const {
  const Index grain = std::max<Index>(
      1, kBytesPerBlock /
             (static_cast<Index>(sizeof(float)) * (2 * observation_.width + action_.width + 4)));
  parallel_for(threads, draw.rows(), grain, [&](Index begin, Index end, int) {
    if (fold.n_step == 1) {
      copy_rows<true, kScattered>(storage, draw, fold, begin, end, to, out);
    } else {
      copy_rows<false, kScattered>(storage, draw, fold, begin, end, to, out);
    }
  });
}

void TransitionGather::operator()(const Storage& storage, const Draw& draw, const Fold& fold,
                                  Threads threads, MinibatchMemory& out) const {
  out.resize(draw.rows(), observation_.width, action_.width);
  copy_all<false>(storage, draw, fold, threads, nullptr, out);
}

void TransitionGather::scatter(const Storage& storage, const Draw& draw, const Fold& fold,
                               Threads threads, std::span<const Index> to,
                               MinibatchMemory& out) const {
  copy_all<true>(storage, draw, fold, threads, to.data(), out);
}

ColumnGather::ColumnGather(const Storage& storage, std::string_view column,
                           std::string_view caller) {
  const std::size_t i = find_column(storage.columns(), column, caller);
  const ColumnSpec& spec = storage.columns()[i];
  field_ = {storage.layout().offset[i], spec.width(), spec.dtype};
  state_ = spec.state;
  plain_ = spec.dtype == DType::kFloat32;
}

void ColumnGather::convert(const std::byte* from, float* to) const {
  copy_as_float(field_.dtype, from, to, field_.width);
}

}  // namespace palaestra::replay
