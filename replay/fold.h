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

/// Folds the rows from `place`, which lies in `slot`, on. `reward` is the offset of that column in
/// a record.
inline FoldedRows fold_rows(const Storage& storage, Storage::Place place, Index slot,
                            std::size_t reward, const Fold& fold) {
  const auto reward_at = [&](Index at) {
    float value;
    std::memcpy(&value, storage.record(at) + reward, sizeof value);
    return value;
  };
  FoldedRows result{reward_at(slot), fold.discount, 1, place, storage.link(slot)};
  double sum = static_cast<double>(result.reward);
  while (result.steps < fold.n_step && !result.link.ends() && place.ahead > 1) {
    const Index next = storage.next_slot(place);
    place = {place.lane, next - storage.first_slot(place.lane), place.ahead - 1};
    sum += result.discount * static_cast<double>(reward_at(next));
    result.discount *= fold.discount;
    result.link = storage.link(next);
    ++result.steps;
  }
  result.reward = static_cast<float>(sum);
  result.last = place;
  return result;
}

}  // namespace palaestra::replay
