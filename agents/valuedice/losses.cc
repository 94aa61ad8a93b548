#include <palaestra/agents/valuedice/losses.h>

#include <palaestra/agents/discriminator/losses.h>
#include <palaestra/agents/transitions.h>
#include <palaestra/core/error.h>

namespace palaestra::agents::valuedice {

using nn::Axis;
using nn::Expr;

namespace {

Expr mean(const Weighted& rows) { return sum(rows.weight * rows.value) / sum(rows.weight); }

/// log(share p) + x of each row, p being what the row has of the weights: [1, 1, rows].
Expr logits(const Weighted& rows, double share) {
  const Expr each = rows.value + log(rows.weight * (share / sum(rows.weight)));
  return merge_rows(each, each.shape().rows);
}

}  // namespace

Objective objective(const Weighted& expert, const Weighted& first, const Weighted& replay,
                    double replay_share, double discount) {
  const double rest = 1 - replay_share;
  Expr all = logits(expert, rest);
  Expr linear = rest * (1 - discount) * mean(first);
  if (replay_share > 0) {
    all = nn::concat_columns({all, logits(replay, replay_share)});
    linear = linear + replay_share * mean(replay);
  }
  return {.value = log_sum_exp(all) - linear, .shares = softmax(all)};
}

Rows row_inputs(nn::Graph& graph, std::string_view prefix, Index observation_size,
                Index action_size, const ValueDiceConfig& config) {
  const auto column = [&](std::string_view name, Index width) {
    return nn::input(graph, concat(prefix, name), {1, config.batch_size, width});
  };
  return {.observation = column("observation", observation_size),
          .action = column("action", action_size),
          .next_observation = column("next_observation", observation_size),
          .discount = column("discount", 1),
          .weight = column("weight", 1)};
}

Losses losses(const sac::Actor& actor, const Nu& nu, const ValueDiceConfig& config,
              const Rows& expert, const Rows& replay, const Draws& draws) {
  const auto choose = [&](Expr state, Expr noise) {
    nn::TanhGaussian::Sample chosen = actor(state, "actor").sample(noise);
    if (config.absorbing) chosen.action = chosen.action * alive(state);
    return chosen;
  };
  const Expr expert_pair = nn::concat_columns({expert.observation, expert.action});
  const Expr replay_pair = nn::concat_columns({replay.observation, replay.action});
  const Expr expert_next = nn::concat_columns(
      {expert.next_observation, choose(expert.next_observation, draws.expert_next).action});
  const auto replay_choice = choose(replay.next_observation, draws.replay_next);
  const Expr replay_next = nn::concat_columns({replay.next_observation, replay_choice.action});

  Losses result;
  result.expert_nu = nu(expert_pair);
  result.replay_nu = nu(replay_pair);
  result.entropy = -replay_choice.log_prob;
  const Weighted x_expert = {result.expert_nu - expert.discount * nu(expert_next), expert.weight};
  const Weighted x_replay = {result.replay_nu - replay.discount * nu(replay_next), replay.weight};
  const Weighted first = {nu(expert.observation, choose(expert.observation, draws.first).action),
                          expert.weight};
  result.objective = objective(x_expert, first, x_replay, config.replay_share, config.discount);
  result.penalty = slope_penalty(nu, expert_pair, replay_pair, expert_next, replay_next, draws.mix);
  result.orthogonal = orthogonal_regularizer(draws.mix.graph(), actor);

  result.nu = result.objective.value + config.penalty_weight * result.penalty;
  result.actor = config.orthogonal_weight * result.orthogonal - result.objective.value;
  return result;
}

Expr slope_penalty(const Nu& nu, Expr expert, Expr replay, Expr expert_next, Expr replay_next,
                   Expr mix) {
  const auto at = [&](Expr e, Expr r) {
    const Expr points = r + mix * (e - r);
    return discriminator::slope_penalty(discriminator::slope(nu(points), points), /*target=*/1,
                                        /*one_sided=*/false);
  };
  return 0.5 * (at(expert, replay) + at(expert_next, replay_next));
}

Expr orthogonal_regularizer(nn::Graph& graph, const sac::Actor& actor) {
  Expr total = nn::constant(graph, 0);
  const auto add = [&](const nn::Dense& layer) {
    const Expr w = nn::parameter(graph, "actor", layer.weight, {1, layer.inputs, layer.outputs});
    // all pairs of units less those of a unit with itself
    total = total + sum(square(matmul(w, w, /*transpose_a=*/true))) -
            sum(square(sum(square(w), Axis::kRows)));
  };
  for (const nn::Dense& layer : actor.net.hidden) add(layer);
  add(actor.net.output);
  return total;
}

}  // namespace palaestra::agents::valuedice
