#pragma once

#include <cstddef>
#include <deque>
#include <unordered_map>

#include <palaestra/nn/graph.h>
#include <palaestra/nn/op.h>

namespace palaestra::nn {

/// Nodes in order of creation: an input's id is always below its user's. A deque, because
/// Expr::shape() hands out references.
struct Graph::Impl {
  std::deque<detail::Node> nodes;
  std::unordered_multimap<std::size_t, int> index;  // hash of a node -> id
};

}  // namespace palaestra::nn
