#include <palaestra/replay/returns.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include <palaestra/core/error.h>
#include <palaestra/replay/neighbours.h>

namespace palaestra::replay {
namespace {

void require_discount(double discount, std::string_view caller) {
  require(discount >= 0.0 && discount <= 1.0, caller, ": discount is ", discount,
          ", expected 0 to 1");
}

void require_options(const ReturnOptions& options, std::string_view caller) {
  require_discount(options.discount, caller);
  require(std::isfinite(options.truncated.value) && std::isfinite(options.open.value), caller,
          ": the value of a remainder is not finite");
}

std::size_t reward_offset(const Storage& storage, std::string_view caller) {
  return storage.layout().offset[find_column(storage.columns(), "reward", caller)];
}

double reward_at(const Storage& storage, Index slot, std::size_t offset) {
  float reward;
  std::memcpy(&reward, storage.record(slot) + offset, sizeof reward);
  return static_cast<double>(reward);
}

/// What follows the last row of an episode; not a number where nobody knows.
double remainder(const ReturnOptions& options, EpisodeEnd end) {
  if (end == EpisodeEnd::kTerminated) {
    return 0.0;
  }
  const Remainder& rest = end == EpisodeEnd::kTruncated ? options.truncated : options.open;
  return rest.kind == Remainder::Kind::kValue ? rest.value
                                              : std::numeric_limits<double>::quiet_NaN();
}

EpisodeEnd end_of(Link link) {
  return link.terminated()  ? EpisodeEnd::kTerminated
         : link.truncated() ? EpisodeEnd::kTruncated
                            : EpisodeEnd::kOpen;
}

ReturnToGo walk(const Storage& storage, RowId row, double discount, std::size_t offset) {
  ReturnToGo result;
  const Index ahead = storage.place_of(row).ahead;
  for (Index k = 0; k < ahead; ++k) {
    const Index slot = storage.slot_of(storage.place_of(row + k));
    result.sum += result.discount * reward_at(storage, slot, offset);
    result.discount *= discount;
    result.steps = k + 1;
    result.last = row + k;
    const Link link = storage.link(slot);
    result.end = end_of(link);
    if (link.ends()) {
      break;
    }
  }
  return result;
}

void require_stored(const Storage& storage, RowId row, std::string_view caller) {
  require(storage.presence(row) == Storage::Presence::kStored, caller, ": row id ", row,
          " is not stored");
}

}  // namespace

ReturnToGo return_to_go(const Storage& storage, RowId row, double discount) {
  require_discount(discount, "return_to_go");
  require_neighbours(storage, "return_to_go");
  require_stored(storage, row, "return_to_go");
  return walk(storage, row, discount, reward_offset(storage, "return_to_go"));
}

void returns_to_go(const Storage& storage, std::span<const RowId> rows,
                   const ReturnOptions& options, std::span<float> out) {
  constexpr std::string_view kCaller = "returns_to_go";
  require_options(options, kCaller);
  require_neighbours(storage, kCaller);
  require(rows.size() == out.size(), kCaller, ": room for ", out.size(), " returns of ",
          rows.size(), " rows");
  const std::size_t offset = reward_offset(storage, kCaller);
  for (const RowId row : rows) {
    require_stored(storage, row, kCaller);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const ReturnToGo known = walk(storage, rows[i], options.discount, offset);
    out[i] = static_cast<float>(known.sum + known.discount * remainder(options, known.end));
  }
}

ReturnColumn::ReturnColumn(const Storage& storage, std::string_view column,
                           const ReturnOptions& options)
    : column_(column),
      reward_offset_(reward_offset(storage, "ReturnColumn")),
      options_(options),
      closed_(static_cast<std::size_t>(storage.lanes()), 0),
      seen_(closed_.size(), 0) {
  require_options(options, "ReturnColumn");
  require_neighbours(storage, "ReturnColumn");
  const ColumnSpec& spec =
      storage.columns()[find_column(storage.columns(), column, "ReturnColumn")];
  require(spec.dtype == DType::kFloat32 && spec.width() == 1 && !spec.state && column != "reward",
          "ReturnColumn: column \"", column, "\" is ", spec.width(), " x ", name_of(spec.dtype),
          spec.state ? ", a state" : "", "; expected one float32, no state and not the reward");
}

bool ReturnColumn::close(const Storage& storage, Index lane, Index begin, Index end) {
  const auto slot_of = [&](Index number) {
    return storage.slot_of(storage.place_of(row_id(lane, number)));
  };
  double sum = remainder(options_, end_of(storage.link(slot_of(end - 1))));
  if (std::isnan(sum)) {
    return false;
  }
  rows_.resize(static_cast<std::size_t>(end - begin));
  returns_.resize(rows_.size());
  for (Index number = end; number-- > begin;) {
    sum = reward_at(storage, slot_of(number), reward_offset_) + options_.discount * sum;
    const auto at = static_cast<std::size_t>(number - begin);
    rows_[at] = row_id(lane, number);
    returns_[at] = static_cast<float>(sum);
  }
  return true;
}

template <class Write>
Index ReturnColumn::follow(const Storage& storage, const Write& write) {
  Index written = 0;
  for (Index lane = 0; lane < storage.lanes(); ++lane) {
    Index& closed = closed_[static_cast<std::size_t>(lane)];
    Index& seen = seen_[static_cast<std::size_t>(lane)];
    const Index oldest = storage.oldest(lane), end = oldest + storage.size(lane);
    closed = std::max(closed, oldest);
    // the last row looked at may have been cut off since
    for (Index number = std::max(closed, seen - 1); number < end; ++number) {
      if (!storage.link(storage.slot_of(storage.place_of(row_id(lane, number)))).ends()) {
        continue;
      }
      if (close(storage, lane, closed, number + 1)) {
        write();
        written += std::ssize(rows_);
      }
      closed = number + 1;
    }
    seen = end;
  }
  return written;
}

Index ReturnColumn::follow(Storage& storage) {
  return follow(storage, [&] { storage.write(column_, rows_, returns_); });
}

Index ReturnColumn::follow(WeightedReplayBuffer& buffer) {
  return follow(buffer.storage(), [&] { buffer.write(column_, rows_, returns_); });
}

}  // namespace palaestra::replay
