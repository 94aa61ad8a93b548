#include <palaestra/agents/bc/losses.h>

namespace palaestra::agents::bc {

using nn::Axis;
using nn::Expr;

Loss likelihood_loss(const Actor& actor, Expr observation, Expr action, Expr weight) {
  const nn::TanhGaussian policy = actor.numbers(observation, "actor");
  return {.loss = -mean(weight * policy.log_prob(action)),
          .error = mean(abs(policy.mode() - action))};
}

Loss squared_error_loss(const Actor& actor, Expr observation, Expr action, Expr weight) {
  const Expr difference = actor.numbers(observation, "actor").mode() - action;
  return {.loss = mean(weight * sum(square(difference), Axis::kColumns)),
          .error = mean(abs(difference))};
}

Loss choice_loss(const Actor& actor, Expr observation, Expr action, Expr weight) {
  const nn::Categorical policy = actor.choices(observation, "actor");
  const Expr missed = greater(max_over_columns(policy.logits), pick_column(policy.logits, action));
  return {.loss = -mean(weight * policy.log_prob(action)), .error = mean(missed)};
}

}  // namespace palaestra::agents::bc
