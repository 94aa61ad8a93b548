#include <palaestra/agents/transitions.h>

#include <palaestra/core/error.h>

namespace palaestra::agents {

Transitions transition_inputs(nn::Graph& graph, Index observation_size, Index action_size) {
  const auto column = [&](std::string_view name, Index width) {
    return nn::input(graph, name, {1, nn::kBatch, width});
  };
  return {.observation = column("observation", observation_size),
          .action = column("action", action_size),
          .reward = column("reward", 1),
          .discount = column("discount", 1),
          .weight = column("weight", 1),
          .next_observation = column("next_observation", observation_size)};
}

nn::Expr alive(nn::Expr observation) {
  return 1 - nn::columns(observation, observation.shape().columns - 1, 1);
}

nn::Expr mean_alive(nn::Expr x, nn::Expr alive) {
  if (alive.id() < 0) return mean(x);
  return sum(alive * x) / maximum(sum(alive), nn::constant(x.graph(), 1));
}

void check_transitions(std::string_view agent, const replay::Minibatch& batch, Index most,
                       Index observation_size, Index action_size) {
  require(batch.rows >= 1 && batch.rows <= most, agent, ": the batch has ", batch.rows,
          " rows, must be within [1, batch_size = ", most, "]");
  const auto column = [&](std::string_view name, std::size_t got, Index width) {
    require(static_cast<Index>(got) == batch.rows * width, agent, ": column \"", name,
            "\" of the batch has ", got, " numbers, expected ", batch.rows, " x ", width);
  };
  column("observation", batch.observation.size(), observation_size);
  column("action", batch.action.size(), action_size);
  column("reward", batch.reward.size(), 1);
  column("discount", batch.discount.size(), 1);
  column("next_observation", batch.next_observation.size(), observation_size);
  column("weight", batch.weight.size(), 1);
}

}  // namespace palaestra::agents
