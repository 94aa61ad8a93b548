#include <palaestra/core/error.h>
#include <palaestra/nn/graph_impl.h>
#include <palaestra/nn/op.h>

namespace palaestra::nn {

namespace {

/// Reverse mode, graph to graph: every gradient is built from ordinary expressions, so it can be
/// simplified, shared, used in another loss and differentiated again. With `hold` nothing goes on
/// through an x to what it was made of.
std::vector<Expr> backpropagate(Expr y, Expr seed, const std::vector<Expr>& xs, bool hold) {
  Graph& graph = y.graph();
  const auto& nodes = graph.impl().nodes;
  const auto count = static_cast<std::size_t>(y.id()) + 1;

  // which nodes depend on some x: gradients flow nowhere else
  std::vector<char> depends(count, 0), stops(count, 0);
  for (const Expr x : xs) {
    detail::require_expr("gradient", x, &graph);
    if (x.id() > y.id()) continue;
    depends[static_cast<std::size_t>(x.id())] = 1;
    stops[static_cast<std::size_t>(x.id())] = hold;
  }
  for (std::size_t id = 0; id < count; ++id) {
    if (nodes[id].op->vjp == nullptr) continue;
    for (const int input : nodes[id].inputs) {
      if (depends[static_cast<std::size_t>(input)]) depends[id] = 1;
    }
  }

  // a node's users have higher ids: going down, its gradient is complete when it is reached
  std::vector<Expr> gradients(count);
  gradients[count - 1] = seed;
  for (std::size_t id = count; id-- > 0;) {
    const detail::Node& node = nodes[id];
    if (!depends[id] || stops[id] || detail::is_null(gradients[id]) || node.op->vjp == nullptr) {
      continue;
    }
    std::vector<Expr> inputs;
    for (const int input : node.inputs) inputs.emplace_back(&graph, input);
    const Expr self(&graph, static_cast<int>(id));
    const auto contributions = node.op->vjp({self, gradients[id], inputs, node.attributes});
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const auto target = static_cast<std::size_t>(inputs[i].id());
      if (!depends[target] || detail::is_null(contributions[i])) continue;
      const Expr g = detail::reduce_to(contributions[i], inputs[i].shape());
      gradients[target] = detail::is_null(gradients[target]) ? g : gradients[target] + g;
    }
  }

  std::vector<Expr> result;
  for (const Expr x : xs) {
    const bool reached =
        x.id() <= y.id() && !detail::is_null(gradients[static_cast<std::size_t>(x.id())]);
    result.push_back(reached ? gradients[static_cast<std::size_t>(x.id())]
                             : detail::filled(graph, 0.0, x.shape()));
  }
  return result;
}

}  // namespace

std::vector<Expr> gradient(Expr y, const std::vector<Expr>& xs) {
  detail::require_expr("gradient", y);
  return backpropagate(y, detail::filled(y.graph(), 1.0, y.shape()), xs, false);
}

Expr detail::apart_from(Expr other, Expr e) {
  if (e.id() != other.id()) return e;
  // all members of e, a view that make_node() would see through
  return insert_node(e.graph(), {&kMembers, e.shape(), {e.id()}, {}, {}});
}

std::vector<Expr> detail::partial_gradients(Expr y, Expr g, const std::vector<Expr>& xs) {
  return backpropagate(y, g, xs, true);
}

}  // namespace palaestra::nn
