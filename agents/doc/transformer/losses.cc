#include <palaestra/agents/doc/transformer/losses.h>

#include <cmath>
#include <string>

namespace palaestra::agents::doc {

using nn::Axis;
using nn::DiagonalGaussian;
using nn::Expr;

namespace {

Expr held(Expr x) { return nn::stop_gradient(x); }
DiagonalGaussian held(const DiagonalGaussian& q) { return {held(q.mean), held(q.log_std)}; }

StepColumns column_inputs(nn::Graph& graph, const std::string& prefix, const Task& task,
                          Index rows) {
  return {nn::input(graph, prefix + "observation", {1, rows, task.observation_width()}),
          nn::input(graph, prefix + "action", {1, rows, task.action_width()}),
          nn::input(graph, prefix + "reward", {1, rows, 1})};
}

/// Scores that stand for log ω up to a constant of each row; z may be empty.
Expr scores(const SequenceNetworks& nets, const SequenceCritic& critic, const SequenceWindows& w,
            Expr h, Expr z, std::string_view vector) {
  const StepColumns& s = nets.listed_outcomes ? w.future : w.pair;
  const Expr past = nets.listed_outcomes ? nets.past_of_futures(h, w.present)
                                         : nets.past_of_pairs(h, w.pair_place);
  std::vector<Expr> parts = {past, s.observation, s.action};
  if (z.id() >= 0) parts.push_back(nets.listed_outcomes ? nn::repeat_rows(z, nets.future) : z);
  const Expr out = critic.net(nn::concat_columns(parts), vector);
  if (nets.listed_outcomes) return out + w.log_share;
  const Expr came = critic.outcome(nn::concat_columns({s.reward, w.pair_next}), vector);
  return nn::matmul(out, came, false, true) *
         (1 / std::sqrt(static_cast<double>(critic.net.output.outputs)));
}

/// log ω of what came: the listed number, or the diagonal.
Expr observed(const SequenceWindows& w, Expr log_omega) {
  if (w.outcome.id() >= 0) return nn::pick_column(log_omega, w.outcome);
  // row i picks column i: the places count up
  return nn::pick_column(log_omega,
                         nn::input(log_omega.graph(), "diagonal", {1, log_omega.shape().rows, 1}));
}

/// Mean over windows, and over the steps of the future where each has outcomes of its own.
Expr mean_of(const SequenceWindows& w, Expr each) {
  return w.outcome.id() >= 0 ? nn::sum(w.future_weight * each) : nn::mean(each);
}

Expr penalty_of(const SequenceNetworks& nets, const SequenceWindows& w, Expr h, Expr z,
                Penalty kind) {
  const Expr with = log_omega(nets, w, h, z);
  if (kind == Penalty::kBounded) {
    const Expr ratio = with - log_free_omega(nets, w, h);
    return mean_of(w, nn::sum(nn::exp(with) * ratio, Axis::kColumns));
  }
  // log ω(o) - log ρ(o); the second term is no function of z and is left out
  const Expr bracket = mean_of(w, observed(w, with));
  return kind == Penalty::kPublished ? -bracket : bracket;
}

}  // namespace

SequenceWindows sequence_inputs(nn::Graph& graph, const SequenceNetworks& nets, const Task& task,
                                Index windows) {
  const Index all = nn::times_rows(windows, nets.window);
  const Index future = nn::times_rows(windows, nets.future);
  SequenceWindows w{.all = column_inputs(graph, "", task, all),
                    .future = column_inputs(graph, "future.", task, future),
                    .present = nn::input(graph, "present", {1, windows, 1}),
                    .policy_weight = nn::input(graph, "policy_weight", {1, all, 1}),
                    .exists = nn::input(graph, "exists", {1, future, 1}),
                    .future_weight = nn::input(graph, "future_weight", {1, future, 1}),
                    .target = nn::input(graph, "target", {1, windows, 1}),
                    .noise = nn::input(graph, "noise", {1, windows, nets.latent})};
  if (nets.listed_outcomes) {
    w.outcome = nn::input(graph, "outcome", {1, future, 1});
    w.log_share = nn::input(graph, "log_share", {1, 1, task.outcomes.size()});
  } else {
    w.pair = column_inputs(graph, "pair.", task, windows);
    w.pair_next = nn::input(graph, "pair.next", {1, windows, task.observation_width()});
    w.pair_place = nn::input(graph, "pair.place", {1, windows, 1});
  }
  return w;
}

Expr log_omega(const SequenceNetworks& nets, const SequenceWindows& w, Expr h, Expr z) {
  return nn::log_softmax(scores(nets, nets.critic, w, h, z, "critic"));
}

Expr log_free_omega(const SequenceNetworks& nets, const SequenceWindows& w, Expr h) {
  return nn::log_softmax(scores(nets, nets.free_critic, w, h, {}, "free_critic"));
}

Expr sequence_critic_loss(const SequenceWindows& w, Expr log_omega) {
  return -mean_of(w, observed(w, log_omega));
}

SequenceLoss sequence_loss(const SequenceNetworks& nets, const SequenceWindows& w,
                           const SequenceConfig& config,
                           const sequence::Dropout::Factors& stack_dropout,
                           const sequence::Dropout::Factors& encoder_dropout) {
  const Expr h = nets.features(w.all, nets.window, stack_dropout);
  const DiagonalGaussian q = nets.encode(w.future, w.exists, encoder_dropout);
  const Expr z = q.sample(w.noise);

  SequenceLoss loss;
  const Expr out = nets.act(h, nn::repeat_rows(z, nets.window));
  const Expr each = nets.counted_actions
                        ? -nn::sum(nn::log_softmax(out) * w.all.action, Axis::kColumns)
                        : nn::mean(nn::square(out - w.all.action), Axis::kColumns);
  loss.policy = nn::sum(w.policy_weight * each);
  loss.penalty = penalty_of(nets, w, h, z, config.penalty);

  const Expr now = nn::pick_row(h, w.present);
  const Expr state = nn::pick_row(w.all.observation, w.present);
  loss.value =
      nn::mean(nn::square(nets.value_of(now, state, config.detach_value ? held(z) : z) - w.target));
  const DiagonalGaussian p = nets.prior_of(now, state);
  loss.prior = nn::mean(nn::kl_divergence(held(q), p));
  loss.compression = nn::mean(nn::kl_divergence(q, held(p)));

  loss.total = loss.policy + loss.value + loss.prior;
  if (config.beta > 0) loss.total = loss.total + config.beta * loss.penalty;
  if (config.kl_weight > 0) loss.total = loss.total + config.kl_weight * loss.compression;
  return loss;
}

}  // namespace palaestra::agents::doc
