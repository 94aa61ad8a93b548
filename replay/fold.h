#pragma once

#include <cstring>

#include <palaestra/replay/gather.h>

namespace palaestra::replay {

/// Up to n_step rows from one on: m of them, fewer where the episode ends or the lane has no more.
struct FoldedRows {
  float reward;         ///< sum over k < m of gamma^k reward of row i + k, summed in double
  double discount;      ///< gamma^m, whether or not the last row terminated
  Index steps;          ///< m
  Storage::Place last;  ///< row i + m - 1
  Link link;            ///< of the last row
};

/// The row at `place`, which lies in `slot`, alone. `reward` is the offset of that column in a
/// record.
inline FoldedRows one_row(const Storage& storage, const Storage::Place& place, Index slot,
                          std::size_t reward, const Fold& fold) {
  FoldedRows row{0, fold.discount, 1, place, storage.link(slot)};
  std::memcpy(&row.reward, storage.record(slot) + reward, sizeof row.reward);
  return row;
}

/// Folds the rows from `place` on.
inline FoldedRows fold_rows(const Storage& storage, const Storage::Place& place, Index slot,
                            std::size_t reward, const Fold& fold) {
  FoldedRows sum = one_row(storage, place, slot, reward, fold);
  double rewards = static_cast<double>(sum.reward);
  while (sum.steps < fold.n_step && !sum.link.ends() && sum.last.ahead > 1) {
    const Index next = storage.next_slot(sum.last);
    const Storage::Place there{sum.last.lane, next - storage.first_slot(sum.last.lane),
                               sum.last.ahead - 1};
    const FoldedRows row = one_row(storage, there, next, reward, fold);
    rewards += sum.discount * static_cast<double>(row.reward);
    sum.discount *= fold.discount;
    sum.last = there;
    sum.link = row.link;
    ++sum.steps;
  }
  sum.reward = static_cast<float>(rewards);
  return sum;
}

}  // namespace palaestra::replay
