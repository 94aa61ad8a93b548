#include <palaestra/agents/decision_transformer/losses.h>

namespace palaestra::agents::decision_transformer {

using nn::Axis;
using nn::Expr;

Windows window_inputs(nn::Graph& graph, const doc::Task& task, Index context) {
  const Index rows = nn::batch(0, context);
  return {.to_go = nn::input(graph, "to_go", {1, rows, 1}),
          .observation = nn::input(graph, "observation", {1, rows, task.observation_width()}),
          .action = nn::input(graph, "action", {1, rows, task.action_width()}),
          .weight = nn::input(graph, "weight", {1, rows, 1})};
}

Expr imitation_loss(const Policy& policy, const Windows& w,
                    const sequence::Dropout::Factors& dropout) {
  const Expr out = policy(policy.features(w.to_go, w.observation, w.action, dropout));
  const Expr each = policy.counted_actions
                        ? -nn::sum(nn::log_softmax(out) * w.action, Axis::kColumns)
                        : nn::mean(nn::square(out - w.action), Axis::kColumns);
  return nn::sum(w.weight * each);
}

}  // namespace palaestra::agents::decision_transformer
