#include <palaestra/replay/reached_rows.h>

#include <algorithm>

#include <palaestra/core/error.h>
#include <palaestra/replay/neighbours.h>

namespace palaestra::replay {
namespace {

constexpr std::string_view kName = "ReachedRows";

}  // namespace

ReachedRows::ReachedRows(const Storage& storage, const GoalColumns& columns, GoalReached reached)
    : achieved_(storage, columns.achieved, kName),
      desired_(storage, columns.desired, kName),
      reached_(std::move(reached)),
      lanes_(static_cast<std::size_t>(storage.lanes())),
      before_(lanes_.size() + 1, 0),
      achieved_now_(static_cast<std::size_t>(kChunk * achieved_.width())),
      desired_now_(static_cast<std::size_t>(kChunk * desired_.width())),
      answer_(static_cast<std::size_t>(kChunk)) {
  require_neighbours(storage, kName);
  require(achieved_.state(), kName, ": column \"", columns.achieved, "\" is no state");
  require(achieved_.width() == desired_.width(), kName, ": column \"", columns.achieved, "\" has ",
          achieved_.width(), " numbers, \"", columns.desired, "\" has ", desired_.width());
  require(static_cast<bool>(reached_), kName, ": no function says what a reached goal is");
}

void ReachedRows::look(const Storage& storage, Index lane, Index first, Index end) {
  const auto width = static_cast<std::size_t>(achieved_.width());
  const auto rows = static_cast<std::size_t>(end - first);
  for (std::size_t i = 0; i < rows; ++i) {
    const RowId row = row_id(lane, first + static_cast<Index>(i));
    const Index slot = storage.slot_of(storage.place_of(row));
    achieved_.next(storage, row, slot, &achieved_now_[i * width]);
    if (desired_.state()) {
      desired_.next(storage, row, slot, &desired_now_[i * width]);
    } else {
      desired_.now(storage, slot, &desired_now_[i * width]);
    }
  }
  const auto answer = std::span(answer_).first(rows);
  reached_(std::span(achieved_now_).first(rows * width),
           std::span(desired_now_).first(rows * width), answer);
  for (std::size_t i = 0; i < rows; ++i) {
    if (answer[i] != 0) {
      lanes_[static_cast<std::size_t>(lane)].rows.push_back(first + static_cast<Index>(i));
    }
  }
}

void ReachedRows::follow(const Storage& storage) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    Lane& lane = lanes_[i];
    const auto index = static_cast<Index>(i);
    const Index oldest = storage.oldest(index), end = oldest + storage.size(index);
    for (Index first = std::max(lane.seen, oldest); first < end; first = lane.seen) {
      const Index last = std::min(end, first + kChunk);
      look(storage, index, first, last);
      lane.seen = last;  // what was answered is not asked again, should the function throw
    }
    lane.seen = std::max(lane.seen, end);
    while (lane.begin < lane.rows.size() && lane.rows[lane.begin] < oldest) {
      ++lane.begin;
    }
    if (lane.begin > lane.rows.size() / 2) {
      lane.rows.erase(lane.rows.begin(),
                      lane.rows.begin() + static_cast<std::ptrdiff_t>(lane.begin));
      lane.begin = 0;
    }
    before_[i + 1] = before_[i] + static_cast<Index>(lane.rows.size() - lane.begin);
  }
}

RowId ReachedRows::at(Index k) const {
  const auto behind = std::upper_bound(before_.begin() + 1, before_.end(), k);
  const auto lane = static_cast<std::size_t>(behind - before_.begin()) - 1;
  const auto at = lanes_[lane].begin + static_cast<std::size_t>(k - before_[lane]);
  return row_id(static_cast<Index>(lane), lanes_[lane].rows[at]);
}

}  // namespace palaestra::replay
