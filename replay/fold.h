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

/// Loads the reward of a record; `reward` is that column's offset.
inline float reward_in(const std::byte* record, std::size_t reward) {
  float value;
  std::memcpy(&value, record + reward, sizeof value);
  return value;
}

/// Folds the rows from `place` on.
inline FoldedRows fold_rows(const Storage& storage, Storage::Place place, Index slot,
                            std::size_t reward, const Fold& fold) {
  Link link = storage.link(slot);
  double sum = static_cast<double>(reward_in(storage.record(slot), reward));
  double discount = fold.discount;
  Index steps = 1;
  while (steps < fold.n_step && !link.ends() && place.ahead > 1) {
    slot = storage.next_slot(place.lane, slot);
    place = {place.lane, slot - storage.first_slot(place.lane), place.ahead - 1};
    sum += discount * static_cast<double>(reward_in(storage.record(slot), reward));
    discount *= fold.discount;
    link = storage.link(slot);
    ++steps;
  }
  return {static_cast<float>(sum), discount, steps, place, link};
}

}  // namespace palaestra::replay
