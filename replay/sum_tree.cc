#include <palaestra/replay/sum_tree.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace palaestra::replay {
namespace {

constexpr int kChildren = 16;
constexpr float kNothing = std::numeric_limits<float>::infinity();

/// The sum from left to right: the very order in which choose() walks.
template <class T>
double sum_of(const T* child) {
  double sum = 0;
  for (int i = 0; i < kChildren; ++i) {
    sum += static_cast<double>(child[i]);
  }
  return sum;
}

template <class T>
struct Choice {
  int child;
  double rest;  // of the mass, inside the child
};

/// The first child whose running sum exceeds the mass. The mass is below the sum of all, so there
/// is one, and its own weight is positive.
template <class T>
Choice<T> choose(const T* child, double mass) {
  double sum = 0, before = 0;
  int chosen = 0;
  for (int i = 0; i < kChildren; ++i) {
    sum += static_cast<double>(child[i]);
    const bool beyond = sum <= mass;
    chosen += beyond ? 1 : 0;
    before = beyond ? sum : before;
  }
  return {chosen, mass - before};
}

/// Keeps a mass inside a node: subtracting running sums rounds.
double below(double mass, double sum) { return mass < sum ? mass : std::nextafter(sum, 0.0); }

float smallest_positive(const float* weight) {
  float smallest = kNothing;
  for (int i = 0; i < kChildren; ++i) {
    smallest = std::min(smallest, weight[i] > 0 ? weight[i] : kNothing);
  }
  return smallest;
}

std::size_t groups(Index n) { return static_cast<std::size_t>((n + kChildren - 1) / kChildren); }

}  // namespace

SumTree::SumTree(Index items)
    : items_(items), weights_(groups(items) * kChildren, 0.0f), smallest_(kNothing) {
  for (Index nodes = static_cast<Index>(groups(items)); nodes > 0;
       nodes = static_cast<Index>(groups(nodes))) {
    const std::size_t padded = groups(nodes) * kChildren;
    levels_.push_back({std::vector<double>(padded, 0.0), std::vector<float>(padded, kNothing),
                       std::vector<std::uint64_t>((padded + 63) / 64, 0)});
    if (nodes <= kWidth) {
      break;
    }
  }
}

void SumTree::refresh_node(std::size_t level, Index node) {
  Level& at = levels_[level];
  const auto to = static_cast<std::size_t>(node), from = to * kChildren;
  if (level == 0) {
    at.sum[to] = sum_of(&weights_[from]);
    at.smallest[to] = smallest_positive(&weights_[from]);
  } else {
    const Level& children = levels_[level - 1];
    at.sum[to] = sum_of(&children.sum[from]);
    at.smallest[to] = smallest_positive(&children.smallest[from]);
  }
}

void SumTree::refresh_root() {
  if (!levels_.empty()) {
    total_ = sum_of(levels_.back().sum.data());
    smallest_ = smallest_positive(levels_.back().smallest.data());
  }
}

/// Marks a node; false when it was marked before.
bool SumTree::touch(std::size_t level, Index node) {
  const auto at = static_cast<std::size_t>(node);
  std::uint64_t& word = levels_[level].touched[at / 64];
  const std::uint64_t bit = std::uint64_t{1} << (at % 64);
  const bool fresh = (word & bit) == 0;
  word |= bit;
  return fresh;
}

void SumTree::set(std::span<const Index> items, std::span<const float> weights) {
  if (changed_.size() < items.size()) {
    changed_.resize(items.size());
  }
  std::size_t count = 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    weights_[static_cast<std::size_t>(items[i])] = weights[i];
    const Index node = items[i] / kWidth;
    if (touch(0, node)) {
      changed_[count++] = node;
    }
  }
  for (std::size_t level = 0; level < levels_.size(); ++level) {
    const std::size_t nodes = count;
    count = 0;
    for (std::size_t i = 0; i < nodes; ++i) {
      const Index node = changed_[i], parent = node / kWidth;
      refresh_node(level, node);
      levels_[level].touched[static_cast<std::size_t>(node) / 64] = 0;
      if (level + 1 < levels_.size() && touch(level + 1, parent)) {
        changed_[count++] = parent;  // never overtakes the reading position
      }
    }
  }
  refresh_root();
}

void SumTree::assign(std::span<const float> weights) {
  std::copy(weights.begin(), weights.end(), weights_.begin());
  for (std::size_t level = 0; level < levels_.size(); ++level) {
    const Index nodes = static_cast<Index>(
        level == 0 ? groups(items_) : groups(static_cast<Index>(levels_[level - 1].sum.size())));
    for (Index node = 0; node < nodes; ++node) {
      refresh_node(level, node);
    }
  }
  refresh_root();
}

double SumTree::sum_before(Index item) const {
  double sum = 0;
  for (Index i = item / kWidth * kWidth; i < item; ++i) {
    sum += static_cast<double>(weights_[static_cast<std::size_t>(i)]);
  }
  Index node = item / kWidth;
  for (const Level& level : levels_) {
    for (Index i = node / kWidth * kWidth; i < node; ++i) {
      sum += level.sum[static_cast<std::size_t>(i)];
    }
    node /= kWidth;
  }
  return sum;
}

void SumTree::find(std::span<double> mass, std::span<Index> item) const {
  for (std::size_t i = 0; i < mass.size(); ++i) {
    mass[i] = below(mass[i], total_);
    item[i] = 0;
  }
  // level by level over all draws: their cache misses overlap
  for (std::size_t level = levels_.size(); level-- > 0;) {
    const Level& at = levels_[level];
    for (std::size_t i = 0; i < mass.size(); ++i) {
      const auto [child, rest] =
          choose(&at.sum[static_cast<std::size_t>(item[i] * kWidth)], mass[i]);
      item[i] = item[i] * kWidth + child;
      mass[i] = below(rest, at.sum[static_cast<std::size_t>(item[i])]);
      if (level > 0) {
        __builtin_prefetch(&levels_[level - 1].sum[static_cast<std::size_t>(item[i] * kWidth)]);
        __builtin_prefetch(&levels_[level - 1].sum[static_cast<std::size_t>(item[i] * kWidth + 8)]);
      } else {
        __builtin_prefetch(&weights_[static_cast<std::size_t>(item[i] * kWidth)]);
      }
    }
  }
  for (std::size_t i = 0; i < mass.size(); ++i) {
    item[i] = item[i] * kWidth +
              choose(&weights_[static_cast<std::size_t>(item[i] * kWidth)], mass[i]).child;
  }
}

}  // namespace palaestra::replay
