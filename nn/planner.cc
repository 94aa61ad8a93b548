#include <palaestra/nn/planner.h>

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace palaestra::nn::detail {
namespace {

constexpr Index kAlignment = 16;

Index aligned(Index n) { return (n + kAlignment - 1) / kAlignment * kAlignment; }

/// Buffers that share memory by reuse, seen as one with the union of their lives.
struct Region {
  Index size = 0, offset = 0;
  int first = 0, last = 0;
};

}  // namespace

Index plan_buffers(std::vector<Buffer>& buffers) {
  std::vector<Region> regions;
  std::vector<std::size_t> region_of(buffers.size());
  for (std::size_t i = 0; i < buffers.size(); ++i) {  // in order of birth
    const Buffer& b = buffers[i];
    if (b.reuses >= 0) {
      region_of[i] = region_of[static_cast<std::size_t>(b.reuses)];
      Region& r = regions[region_of[i]];
      r.last = std::max(r.last, b.last);
      r.size = std::max(r.size, b.size);
    } else {
      region_of[i] = regions.size();
      regions.push_back({b.size, 0, b.first, b.last});
    }
  }

  // largest first, each at the lowest place free during its whole life
  std::vector<std::size_t> order(regions.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return regions[a].size > regions[b].size; });
  std::vector<std::size_t> placed;  // by offset
  Index total = 0;
  for (const std::size_t i : order) {
    Region& region = regions[i];
    Index offset = 0;
    for (const std::size_t j : placed) {
      const Region& other = regions[j];
      if (other.last < region.first || region.last < other.first) continue;
      if (offset + aligned(region.size) <= other.offset) break;
      offset = std::max(offset, other.offset + aligned(other.size));
    }
    region.offset = offset;
    total = std::max(total, offset + aligned(region.size));
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i,
                                   [&](std::size_t a, std::size_t b) {
                                     return regions[a].offset < regions[b].offset;
                                   }),
                  i);
  }
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    buffers[i].offset = regions[region_of[i]].offset;
  }
  return total;
}

}  // namespace palaestra::nn::detail
