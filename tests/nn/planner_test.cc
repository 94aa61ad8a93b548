#include <palaestra/nn/planner.h>

#include <doctest/doctest.h>

#include <algorithm>

#include <palaestra/core/random.h>

namespace palaestra::nn::detail {
namespace {

bool overlap(const Buffer& a, const Buffer& b) {
  return a.offset < b.offset + b.size && b.offset < a.offset + a.size;
}

TEST_CASE("buffers that live at the same time never share memory") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Stream random(seed, purpose("tests/planner"));
    std::vector<Buffer> buffers;
    int birth = 0;
    for (int i = 0; i < 40; ++i) {
      birth += static_cast<int>(random.below(3));
      Buffer b{.size = 1 + random.below(1000),
               .first = birth,
               .last = birth + static_cast<int>(random.below(6))};
      for (std::size_t j = 0; j < buffers.size(); ++j) {  // one that dies here, not taken yet
        const auto takes = [&](const Buffer& o) { return o.reuses == static_cast<int>(j); };
        if (buffers[j].last == b.first && buffers[j].first < b.first &&
            std::ranges::none_of(buffers, takes) && random.below(2) == 0) {
          b.reuses = static_cast<int>(j);
          b.size = buffers[j].size;
          break;
        }
      }
      buffers.push_back(b);
    }
    const Index total = plan_buffers(buffers);
    Index sum = 0, alive = 0;
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      const Buffer& a = buffers[i];
      CHECK(a.offset % 16 == 0);
      CHECK(a.offset + a.size <= total);
      if (a.reuses >= 0) CHECK(a.offset == buffers[static_cast<std::size_t>(a.reuses)].offset);
      sum += (a.size + 15) / 16 * 16;
      Index here = 0;
      for (std::size_t j = 0; j < buffers.size(); ++j) {
        const Buffer& b = buffers[j];
        const bool together = a.first <= b.last && b.first <= a.last;
        const bool passed_on = a.reuses == static_cast<int>(j) || b.reuses == static_cast<int>(i);
        if (i != j && together && !passed_on) CHECK_FALSE(overlap(a, b));
        if (b.first < a.first && a.first < b.last) here += b.size;
      }
      alive = std::max(alive, here);
    }
    CHECK(total >= alive);
    CHECK(total < sum);  // some memory was used twice
  }
}

TEST_CASE("a chain of values needs the memory of two") {
  std::vector<Buffer> chain;
  chain.reserve(20);
  for (int i = 0; i < 20; ++i) chain.push_back({.size = 64, .first = i, .last = i + 1});
  CHECK(plan_buffers(chain) == 128);
}

}  // namespace
}  // namespace palaestra::nn::detail
