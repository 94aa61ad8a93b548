#include <palaestra/agents/sac/losses.h>

namespace palaestra::agents::sac {

using nn::Axis;
using nn::Expr;
using nn::kBatch;

namespace {

Expr log_temperature(nn::Graph& graph) { return nn::parameter(graph, "log_temperature", 0, {}); }

}  // namespace

Expr temperature(nn::Graph& graph) { return exp(log_temperature(graph)); }

CriticLoss critic_loss(const Actor& actor, const Critic& critic, const Critic& target_critic,
                       const Transitions& batch, Expr next_noise, const Masks& masks,
                       bool entropy_backup, Expr next_alive) {
  auto [next_action, next_log_prob] = actor(batch.next_observation, "actor").sample(next_noise);
  if (next_alive.id() >= 0) {
    next_action = next_action * next_alive;
    next_log_prob = next_log_prob * next_alive;
  }
  Expr next_value = min_over_members(
      target_critic(batch.next_observation, next_action, "target_critic", masks.target));
  if (entropy_backup) {
    next_value = next_value - temperature(next_noise.graph()) * next_log_prob;
  }
  const Expr target = stop_gradient(batch.reward + batch.discount * next_value);
  const Expr value = critic(batch.observation, batch.action, "critic", masks.critic);
  const Expr errors = sum(square(value - target), Axis::kMembers);
  return {.loss = 0.5 * mean(batch.weight * errors), .value = value, .target = target};
}

ActorLoss actor_loss(const Actor& actor, const Critic& critic, Expr observation, Expr noise,
                     const std::vector<Expr>& masks, bool mean_value, Expr alive) {
  const auto [action, log_prob] = actor(observation, "actor").sample(noise);
  const Expr values = critic(observation, action, "critic", masks);
  const Expr value = mean_value ? mean(values, Axis::kMembers) : min_over_members(values);
  return {.loss = mean_alive(temperature(noise.graph()) * log_prob - value, alive),
          .log_prob = log_prob};
}

Expr temperature_loss(Expr log_prob, double target_entropy, Expr alive) {
  return -(log_temperature(log_prob.graph()) *
           mean_alive(stop_gradient(log_prob) + target_entropy, alive));
}

}  // namespace palaestra::agents::sac
