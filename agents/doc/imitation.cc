#include <palaestra/agents/doc/imitation.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <palaestra/agents/doc/actions.h>
#include <palaestra/agents/learner_parts.h>
#include <palaestra/core/error.h>

namespace palaestra::agents::doc {

namespace {

constexpr Purpose kImitationInitialPurpose = purpose("doc/imitation/initial");
constexpr Purpose kImitationActPurpose = purpose("doc/imitation/act");
constexpr Index kImitationRows = 64;  // states of one run; longer calls go in pieces

}  // namespace

Imitation::Imitation(Task task, const DocConfig& config, Condition condition, std::uint64_t seed,
                     Threads threads)
    : config_(checked(config)),
      task_(std::move(task)),
      condition_(condition),
      seed_(seed),
      threads_(threads),
      sizes_(single_steps(task_, config_)),
      policy_(layout_, sizes_.observation + (condition == Condition::kReturn ? 1 : 0),
              sizes_.action, sizes_.counted_actions, config_),
      blocks_(sizes_, config_.encode_reward),
      vector_(layout_, adam_of(config_), Stream(seed, kImitationInitialPurpose)),
      step_(compile_step()),
      actor_(*this, threads) {
  std::vector<std::string_view> names = {"observation", "action", "window_weight"};
  if (asks()) names.emplace_back("target");
  blocks_.bind(step_, names);
  step_.bind_vector(step_.vector("policy"), vector_.values);
  step_.bind_output(step_.output("gradient"), vector_.gradient);
  loss_output_ = step_.output("loss");
}

nn::Expr Imitation::input(nn::Expr observation, nn::Expr asked) const {
  return asks() ? nn::concat_columns({observation, asked}) : observation;
}

nn::Program<float> Imitation::compile_step() const {
  nn::Graph graph;
  const auto column = [&](std::string_view name, Index width) {
    return nn::input(graph, name, {1, sizes_.windows, width});
  };
  const nn::Expr log_prob =
      policy_.log_prob(input(column("observation", sizes_.observation), column("target", 1)),
                       column("action", sizes_.action), "policy");
  const nn::Expr loss = sum(column("window_weight", 1) * -log_prob);
  return {graph,
          {.values = {{"loss", loss}}, .gradients = {{"gradient", loss, "policy", layout_.size()}}},
          {.max_rows = {}, .name = "doc/imitation"}};
}

void Imitation::update(const replay::WindowBatch& batch) {
  blocks_.fill(task_, batch);
  step_.run(kFixedRows, threads_);
  const double loss = scalar(step_, loss_output_);
  require_finite("doc", "imitation", loss, updates_);
  loss_ = loss;
  vector_.step(threads_);
  ++updates_;
}

void Imitation::save(ArchiveWriter& archive, std::string_view prefix) const {
  task_.save(archive, concat(prefix, "task."));
  vector_.save(layout_, archive, prefix, "policy");
  archive.put_scalar(concat(prefix, "loss"), loss_);
  archive.put_scalar(concat(prefix, "seed"), static_cast<Index>(seed_));
  archive.put_scalar(concat(prefix, "updates"), updates_);
}

void Imitation::load(const ArchiveReader& archive, std::string_view prefix) {
  Task task = Task::load(archive, concat(prefix, "task."), task_.observation, task_.action);
  auto vector = vector_.read(layout_, archive, prefix, "policy");
  const double loss = archive.get_double(concat(prefix, "loss"));
  const Index seed = archive.get_index(concat(prefix, "seed"));
  const Index updates = archive.get_index(concat(prefix, "updates"));
  require(updates >= 0, "doc: \"", prefix, "updates\" is ", updates, "; accepted: 0 and up");
  vector_.take(std::move(vector));
  task_ = std::move(task);
  loss_ = loss;
  seed_ = static_cast<std::uint64_t>(seed);
  updates_ = updates;
}

// ---- acting

ImitationActor::ImitationActor(const Imitation& policy, Threads threads)
    : policy_(&policy),
      threads_(threads),
      program_([&] {
        const Index width = policy.sizes_.observation;
        nn::Graph graph;
        const nn::Expr observation = nn::input(graph, "observation", {1, nn::kBatch, width});
        const nn::Expr asked = nn::input(graph, "target", {1, nn::kBatch, 1});
        return nn::Program<float>(
            graph,
            {.values = {{"head",
                         policy.policy_.distribution(policy.input(observation, asked), "policy")}},
             .gradients = {}},
            {.max_rows = {kImitationRows}, .name = "doc/imitation/policy"});
      }()),
      states_(zeros(kImitationRows * policy.sizes_.observation)),
      asked_(zeros(kImitationRows)),
      head_(zeros(kImitationRows * policy.sizes_.action)) {
  program_.bind_vector(program_.vector("policy"), policy.vector_.values);
  program_.bind_input(program_.input("observation"), states_);
  if (policy.asks()) program_.bind_input(program_.input("target"), asked_);
  program_.bind_output(program_.output("head"), head_);
}

void ImitationActor::distribution(std::span<const float> observations, Index rows,
                                  std::span<const float> asked, std::span<float> out) {
  const Task& task = policy_->task();
  const Index stored = task.observation.size(), width = policy_->sizes_.action;
  require(std::ssize(observations) == rows * stored && std::ssize(out) == rows * width,
          "doc: observations hold ", observations.size(), " and actions ", out.size(),
          " numbers, expected ", rows, " x ", stored, " and ", rows, " x ", width);
  const bool asks = policy_->asks();
  require(std::ssize(asked) == (asks ? rows : 0), "doc: ", asked.size(),
          " returns are asked for, expected ", asks ? rows : 0);
  for (const float x : asked) {
    require(std::isfinite(x), "doc: the return asked for is ", x, "; accepted: finite numbers");
  }
  for (Index begin = 0; begin < rows; begin += kImitationRows) {
    const Index count = std::min(kImitationRows, rows - begin);
    encode_observations(task, observations.subspan(as_size(begin * stored)), count, states_);
    for (Index row = 0; asks && row < count; ++row) {
      asked_[as_size(row)] = task.return_scale.to(asked[as_size(begin + row)]);
    }
    program_.run(count, threads_);
    decode_actions(task, std::span(head_).first(as_size(count * width)),
                   out.subspan(as_size(begin * width), as_size(count * width)));
  }
}

void ImitationActor::act(std::span<const float> observations, Index rows, Index first_row,
                         Index step, rollout::ActMode mode, std::span<const float> asked,
                         std::span<float> actions) {
  const Task& task = policy_->task();
  require(std::ssize(actions) == rows * task.action.size(), "doc: actions hold ", actions.size(),
          " numbers, expected ", rows, " x ", task.action.size());
  distribution_.resize(as_size(rows * policy_->sizes_.action));
  distribution(observations, rows, asked, distribution_);
  policy_->policy_.deviations(task, policy_->vector_.values, deviation_);
  choose_actions(
      task, distribution_, deviation_, mode,
      {.seed = policy_->seed(), .what = kImitationActPurpose, .first_row = first_row, .step = step},
      actions);
}

}  // namespace palaestra::agents::doc
