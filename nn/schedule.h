#pragma once

// Internal to nn: which nodes run, in which order, and which run together.

#include <map>
#include <vector>

#include <palaestra/nn/graph_impl.h>

namespace palaestra::nn::detail {

/// A matrix product with what was fused onto it; the last of them is the root.
struct Product {
  int matmul = -1;
  int bias = -1;
  int gate = -1;
  bool relu = false;
};

struct Schedule {
  /// Each step's nodes in order: elementwise nodes of one shape, or a single root of another kind.
  std::vector<std::vector<int>> steps;
  std::map<int, Product> products;  ///< by root
};

/// The value under any stop_gradient: the same numbers.
int without_stops(const std::deque<Node>& nodes, int id);

/// Orders everything that `roots` need. Dead nodes are left out.
Schedule make_schedule(const Graph::Impl& graph, const std::vector<int>& roots);

}  // namespace palaestra::nn::detail
