#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include <palaestra/core/random.h>
#include <palaestra/replay/sum_tree.h>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

/// The item under a mass, by walking over all weights.
std::vector<Index> find(const SumTree& tree, std::vector<double> mass) {
  std::vector<Index> items(mass.size());
  tree.find(mass, items);
  return items;
}

}  // namespace

TEST_CASE("the tree agrees with a plain list under random operations") {
  for (const Index size : {1, 2, 15, 16, 17, 255, 256, 257, 1000, 5000}) {
    CAPTURE(size);
    Stream random(1, purpose("test/tree"), static_cast<std::uint64_t>(size));
    SumTree tree(size);
    std::vector<float> list(static_cast<std::size_t>(size), 0.0f);
    CHECK(tree.total() == 0.0);
    CHECK(tree.smallest() == std::numeric_limits<float>::infinity());
    for (int round = 0; round < 60; ++round) {
      std::vector<Index> items(static_cast<std::size_t>(1 + random.below(40)));
      std::vector<float> weights(items.size());
      for (std::size_t i = 0; i < items.size(); ++i) {
        items[i] = random.below(size);
        // eighths: sums are exact, so that the plain walk is an exact oracle
        weights[i] = random.below(4) == 0 ? 0.0f : static_cast<float>(random.below(1000)) / 8.0f;
        list[static_cast<std::size_t>(items[i])] = weights[i];
      }
      tree.set(items, weights);
      double total = 0;
      float smallest = std::numeric_limits<float>::infinity();
      for (const float weight : list) {
        total += static_cast<double>(weight);
        smallest = weight > 0 ? std::min(smallest, weight) : smallest;
      }
      REQUIRE(tree.total() == total);
      REQUIRE(tree.smallest() == smallest);
      REQUIRE(std::equal(list.begin(), list.end(), tree.weights().begin()));
      for (int k = 0; k < 20 && total > 0; ++k) {
        const double mass = std::floor(random.uniform() * total * 8) / 8;  // often on a boundary
        double sum = 0;
        Index expected = 0;
        while (sum + static_cast<double>(list[static_cast<std::size_t>(expected)]) <= mass) {
          sum += static_cast<double>(list[static_cast<std::size_t>(expected++)]);
        }
        REQUIRE(find(tree, {mass})[0] == expected);
      }
    }
  }
}

TEST_CASE("an item of weight zero is never found, whatever the magnitudes") {
  const Index size = 4096;
  Stream random(2, purpose("test/zeros"));
  for (int round = 0; round < 20; ++round) {
    SumTree tree(size);
    std::vector<float> weights(static_cast<std::size_t>(size));
    for (float& weight : weights) {
      const auto exponent = static_cast<float>(random.below(61) - 30);
      weight = random.below(3) == 0 ? std::exp2(exponent) * 1.2345f : 0.0f;
    }
    tree.assign(weights);
    std::vector<double> mass;
    mass.reserve(2003);
    for (int k = 0; k < 2000; ++k) {
      mass.push_back(random.uniform() * tree.total());
    }
    mass.push_back(0.0);
    mass.push_back(tree.total());
    mass.push_back(std::nextafter(tree.total(), 0.0));
    for (const Index item : find(tree, mass)) {
      REQUIRE(item >= 0);
      REQUIRE(item < size);
      REQUIRE(weights[static_cast<std::size_t>(item)] > 0.0f);
    }
  }
}

TEST_CASE("sums depend on the weights alone, not on how they came about") {
  const Index size = 3000;
  Stream random(3, purpose("test/history"));
  SumTree one(size), other(size);
  std::vector<float> weights(static_cast<std::size_t>(size));
  for (int k = 0; k < 20000; ++k) {
    const Index item = random.below(size);
    const auto weight = static_cast<float>(std::exp(10 * random.normal()));
    one.set(std::span(&item, 1), std::span(&weight, 1));
    weights[static_cast<std::size_t>(item)] = weight;
  }
  other.assign(weights);
  CHECK(one.total() == other.total());
  std::vector<double> mass;
  mass.reserve(1000);
  for (int k = 0; k < 1000; ++k) {
    mass.push_back(random.uniform() * one.total());
  }
  CHECK(find(one, mass) == find(other, mass));
}

TEST_CASE("the last item and a single non-zero item are found") {
  for (const Index size : {1, 16, 17, 4097}) {
    SumTree tree(size);
    const Index last = size - 1;
    const float tiny = std::numeric_limits<float>::denorm_min();
    tree.set(std::span(&last, 1), std::span(&tiny, 1));
    CHECK(find(tree, {0.0, 0.5 * tree.total(), tree.total()}) ==
          std::vector<Index>{last, last, last});
    const float zero = 0.0f;
    tree.set(std::span(&last, 1), std::span(&zero, 1));
    CHECK(tree.total() == 0.0);
  }
}
