#include <palaestra/agents/doc/transformer/actor.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <palaestra/agents/learner_parts.h>
#include <palaestra/agents/sequence/choose.h>
#include <palaestra/core/error.h>

namespace palaestra::agents::doc {

namespace {

constexpr Purpose kActPurpose = purpose("doc/transformer/act");
constexpr Purpose kPlanPurpose = purpose("doc/transformer/plan");

}  // namespace

SequenceMemory::SequenceMemory(const Task& task, const SequenceConfig& config, Index rows)
    : history_(rows, config.context, task.observation_width(), task.action_width()),
      plans_(rows, config.latent) {}

void SequenceMemory::save(ArchiveWriter& archive, std::string_view prefix) const {
  history_.save(archive, concat(prefix, "history."));
  plans_.save(archive, concat(prefix, "plans."));
}

void SequenceMemory::load(const ArchiveReader& archive, std::string_view prefix) {
  history_.load(archive, concat(prefix, "history."));
  plans_.load(archive, concat(prefix, "plans."));
}

SequenceActor::SequenceActor(const SequenceLearner& learner, Threads threads)
    : learner_(&learner),
      threads_(threads),
      from_(learner.config().candidates_from),
      proposed_(as_size(kRows)),
      features_(zeros(kRows * learner.config().width)),
      state_(zeros(kRows * learner.task().observation_width())),
      prior_mean_(zeros(kRows * learner.config().latent)),
      prior_log_std_(prior_mean_),
      candidates_(zeros(kRows * learner.config().candidates * learner.config().latent)),
      values_(zeros(kRows * learner.config().candidates)),
      distribution_(zeros(kRows * learner.task().action_width())),
      encoded_(zeros(std::max(learner.task().observation_width(), learner.task().action_width()))),
      feature_program_(compile_features()),
      value_program_(compile_values()),
      policy_program_(compile_policy()),
      observation_(feature_program_.input("observation")),
      action_(feature_program_.input("action")),
      reward_(feature_program_.input("reward")),
      newest_(feature_program_.input("newest")),
      z_(policy_program_.input("z")) {
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
          {.max_rows = {kRows}, .name = "doc/transformer/features"}};
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
          {.max_rows = {kRows}, .name = "doc/transformer/values"}};
}

SequenceActor::Program SequenceActor::compile_policy() const {
  const SequenceNetworks& nets = learner_->networks();
  nn::Graph graph;
  const nn::Expr out = nets.act(nn::input(graph, "features", {1, nn::kBatch, nets.stack.width}),
                                nn::input(graph, "z", {1, nn::kBatch, nets.latent}));
  return {graph,
          {.values = {{"distribution", nets.counted_actions ? nn::softmax(out) : out}},
           .gradients = {}},
          {.max_rows = {kRows}, .name = "doc/transformer/policy"}};
}

/// All that does not lie in a memory.
void SequenceActor::bind() {
  Program& f = feature_program_;
  f.bind_vector(f.vector("model"), learner_->model());
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
  p.bind_output(p.output("distribution"), distribution_);
}

void SequenceActor::act(SequenceMemory& memory, const rollout::Past& past,
                        std::span<const float> observations, const sequence::Turn& turn,
                        std::span<float> actions) {
  const Task& task = learner_->task();
  sequence::in_pieces(
      "doc", kRows, past, observations, task.observation.size(), turn, actions, task.action.size(),
      [&](const rollout::Past& some_past, std::span<const float> some, const sequence::Turn& part,
          std::span<float> chosen) { act_piece(memory, some_past, some, part, chosen); });
}

void SequenceActor::act_piece(SequenceMemory& memory, const rollout::Past& past,
                              std::span<const float> observations, const sequence::Turn& turn,
                              std::span<float> actions) {
  const Task& task = learner_->task();
  observe(memory, past, observations, turn);
  plan(memory, past, observations, turn);
  policy_program_.bind_input(z_, memory.plans_.z_of(turn.place, turn.rows));
  policy_program_.run(turn.rows, threads_);
  const Index width = task.action_width(), size = task.action.size();
  for (Index i = 0; i < turn.rows; ++i) {
    const auto chosen = actions.subspan(as_size(i * size), as_size(size));
    sequence::choose(task, std::span(distribution_).subspan(as_size(i * width), as_size(width)),
                     turn.mode, {learner_->seed(), kActPurpose, turn.first_row + i, turn.step},
                     chosen);
    const auto action = std::span(encoded_).first(as_size(width));
    task.encode_action(chosen, action);
    memory.history_.act(turn.place + i, action);
  }
}

/// Adds what is new to the histories, and computes h and the priors.
void SequenceActor::observe(SequenceMemory& memory, const rollout::Past& past,
                            std::span<const float> observations, const sequence::Turn& turn) {
  const Task& task = learner_->task();
  const Index size = task.observation.size();
  sequence::History& history = memory.history_;
  const auto state = std::span(encoded_).first(as_size(task.observation_width()));
  for (Index i = 0; i < turn.rows; ++i) {
    const Index row = turn.place + i;
    if (past.begins[as_size(i)] != 0) {
      history.begin(row);
      memory.plans_.steps[as_size(row)] = 0;
    } else {
      history.reward(row, task.reward_scale.to(past.reward[as_size(i)]));
    }
    task.encode_observation(observations.subspan(as_size(i * size), as_size(size)), state);
    history.observe(row, state);
  }
  Program& f = feature_program_;
  const auto bind_rows = [&](int input, std::span<const float> column, Index columns) {
    f.bind_input(input,
                 column.subspan(as_size(turn.place * columns), as_size(turn.rows * columns)));
  };
  bind_rows(observation_, history.observation(), history.length() * task.observation_width());
  bind_rows(action_, history.action(), history.length() * task.action_width());
  bind_rows(reward_, history.reward(), history.length());
  bind_rows(newest_, history.newest(), 1);
  f.run(turn.rows, threads_);
}

/// Chooses latents for the rows whose time it is.
void SequenceActor::plan(SequenceMemory& memory, const rollout::Past& past,
                         std::span<const float> observations, const sequence::Turn& turn) {
  const Index size = learner_->task().observation.size();
  Plans& plans = memory.plans_;
  bool any = false;
  for (Index i = 0; i < turn.rows; ++i) {
    if (plans.steps[as_size(turn.place + i)] != 0) continue;
    propose(i, observations.subspan(as_size(i * size), as_size(size)),
            {learner_->seed(), kPlanPurpose, static_cast<std::uint64_t>(turn.first_row + i),
             static_cast<std::uint64_t>(turn.step)});
    any = true;
  }
  if (any) value_program_.run(turn.rows, threads_);
  for (Index i = 0; i < turn.rows; ++i) {
    const auto row = as_size(turn.place + i);
    if (plans.steps[row] == 0) choose(i, plans.z_of(turn.place + i), plans.value[row]);
    if (past.begins[as_size(i)] != 0) plans.promised[row] = double{plans.value[row]};
    plans.steps[row] = (plans.steps[row] + 1) % learner_->config().replan_every;
  }
}

/// Fills a row's candidates.
void SequenceActor::propose(Index i, std::span<const float> observation, Stream random) {
  const Index count = learner_->config().candidates, latent = learner_->config().latent;
  const auto mine =
      std::span(candidates_).subspan(as_size(i * count * latent), as_size(count * latent));
  Index& proposed = proposed_[as_size(i)];
  if (from_ == Candidates::kBank && bank_) {
    bank_->find(learner_->task(), observation, count, found_);
    proposed = std::ssize(found_.rows);
    for (Index k = 0; k < proposed; ++k) {
      std::ranges::copy(bank_->z(found_.rows[as_size(k)]), mine.begin() + k * latent);
    }
    if (proposed > 0) return;
  }
  proposed = count;
  random.fill_normal(mine);
  for (Index k = 0; k < count * latent; ++k) {
    const std::size_t c = as_size(i * latent + k % latent);
    mine[as_size(k)] = prior_mean_[c] + std::exp(prior_log_std_[c]) * mine[as_size(k)];
  }
}

/// Takes the candidate of the largest value.
void SequenceActor::choose(Index i, std::span<float> z, float& value) const {
  const Index count = learner_->config().candidates, latent = learner_->config().latent;
  const auto values =
      std::span(values_).subspan(as_size(i * count), as_size(proposed_[as_size(i)]));
  for (const float v : values) {
    if (!std::isfinite(v)) [[unlikely]] {
      throw std::runtime_error(concat("doc: the value of a candidate is ", v));
    }
  }
  const Index best = std::ranges::max_element(values) - values.begin();
  value = learner_->task().return_scale.from(values[as_size(best)]);
  std::copy_n(candidates_.begin() + (i * count + best) * latent, latent, z.begin());
}

}  // namespace palaestra::agents::doc
