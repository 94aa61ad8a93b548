#include <palaestra/agents/doc/transformer/actor.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <palaestra/agents/sequence/choose.h>
#include <palaestra/core/error.h>

namespace palaestra::agents::doc {

namespace {

constexpr Purpose kActPurpose = purpose("doc/transformer/act");
constexpr Purpose kPlanPurpose = purpose("doc/transformer/plan");

std::size_t as_size(Index n) { return static_cast<std::size_t>(n); }
std::vector<float> zeros(Index n) { return std::vector<float>(as_size(n)); }

}  // namespace

SequenceActor::SequenceActor(const SequenceLearner& learner, Index rows, Threads threads)
    : learner_(&learner),
      threads_(threads),
      from_(learner.config().candidates_from),
      history_(rows, learner.config().context, learner.task().observation_width(),
               learner.task().action_width()),
      since_plan_(as_size(rows)),
      actions_(as_size(rows)),
      promise_(as_size(rows)),
      proposed_(as_size(rows)),
      features_(zeros(rows * learner.config().width)),
      state_(zeros(rows * learner.task().observation_width())),
      prior_mean_(zeros(rows * learner.config().latent)),
      prior_log_std_(prior_mean_),
      candidates_(zeros(rows * learner.config().candidates * learner.config().latent)),
      values_(zeros(rows * learner.config().candidates)),
      z_(prior_mean_),
      distribution_(zeros(rows * learner.task().action_width())),
      encoded_(zeros(std::max(learner.task().observation_width(), learner.task().action_width()))),
      feature_program_(compile_features()),
      value_program_(compile_values()),
      policy_program_(compile_policy()) {
  found_.reserve(as_size(learner.config().candidates));
  bind();
}

SequenceActor::Program SequenceActor::compile_features() const {
  const SequenceNetworks& nets = learner_->networks();
  const Task& task = learner_->task();
  const Index steps = nn::batch(0, nets.context);
  nn::Graph graph;
  const StepColumns columns{nn::input(graph, "observation", {1, steps, task.observation_width()}),
                            nn::input(graph, "action", {1, steps, task.action_width()}),
                            nn::input(graph, "reward", {1, steps, 1})};
  const nn::Expr newest = nn::input(graph, "newest", {1, nn::kBatch, 1});
  const nn::Expr h = nn::pick_row(nets.features(columns, nets.context), newest);
  const nn::Expr state = nn::pick_row(columns.observation, newest);
  const nn::DiagonalGaussian p = nets.prior_of(h, state);
  return {graph,
          {.values = {{"features", h}, {"state", state}, {"mean", p.mean}, {"log_std", p.log_std}},
           .gradients = {}},
          {.max_rows = {history_.rows()}, .name = "doc/transformer/features"}};
}

SequenceActor::Program SequenceActor::compile_values() const {
  const SequenceNetworks& nets = learner_->networks();
  const Index count = learner_->config().candidates;
  nn::Graph graph;
  const nn::Expr h = nn::input(graph, "features", {1, nn::kBatch, nets.stack.width});
  const nn::Expr state =
      nn::input(graph, "state", {1, nn::kBatch, learner_->task().observation_width()});
  const nn::Expr z = nn::input(graph, "z", {1, nn::batch(0, count), nets.latent});
  return {graph,
          {.values = {{"value", nets.values_of_candidates(h, state, z, count)}}, .gradients = {}},
          {.max_rows = {history_.rows()}, .name = "doc/transformer/values"}};
}

SequenceActor::Program SequenceActor::compile_policy() const {
  const SequenceNetworks& nets = learner_->networks();
  nn::Graph graph;
  const nn::Expr out = nets.act(nn::input(graph, "features", {1, nn::kBatch, nets.stack.width}),
                                nn::input(graph, "z", {1, nn::kBatch, nets.latent}));
  return {graph,
          {.values = {{"distribution", nets.counted_actions ? nn::softmax(out) : out}},
           .gradients = {}},
          {.max_rows = {history_.rows()}, .name = "doc/transformer/policy"}};
}

void SequenceActor::bind() {
  Program& f = feature_program_;
  f.bind_vector(f.vector("model"), learner_->model());
  f.bind_input(f.input("observation"), history_.observation());
  f.bind_input(f.input("action"), history_.action());
  f.bind_input(f.input("reward"), history_.reward());
  f.bind_input(f.input("newest"), history_.newest());
  f.bind_output(f.output("features"), features_);
  f.bind_output(f.output("state"), state_);
  f.bind_output(f.output("mean"), prior_mean_);
  f.bind_output(f.output("log_std"), prior_log_std_);
  Program& v = value_program_;
  v.bind_vector(v.vector("model"), learner_->model());
  v.bind_input(v.input("features"), features_);
  v.bind_input(v.input("state"), state_);
  v.bind_input(v.input("z"), candidates_);
  v.bind_output(v.output("value"), values_);
  Program& p = policy_program_;
  p.bind_vector(p.vector("model"), learner_->model());
  p.bind_input(p.input("features"), features_);
  p.bind_input(p.input("z"), z_);
  p.bind_output(p.output("distribution"), distribution_);
}

void SequenceActor::begin(Index row) {
  history_.begin(row);
  since_plan_[as_size(row)] = 0;
}

/// Fills a row's candidates.
void SequenceActor::propose(Index row, Stream& random) {
  const Index count = learner_->config().candidates, latent = learner_->config().latent;
  const auto mine =
      std::span(candidates_).subspan(as_size(row * count * latent), as_size(count * latent));
  Index& proposed = proposed_[as_size(row)];
  if (from_ == Candidates::kBank) {
    const Index width = learner_->task().observation_width();
    bank_.find(std::span(state_).subspan(as_size(row * width), as_size(width)),
               learner_->task().counts_states(), count, found_);
    proposed = std::ssize(found_);
    for (std::size_t i = 0; i < found_.size(); ++i) {
      std::ranges::copy(bank_.z(found_[i]),
                        mine.begin() + std::ssize(mine) / count * static_cast<std::ptrdiff_t>(i));
    }
    if (proposed > 0) return;
  }
  proposed = count;
  random.fill_normal(mine);
  for (Index i = 0; i < count * latent; ++i) {
    const Index c = i % latent;
    mine[as_size(i)] = at(prior_mean_, row, latent, c) +
                       std::exp(at(prior_log_std_, row, latent, c)) * mine[as_size(i)];
  }
}

/// Takes the candidate of the largest value.
void SequenceActor::choose(Index row) {
  const Index count = learner_->config().candidates, latent = learner_->config().latent;
  const auto values =
      std::span(values_).subspan(as_size(row * count), as_size(proposed_[as_size(row)]));
  for (const float value : values) {
    if (!std::isfinite(value)) [[unlikely]] {
      throw std::runtime_error(concat("doc: the value of a candidate is ", value));
    }
  }
  const Index best = std::ranges::max_element(values) - values.begin();
  promise_[as_size(row)] = double{learner_->task().return_scale.from(values[as_size(best)])};
  for (Index c = 0; c < latent; ++c) {
    at(z_, row, latent, c) = at(candidates_, row * count + best, latent, c);
  }
}

void SequenceActor::act(std::span<const float> observations, rollout::ActMode mode,
                        std::span<float> actions) {
  const Task& task = learner_->task();
  const Index rows = history_.rows(), size = task.observation.size();
  const Index action_size = task.action.size(), width = task.action_width();
  require(std::ssize(observations) == rows * size && std::ssize(actions) == rows * action_size,
          "doc: observations has ", observations.size(), " numbers and actions ", actions.size(),
          ", expected ", rows, " x ", size, " and ", rows, " x ", action_size);
  const auto encoded = std::span(encoded_).first(as_size(task.observation_width()));
  for (Index row = 0; row < rows; ++row) {
    task.encode_observation(observations.subspan(as_size(row * size), as_size(size)), encoded);
    history_.observe(row, encoded);
  }
  feature_program_.run(rows, threads_);
  bool planning = false;
  for (Index row = 0; row < rows; ++row) {
    if (since_plan_[as_size(row)] != 0) continue;
    Stream random(learner_->seed(), kPlanPurpose, static_cast<std::uint64_t>(row),
                  static_cast<std::uint64_t>(actions_[as_size(row)]));
    propose(row, random);
    planning = true;
  }
  if (planning) value_program_.run(rows, threads_);
  for (Index row = 0; row < rows; ++row) {
    Index& since = since_plan_[as_size(row)];
    if (since == 0) choose(row);
    since = (since + 1) % learner_->config().replan_every;
  }
  policy_program_.run(rows, threads_);
  for (Index row = 0; row < rows; ++row) {
    const Index step = actions_[as_size(row)]++;
    const auto chosen = actions.subspan(as_size(row * action_size), as_size(action_size));
    sequence::choose(task, std::span(distribution_).subspan(as_size(row * width), as_size(width)),
                     mode, {learner_->seed(), kActPurpose, row, step}, chosen);
    const auto action = std::span(encoded_).first(as_size(width));
    task.encode_action(chosen, action);
    history_.act(row, action);
  }
}

void SequenceActor::earned(std::span<const double> rewards) {
  require(std::ssize(rewards) == history_.rows(), "doc: rewards has ", rewards.size(),
          " numbers, expected ", history_.rows());
  for (Index row = 0; row < history_.rows(); ++row) {
    history_.reward(row,
                    learner_->task().reward_scale.to(static_cast<float>(rewards[as_size(row)])));
  }
}

}  // namespace palaestra::agents::doc
