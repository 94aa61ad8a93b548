#include <palaestra/agents/iqlearn/losses.h>

#include <palaestra/agents/transitions.h>

namespace palaestra::agents::iqlearn {

using nn::Axis;
using nn::Expr;
using nn::kBatch;

namespace {

/// Σ w x / Σ w; 0 where there is no weight.
Expr mean_by(Expr weight, Expr x) {
  const Expr least = nn::constant(x.graph(), 1e-30);
  return sum(weight * x) / maximum(sum(weight), least);
}

}  // namespace

Rows row_inputs(nn::Graph& graph, Index observation_size, Index action_size) {
  const auto column = [&](std::string_view name, Index width) {
    return nn::input(graph, name, {1, kBatch, width});
  };
  return {.observation = column("observation", observation_size),
          .action = column("action", action_size),
          .next_observation = column("next_observation", observation_size),
          .discount = column("discount", 1),
          .weight = column("weight", 1),
          .expert = column("expert", 1)};
}

Expr value_of_numbers(const sac::Actor& actor, const Critic& critic, Expr observation, Expr noise,
                      Expr temperature, std::string_view vector, Expr alive) {
  auto [action, log_prob] = actor(observation, "actor").sample(noise);
  if (alive.id() >= 0) {
    action = action * alive;
    log_prob = log_prob * alive;
  }
  return min_over_members(critic(observation, action, vector)) - temperature * log_prob;
}

Expr value_of_choices(const ChoiceCritic& critic, Expr observation, Expr temperature,
                      std::string_view vector) {
  const Expr q = min_over_members(critic(observation, vector));
  return temperature * log_sum_exp(q / temperature);
}

std::string_view next_vector(const IqLearnConfig& config) {
  return config.target_network ? "target_critic" : "critic";
}

Values values_of_numbers(const IqLearnConfig& config, const sac::Actor& actor, const Critic& critic,
                         const Rows& rows, Expr noise, Expr next_noise, Expr temperature) {
  const auto alive_in = [&](Expr state) { return config.absorbing ? alive(state) : Expr{}; };
  return {.q = critic(rows.observation, rows.action, "critic"),
          .v = value_of_numbers(actor, critic, rows.observation, noise, temperature, "critic",
                                alive_in(rows.observation)),
          .next_v = value_of_numbers(actor, critic, rows.next_observation, next_noise, temperature,
                                     next_vector(config), alive_in(rows.next_observation))};
}

Values values_of_choices(const IqLearnConfig& config, const ChoiceCritic& critic, const Rows& rows,
                         Expr temperature) {
  return {
      .q = pick_column(critic(rows.observation, "critic"), rows.action),
      .v = value_of_choices(critic, rows.observation, temperature, "critic"),
      .next_v = value_of_choices(critic, rows.next_observation, temperature, next_vector(config))};
}

Objective objective(const IqLearnConfig& config, const Values& values, const Rows& rows) {
  const Expr all = rows.weight, expert = rows.weight * rows.expert;
  const Expr own = rows.weight * (1 - rows.expert);
  const Expr y = rows.discount * values.next_v;
  const Expr r = values.q - y;
  const Expr mean_r = mean(r, Axis::kMembers);

  Expr value_term;
  switch (config.value_term) {
    case ValueTerm::kValue:
      value_term = mean_by(all, values.v - y);
      break;
    case ValueTerm::kValueExpert:
      value_term = mean_by(expert, values.v - y);
      break;
    case ValueTerm::kV0:
      value_term = (1 - config.discount) * mean_by(expert, values.v);
      break;
  }
  const Expr squares = mean(square(r), Axis::kMembers);
  const Expr chi2_term =
      mean_by(config.regularize ? all : expert, squares) / (4 * config.chi2_scale);
  const Expr expert_reward = mean_by(expert, mean_r);
  return {.loss = value_term + chi2_term - expert_reward,
          .value_term = value_term,
          .chi2_term = chi2_term,
          .expert_reward = expert_reward,
          .own_reward = mean_by(own, mean_r)};
}

}  // namespace palaestra::agents::iqlearn
