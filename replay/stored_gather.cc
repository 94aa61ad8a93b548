#include <palaestra/replay/stored_gather.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <palaestra/replay/as_float.h>

namespace palaestra::replay {
namespace {

constexpr Index kAhead = 8;                // rows between prefetch and copy
constexpr Index kBytesPerBlock = 1 << 18;  // of a parallel block: worth a thread's wake-up

void require_sound(bool sound, const char* what) {
  if (!sound) {
    throw std::logic_error(what);
  }
}

}  // namespace

StoredGather::StoredGather(const Storage& storage, std::span<const ColumnTarget> columns)
    : reward_(storage.layout().offset[find_column(storage.columns(), "reward",
                                                  "WeightedReplayBuffer::sample")]) {
  for (const ColumnTarget& target : columns) {
    const ColumnSpec& column = storage.columns().at(target.column);
    require_sound(column.state || !target.after, "StoredGather: the column is no state");
    const std::size_t element = target.as_float ? sizeof(float) : size_of(column.dtype);
    copies_.push_back({target, storage.layout().offset[target.column], column.width(), column.dtype,
                       static_cast<std::size_t>(column.width()) * element});
    row_bytes_ += copies_.back().bytes;
  }
}

void StoredGather::Copy::operator()(const std::byte* record, std::size_t row) const {
  std::byte* const to = target.out.data() + row * bytes;
  if (target.as_float) {
    copy_as_float(dtype, record + offset, reinterpret_cast<float*>(to), width);
  } else {
    std::memcpy(to, record + offset, bytes);
  }
}

void StoredGather::require_fit(const Storage& storage, std::span<const RowId> rows,
                               const FoldTargets& folded) const {
  for (const Copy& copy : copies_) {
    require_sound(copy.target.out.size() == rows.size() * copy.bytes,
                  "StoredGather: a target is made for another number of rows");
  }
  for (const std::size_t size : {folded.reward.size(), folded.discount.size(), folded.steps.size(),
                                 folded.terminated.size()}) {
    require_sound(size == 0 || size == rows.size(),
                  "StoredGather: a fold's target is made for another number of rows");
  }
  for (const RowId row : rows) {
    require_sound(storage.presence(row) == Storage::Presence::kStored,
                  "StoredGather: a row is not stored");
  }
}

void StoredGather::operator()(const Storage& storage, std::span<const RowId> rows, const Fold& fold,
                              const FoldTargets& folded, Threads threads) const {
  require_fit(storage, rows, folded);
  const auto slot_of = [&](Index row) {
    return storage.slot_of(storage.place_of(rows[as_size(row)]));
  };
  const auto copy_rows = [&](Index begin, Index end, int) {
    for (Index row = begin; row < std::min(begin + kAhead, end); ++row) {
      storage.prefetch(slot_of(row), fold.n_step);
    }
    for (Index row = begin; row < end; ++row) {
      if (row + kAhead < end) {
        storage.prefetch(slot_of(row + kAhead), fold.n_step);
      }
      const auto at = static_cast<std::size_t>(row);
      const Storage::Place place = storage.place_of(rows[at]);
      const Index slot = storage.slot_of(place);
      const FoldedRows result = fold_rows(storage, place, slot, reward_, fold);
      const bool terminated = result.link.terminated();
      if (!folded.reward.empty()) folded.reward[at] = result.reward;
      if (!folded.discount.empty()) {
        folded.discount[at] = terminated ? 0.0f : static_cast<float>(result.discount);
      }
      if (!folded.steps.empty()) folded.steps[at] = static_cast<std::int32_t>(result.steps);
      if (!folded.terminated.empty()) folded.terminated[at] = terminated ? 1 : 0;
      const std::byte* const now = storage.record(slot);
      const std::byte* const after = storage.next_states(result.last, result.link);
      for (const Copy& copy : copies_) {
        copy(copy.target.after ? after : now, at);
      }
    }
  };
  const Index grain = std::max<Index>(1, kBytesPerBlock / static_cast<Index>(row_bytes_));
  parallel_for(threads, std::ssize(rows), grain, copy_rows);
}

}  // namespace palaestra::replay
