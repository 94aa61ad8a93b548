#pragma once

#include <memory>
#include <string_view>

#include <palaestra/nn/expr.h>

namespace palaestra::nn {

/// Owns the nodes that expressions point at. Not copied, not shared between threads. Compiling a
/// program adds nodes (its gradients) and changes none; after that the graph may go.
class Graph {
 public:
  Graph();
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  struct Impl;
  Impl& impl() const { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace palaestra::nn
