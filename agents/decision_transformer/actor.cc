#include <palaestra/agents/decision_transformer/actor.h>

#include <algorithm>

#include <palaestra/agents/sequence/choose.h>
#include <palaestra/core/error.h>

namespace palaestra::agents::decision_transformer {

namespace {

constexpr Purpose kActPurpose = purpose("decision_transformer/act");

}  // namespace

Memory::Memory(const doc::Task& task, const DecisionTransformerConfig& config, Index rows)
    : history_(rows, config.context, task.observation_width(), task.action_width()), asked_(rows) {}

void Memory::save(ArchiveWriter& archive, std::string_view prefix) const {
  history_.save(archive, concat(prefix, "history."));
  asked_.save(archive, prefix);
}

void Memory::load(const ArchiveReader& archive, std::string_view prefix) {
  history_.load(archive, concat(prefix, "history."));
  asked_.load(archive, prefix);
}

Actor::Actor(const Learner& learner, Threads threads)
    : learner_(&learner),
      threads_(threads),
      encoded_(
          as_size(std::max(learner.task().observation_width(), learner.task().action_width()))),
      distribution_(as_size(kRows * learner.task().action_width())),
      program_(compile()),
      to_go_(program_.input("to_go")),
      observation_(program_.input("observation")),
      action_(program_.input("action")),
      newest_(program_.input("newest")) {
  program_.bind_vector(program_.vector("policy"), learner.vector());
  program_.bind_output(program_.output("distribution"), distribution_);
}

nn::Program<float> Actor::compile() const {
  const Policy& policy = learner_->policy();
  const doc::Task& task = learner_->task();
  const Index steps = nn::batch(0, learner_->config().context);
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
          {.max_rows = {kRows}, .name = "decision_transformer/act"}};
}

void Actor::act(Memory& memory, const rollout::Past& past, std::span<const float> observations,
                const sequence::Turn& turn, std::span<float> actions) {
  const doc::Task& task = learner_->task();
  sequence::in_pieces(
      "decision_transformer", kRows, past, observations, task.observation.size(), turn, actions,
      task.action.size(),
      [&](const rollout::Past& some_past, std::span<const float> some, const sequence::Turn& part,
          std::span<float> chosen) { act_piece(memory, some_past, some, part, chosen); });
}

void Actor::act_piece(Memory& memory, const rollout::Past& past,
                      std::span<const float> observations, const sequence::Turn& turn,
                      std::span<float> actions) {
  const doc::Task& task = learner_->task();
  const Index size = task.observation.size(), width = task.action_width();
  sequence::History& history = memory.history_;
  const auto state = std::span(encoded_).first(as_size(task.observation_width()));
  for (Index i = 0; i < turn.rows; ++i) {
    const Index row = turn.place + i;
    const bool begins = past.begins[as_size(i)] != 0;
    if (begins) history.begin(row);
    const double asked =
        memory.asked_.ask(row, begins, learner_->target(), past.reward[as_size(i)]);
    task.encode_observation(observations.subspan(as_size(i * size), as_size(size)), state);
    history.observe(row, state, task.return_scale.to(static_cast<float>(asked)));
  }
  const Index steps = history.length();
  const auto bind = [&](int input, std::span<const float> column, Index columns) {
    program_.bind_input(
        input, column.subspan(as_size(turn.place * columns), as_size(turn.rows * columns)));
  };
  bind(to_go_, history.asked(), steps);
  bind(observation_, history.observation(), steps * task.observation_width());
  bind(action_, history.action(), steps * width);
  bind(newest_, history.newest(), 1);
  program_.run(turn.rows, threads_);
  for (Index i = 0; i < turn.rows; ++i) {
    const auto chosen =
        actions.subspan(as_size(i * task.action.size()), as_size(task.action.size()));
    sequence::choose(task, std::span(distribution_).subspan(as_size(i * width), as_size(width)),
                     turn.mode, {learner_->seed(), kActPurpose, turn.first_row + i, turn.step},
                     chosen);
    const auto action = std::span(encoded_).first(as_size(width));
    task.encode_action(chosen, action);
    history.act(turn.place + i, action);
  }
}

}  // namespace palaestra::agents::decision_transformer
