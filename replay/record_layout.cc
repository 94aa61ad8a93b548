#include <palaestra/replay/record_layout.h>

#include <algorithm>
#include <bit>
#include <numeric>

#include <palaestra/core/error.h>

namespace palaestra::replay {
namespace {

constexpr std::size_t kLine = 64;
constexpr Index kMaxRowBytes = Index{1} << 30;

std::size_t round_up(std::size_t value, std::size_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

void require_column(const std::vector<ColumnSpec>& columns, std::size_t i) {
  const ColumnSpec& column = columns[i];
  require(!column.name.empty(), "WeightedReplayBuffer: column ", i, " has no name");
  require(column.name != "terminated" && column.name != "truncated",
          "WeightedReplayBuffer: column \"", column.name,
          "\" is kept for every buffer and cannot be declared");
  for (std::size_t j = 0; j < i; ++j) {
    require(columns[j].name != column.name, "WeightedReplayBuffer: column \"", column.name,
            "\" is declared twice");
  }
  Index bytes = static_cast<Index>(size_of(column.dtype));
  for (const Index extent : column.shape) {
    require(extent >= 1, "WeightedReplayBuffer: column \"", column.name, "\" has an extent of ",
            extent, ", expected at least 1");
    require(extent <= kMaxRowBytes / bytes, "WeightedReplayBuffer: column \"", column.name,
            "\" is wider than 1 GiB");
    bytes *= extent;
  }
  require(column.name != "reward" ||
              (column.dtype == DType::kFloat32 && column.width() == 1 && !column.state),
          "WeightedReplayBuffer: column \"reward\" has ", column.width(), " x ",
          name_of(column.dtype), ", expected one float32");
}

}  // namespace

RecordLayout::RecordLayout(const std::vector<ColumnSpec>& columns) : offset(columns.size()) {
  require(!columns.empty(), "WeightedReplayBuffer: no columns were given, expected at least one");
  for (std::size_t i = 0; i < columns.size(); ++i) {
    require_column(columns, i);
  }
  // states first, then the widest elements first: each column is aligned and no gap is left
  std::vector<std::size_t> order(columns.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (columns[a].state != columns[b].state) {
      return columns[a].state;
    }
    return size_of(columns[a].dtype) > size_of(columns[b].dtype);
  });
  std::size_t end = 0, alignment = alignof(std::int32_t);
  for (const std::size_t i : order) {
    const std::size_t element = size_of(columns[i].dtype);
    alignment = std::max(alignment, element);
    offset[i] = round_up(end, element);
    end = offset[i] + columns[i].bytes();
    if (columns[i].state) {
      state_bytes = end;
    }
  }
  link_offset = round_up(end, alignof(std::int32_t));
  used = link_offset + sizeof(std::int32_t);
  // small records divide a line, larger ones start at one unless that wastes over a quarter
  stride = used <= kLine ? std::bit_ceil(used) : round_up(used, kLine);
  if (stride * 3 > used * 4) {
    stride = round_up(used, std::max<std::size_t>(alignment, 8));
  }
}

}  // namespace palaestra::replay
