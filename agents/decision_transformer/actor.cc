#include <palaestra/agents/decision_transformer/actor.h>

#include <algorithm>

#include <palaestra/agents/sequence/choose.h>
#include <palaestra/core/error.h>

namespace palaestra::agents::decision_transformer {

namespace {

constexpr Purpose kActPurpose = purpose("decision_transformer/act");

std::size_t as_size(Index n) { return static_cast<std::size_t>(n); }

}  // namespace

Actor::Actor(const Learner& learner, Index rows, Threads threads)
    : learner_(&learner),
      threads_(threads),
      history_(rows, learner.config().context, learner.task().observation_width(),
               learner.task().action_width()),
      asked_(as_size(rows)),
      actions_(as_size(rows)),
      encoded_(
          as_size(std::max(learner.task().observation_width(), learner.task().action_width()))),
      distribution_(as_size(rows * learner.task().action_width())),
      program_(compile()) {
  program_.bind_vector(program_.vector("policy"), learner.vector());
  program_.bind_input(program_.input("to_go"), history_.asked());
  program_.bind_input(program_.input("observation"), history_.observation());
  program_.bind_input(program_.input("action"), history_.action());
  program_.bind_input(program_.input("newest"), history_.newest());
  program_.bind_output(program_.output("distribution"), distribution_);
}

nn::Program<float> Actor::compile() const {
  const Policy& policy = learner_->policy();
  const doc::Task& task = learner_->task();
  const Index steps = nn::batch(0, history_.length());
  nn::Graph graph;
  const nn::Expr features =
      policy.features(nn::input(graph, "to_go", {1, steps, 1}),
                      nn::input(graph, "observation", {1, steps, task.observation_width()}),
                      nn::input(graph, "action", {1, steps, task.action_width()}));
  const nn::Expr out =
      policy(nn::pick_row(features, nn::input(graph, "newest", {1, nn::kBatch, 1})));
  return {graph,
          {.values = {{"distribution", policy.counted_actions ? nn::softmax(out) : out}},
           .gradients = {}},
          {.max_rows = {history_.rows()}, .name = "decision_transformer/act"}};
}

void Actor::begin(Index row, double target) {
  history_.begin(row);
  asked_[as_size(row)] = target;
}

void Actor::act(std::span<const float> observations, rollout::ActMode mode,
                std::span<float> actions) {
  const doc::Task& task = learner_->task();
  const Index rows = history_.rows(), size = task.observation.size();
  require(
      std::ssize(observations) == rows * size && std::ssize(actions) == rows * task.action.size(),
      "decision_transformer: observations has ", observations.size(), " numbers and actions ",
      actions.size(), ", expected ", rows, " x ", size, " and ", rows, " x ", task.action.size());
  const auto encoded = std::span(encoded_).first(as_size(task.observation_width()));
  for (Index row = 0; row < rows; ++row) {
    task.encode_observation(observations.subspan(as_size(row * size), as_size(size)), encoded);
    history_.observe(row, encoded, task.return_scale.to(static_cast<float>(asked_[as_size(row)])));
  }
  program_.run(rows, threads_);
  const Index width = task.action_width();
  for (Index row = 0; row < rows; ++row) {
    const Index step = actions_[as_size(row)]++;
    const auto chosen =
        actions.subspan(as_size(row * task.action.size()), as_size(task.action.size()));
    sequence::choose(task, std::span(distribution_).subspan(as_size(row * width), as_size(width)),
                     mode, {learner_->seed(), kActPurpose, row, step}, chosen);
    const auto action = std::span(encoded_).first(as_size(width));
    task.encode_action(chosen, action);
    history_.act(row, action);
  }
}

void Actor::earned(std::span<const double> rewards) {
  require(std::ssize(rewards) == history_.rows(), "decision_transformer: rewards has ",
          rewards.size(), " numbers, expected ", history_.rows());
  for (std::size_t row = 0; row < rewards.size(); ++row) asked_[row] -= rewards[row];
}

}  // namespace palaestra::agents::decision_transformer
