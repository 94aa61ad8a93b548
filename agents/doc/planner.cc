#include <palaestra/agents/doc/planner.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <palaestra/agents/doc/actions.h>
#include <palaestra/agents/learner_parts.h>
#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

namespace palaestra::agents::doc {

namespace {

constexpr Purpose kPlanPurpose = purpose("doc/plan");
constexpr Purpose kActPurpose = purpose("doc/act");
constexpr Index kPlanRows = 16;  // states of one run; longer calls go in pieces

/// Within `limit` of zero, if that is not 0: what lies outside is drawn anew.
void truncate(std::span<float> noise, double limit, Stream& random) {
  if (limit == 0) return;
  for (float& x : noise) {
    while (std::abs(x) > limit) x = static_cast<float>(random.normal());
  }
}

void require_length(std::string_view what, std::size_t got, Index rows, Index width) {
  require(static_cast<Index>(got) == rows * width, "doc: ", what, " hold ", got,
          " numbers, expected ", rows, " x ", width);
}

}  // namespace

Planner::Planner(const Learner& learner, Threads threads)
    : learner_(&learner),
      threads_(threads),
      prior_values_{learner.config().candidates, compile_values(learner.config().candidates),
                    zeros(learner.config().candidates * kPlanRows * learner.config().latent)},
      bank_values_{learner.config().bank_candidates,
                   compile_values(learner.config().bank_candidates),
                   zeros(learner.config().bank_candidates * kPlanRows * learner.config().latent)},
      prior_(compile_prior()),
      policy_(compile_policy()),
      states_(zeros(kPlanRows * learner.task().observation_width())),
      mean_(zeros(kPlanRows * learner.config().latent)),
      deviation_(mean_.size()),
      noise_(zeros(std::max(learner.config().candidates, learner.config().bank_candidates) *
                   learner.config().latent)),
      head_(zeros(kPlanRows * learner.task().action_width())) {
  const std::span<const float> model = learner.model();
  for (Values* values : {&prior_values_, &bank_values_}) {
    values->program.bind_vector(values->program.vector("model"), model);
    values->program.bind_input(values->program.input("observation"), states_);
    values->program.bind_input(values->program.input("z"), values->latents);
    values->output = values->program.output("value");
  }
  prior_.bind_vector(prior_.vector("model"), model);
  prior_.bind_input(prior_.input("observation"), states_);
  prior_.bind_output(prior_.output("mean"), mean_);
  prior_.bind_output(prior_.output("deviation"), deviation_);
  policy_.bind_vector(policy_.vector("model"), model);
  policy_.bind_input(policy_.input("observation"), states_);
  policy_.bind_output(policy_.output("head"), head_);
  z_input_ = policy_.input("z");
}

// ---- programs

Planner::Program Planner::compile_values(Index candidates) const {
  const Networks& nets = learner_->networks();
  nn::Graph graph;
  const nn::Expr observation =
      nn::input(graph, "observation", {1, nn::kBatch, nets.sizes.observation});
  const nn::Expr z = nn::input(graph, "z", {candidates, nn::kBatch, nets.latent});
  return {graph,
          {.values = {{"value", nets.values_of_candidates(observation, z)}}, .gradients = {}},
          {.max_rows = {kPlanRows}, .name = "doc/values"}};
}

Planner::Program Planner::compile_prior() const {
  const Networks& nets = learner_->networks();
  nn::Graph graph;
  const nn::DiagonalGaussian prior =
      nets.prior_of(nn::input(graph, "observation", {1, nn::kBatch, nets.sizes.observation}));
  return {graph,
          {.values = {{"mean", prior.mean}, {"deviation", exp(prior.log_std)}}, .gradients = {}},
          {.max_rows = {kPlanRows}, .name = "doc/prior"}};
}

Planner::Program Planner::compile_policy() const {
  const Networks& nets = learner_->networks();
  nn::Graph graph;
  const nn::Expr observation =
      nn::input(graph, "observation", {1, nn::kBatch, nets.sizes.observation});
  const nn::Expr z = nn::input(graph, "z", {1, nn::kBatch, nets.latent});
  return {graph,
          {.values = {{"head", nets.policy_of(observation, z)}}, .gradients = {}},
          {.max_rows = {kPlanRows}, .name = "doc/policy"}};
}

// ---- choosing a latent

void Planner::draw_prior(Index rows, Index first_row, Index step, Values& to) {
  const Index latent = learner_->config().latent;
  const double limit = learner_->config().prior_truncation;
  prior_.run(rows, threads_);
  const auto noise = std::span(noise_).first(as_size(to.candidates * latent));
  for (Index row = 0; row < rows; ++row) {
    Stream random(learner_->seed(), kPlanPurpose, static_cast<std::uint64_t>(first_row + row),
                  static_cast<std::uint64_t>(step));
    random.fill_normal(noise);
    truncate(noise, limit, random);
    for (Index k = 0; k < to.candidates; ++k) {
      for (Index i = 0; i < latent; ++i) {
        const std::size_t at = as_size(row * latent + i);
        to.latents[as_size((k * rows + row) * latent + i)] =
            mean_[at] + deviation_[at] * noise[as_size(k * latent + i)];
      }
    }
  }
}

void Planner::take_bank(std::span<const float> observations, Index rows, Values& to) {
  const Index latent = learner_->config().latent;
  const Index stored = learner_->task().observation.size();
  for (Index row = 0; row < rows; ++row) {
    bank_->find(learner_->task(), observations.subspan(as_size(row * stored), as_size(stored)),
                to.candidates, found_);
    const Index known = std::ssize(found_.rows);
    if (known == 0) continue;  // draws of the prior are there already
    for (Index k = 0; k < to.candidates; ++k) {
      // fewer than there is room for: repeated, which changes no maximum
      const auto z = bank_->z(found_.rows[as_size(k % known)]);
      std::copy(z.begin(), z.end(), to.latents.begin() + (k * rows + row) * latent);
    }
  }
}

void Planner::choose(Index rows, const Values& from, std::span<float> z,
                     std::span<float> value) const {
  const Index latent = learner_->config().latent;
  const auto scores = from.program.value(from.output);
  for (Index row = 0; row < rows; ++row) {
    Index best = 0;
    for (Index k = 0; k < from.candidates; ++k) {
      const float score = scores[as_size(k * rows + row)];
      if (!std::isfinite(score)) [[unlikely]] {
        throw std::runtime_error(concat("doc: the value of a candidate is ", score));
      }
      if (score > scores[as_size(best * rows + row)]) best = k;
    }
    value[as_size(row)] = learner_->task().return_scale.from(scores[as_size(best * rows + row)]);
    std::copy_n(from.latents.begin() + (best * rows + row) * latent, latent,
                z.begin() + row * latent);
  }
}

void Planner::plan(std::span<const float> observations, Index rows, Index first_row, Index step,
                   Candidates from, std::span<float> z, std::span<float> value) {
  const Index stored = learner_->task().observation.size(), latent = learner_->config().latent;
  require_length("observations", observations.size(), rows, stored);
  require_length("latents", z.size(), rows, latent);
  require_length("values", value.size(), rows, 1);
  Values& values = from == Candidates::kPrior ? prior_values_ : bank_values_;
  for (Index begin = 0; begin < rows; begin += kPlanRows) {
    const Index count = std::min(kPlanRows, rows - begin);
    const auto states = observations.subspan(as_size(begin * stored), as_size(count * stored));
    encode_observations(learner_->task(), states, count, states_);
    draw_prior(count, first_row + begin, step, values);
    if (from == Candidates::kBank && bank_) take_bank(states, count, values);
    values.program.run(count, threads_);
    choose(count, values, z.subspan(as_size(begin * latent), as_size(count * latent)),
           value.subspan(as_size(begin), as_size(count)));
  }
}

// ---- acting on it

void Planner::distribution(std::span<const float> observations, Index rows,
                           std::span<const float> z, std::span<float> out) {
  const Task& task = learner_->task();
  const Index stored = task.observation.size(), latent = learner_->config().latent;
  const Index width = task.action_width();
  require_length("observations", observations.size(), rows, stored);
  require_length("latents", z.size(), rows, latent);
  require_length("actions", out.size(), rows, width);
  for (Index begin = 0; begin < rows; begin += kPlanRows) {
    const Index count = std::min(kPlanRows, rows - begin);
    encode_observations(task, observations.subspan(as_size(begin * stored)), count, states_);
    policy_.bind_input(z_input_, z.subspan(as_size(begin * latent), as_size(count * latent)));
    policy_.run(count, threads_);
    decode_actions(task, std::span(head_).first(as_size(count * width)),
                   out.subspan(as_size(begin * width), as_size(count * width)));
  }
}

void Planner::act(std::span<const float> observations, Index rows, Index first_row, Index step,
                  rollout::ActMode mode, std::span<const float> z, std::span<float> actions) {
  const Task& task = learner_->task();
  require_length("actions", actions.size(), rows, task.action.size());
  distribution_.resize(as_size(rows * task.action_width()));
  distribution(observations, rows, z, distribution_);
  learner_->networks().policy.deviations(task, learner_->model(), action_deviation_);
  choose_actions(
      task, distribution_, action_deviation_, mode,
      {.seed = learner_->seed(), .what = kActPurpose, .first_row = first_row, .step = step},
      actions);
}

}  // namespace palaestra::agents::doc
