#include <palaestra/replay/diagnostics.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::replay {
namespace {

template <class T>
double effective(std::span<const T> weights) {
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const auto w = static_cast<double>(weights[i]);
    require(std::isfinite(w) && w >= 0.0, "effective_sample_size: weight ", i, " is ", w,
            ", expected a finite number, 0 or more");
    sum += w;
    squares += w * w;
  }
  return squares > 0.0 ? sum * sum / squares : 0.0;
}

void require_stored(const Storage& storage, RowId row, std::string_view caller) {
  require(storage.presence(row) == Storage::Presence::kStored, caller, ": row id ", row,
          " is not stored");
}

}  // namespace

double effective_sample_size(std::span<const float> weights) { return effective(weights); }
double effective_sample_size(std::span<const double> weights) { return effective(weights); }

std::vector<Index> group_histogram(const WeightedReplayBuffer& buffer,
                                   std::span<const RowId> rows) {
  const Groups& groups = buffer.groups();
  std::vector<Index> ids;
  for (Index k = 0; k < groups.size(); ++k) ids.push_back(groups.info(k).id);  // ascending
  std::vector<Index> counts(ids.size() + 1);
  for (const RowId row : rows) {
    require_stored(buffer.storage(), row, "group_histogram");
    const Index group = groups.group_of(row);
    const auto found = std::lower_bound(ids.begin(), ids.end(), group);
    ++counts[group < 0 ? ids.size() : static_cast<std::size_t>(found - ids.begin())];
  }
  return counts;
}

AgeSummary age_summary(const WeightedReplayBuffer& buffer, std::span<const RowId> rows) {
  require(!rows.empty(), "age_summary: no rows were given, expected at least one");
  const Storage& storage = buffer.storage();
  AgeSummary summary;
  std::vector<Index> ages;
  for (const RowId row : rows) {
    require_stored(storage, row, "age_summary");
    const Index lane = lane_of(row);
    ages.push_back(storage.next(lane) - 1 - sequence_of(row));
    const Index span = storage.next(lane) - storage.oldest(lane);
    ++summary.tenths[static_cast<std::size_t>(10 * ages.back() / span)];
    summary.mean += static_cast<double>(ages.back()) / static_cast<double>(rows.size());
  }
  std::sort(ages.begin(), ages.end());
  summary.youngest = ages.front();
  summary.oldest = ages.back();
  const std::size_t half = ages.size() / 2;
  summary.median = ages.size() % 2 == 1 ? static_cast<double>(ages[half])
                                        : static_cast<double>(ages[half - 1] + ages[half]) / 2;
  return summary;
}

PrioritySummary priority_summary(const WeightedReplayBuffer& buffer) {
  require(buffer.priorities().kind() != PriorityKind::kNone,
          "priority_summary: this buffer keeps no priorities (BufferOptions::priorities)");
  const Storage& storage = buffer.storage();
  std::vector<float> weights;
  for (Index k = 0; k < storage.size(); ++k) {
    weights.push_back(buffer.priorities().weight(storage.slot_of(storage.locate(k))));
  }
  PrioritySummary summary{.rows = storage.size(),
                          .effective_rows = effective_sample_size(std::span<const float>(weights))};
  for (const float w : weights) {
    summary.mean += static_cast<double>(w) / static_cast<double>(weights.size());
    if (w == 0.0f) {
      ++summary.never;
      continue;
    }
    summary.smallest = summary.largest == 0.0f ? w : std::min(summary.smallest, w);
    summary.largest = std::max(summary.largest, w);
  }
  return summary;
}

}  // namespace palaestra::replay
