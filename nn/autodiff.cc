#include <palaestra/core/error.h>
#include <palaestra/nn/graph_impl.h>
#include <palaestra/nn/op.h>

namespace palaestra::nn {

// Reverse mode, graph to graph: every gradient is built from ordinary expressions, so it can be
// simplified, shared, used in another loss and differentiated again.
std::vector<Expr> gradient(Expr y, const std::vector<Expr>& xs) {
  detail::require_expr("gradient", y);
  Graph& graph = y.graph();
  const auto& nodes = graph.impl().nodes;
  const auto count = static_cast<std::size_t>(y.id()) + 1;

  // which nodes depend on some x: gradients flow nowhere else
  std::vector<char> depends(count, 0);
  for (const Expr x : xs) {
    detail::require_expr("gradient", x, &graph);
    if (x.id() <= y.id()) depends[static_cast<std::size_t>(x.id())] = 1;
  }
  for (std::size_t id = 0; id < count; ++id) {
    if (nodes[id].op->vjp == nullptr) continue;
    for (const int input : nodes[id].inputs) {
      if (depends[static_cast<std::size_t>(input)]) depends[id] = 1;
    }
  }

  // a node's users have higher ids: going down, its gradient is complete when it is reached
  std::vector<Expr> gradients(count);
  gradients[count - 1] = detail::filled(graph, 1.0, y.shape());
  for (std::size_t id = count; id-- > 0;) {
    const detail::Node& node = nodes[id];
    if (!depends[id] || detail::is_null(gradients[id]) || node.op->vjp == nullptr) continue;
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

}  // namespace palaestra::nn
