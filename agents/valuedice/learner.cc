#include <palaestra/agents/valuedice/learner.h>

#include <algorithm>
#include <utility>

#include <palaestra/agents/learner_parts.h>
#include <palaestra/agents/transitions.h>
#include <palaestra/agents/valuedice/losses.h>
#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

namespace palaestra::agents::valuedice {
namespace {

constexpr Purpose kInitialPurpose = purpose("valuedice/initial");
constexpr Purpose kNoisePurpose = purpose("valuedice/update/noise");
constexpr Purpose kMixPurpose = purpose("valuedice/update/mix");

constexpr Index kNoises = 3;  // of an update: see update()

enum MetricNumber : unsigned char {
  kNuLoss,
  kActorLoss,
  kObjective,
  kKlEstimate,
  kPenalty,
  kOrthogonal,
  kEffectiveRows,
  kExpertNu,
  kReplayNu,
  kEntropy
};

}  // namespace

Learner::Learner(Index observation_size, Index action_size, const ValueDiceConfig& config,
                 std::uint64_t seed, Threads threads)
    : config_(checked(config)),
      observation_size_(observation_size),
      action_size_(action_size),
      seed_(seed),
      threads_(threads),
      actor_(make_actor(observation_size, action_size, config)),
      nu_(observation_size, action_size, config),
      actor_trained_(actor_.layout, {.learning_rate = config.actor_learning_rate},
                     Stream(seed, kInitialPurpose, 0)),
      nu_trained_(nu_.layout, {.learning_rate = config.nu_learning_rate},
                  Stream(seed, kInitialPurpose, 1)),
      step_(compile()),
      expert_(side("expert_")),
      replay_(side("replay_")),
      noise_(as_size(kNoises * config.batch_size * action_size)),
      mix_(as_size(config.batch_size)),
      metrics_{{{"nu_loss", 0},
                {"actor_loss", 0},
                {"objective", 0},
                {"kl_estimate", 0},
                {"penalty", 0},
                {"orthogonal", 0},
                {"effective_rows", 0},
                {"expert_nu", 0},
                {"replay_nu", 0},
                {"entropy", 0}}} {
  bind();
}

// ---- the program

Learner::Program Learner::compile() const {
  nn::Graph graph;
  const Rows expert = row_inputs(graph, "expert_", observation_size_, action_size_, config_);
  const Rows replay = row_inputs(graph, "replay_", observation_size_, action_size_, config_);
  const Index rows = config_.batch_size;
  const nn::Expr noise = nn::input(graph, "noise", {kNoises, rows, action_size_});
  const Draws draws = {.expert_next = nn::members(noise, 0, 1),
                       .first = nn::members(noise, 1, 1),
                       .replay_next = nn::members(noise, 2, 1),
                       .mix = nn::input(graph, "mix", {1, rows, 1})};
  const Losses l = losses(actor_, nu_, config_, expert, replay, draws);
  return {graph,
          {.values = {{"nu", l.nu},
                      {"actor", l.actor},
                      {"objective", l.objective.value},
                      {"penalty", l.penalty},
                      {"orthogonal", l.orthogonal},
                      {"effective", 1 / sum(square(l.objective.shares))},
                      {"expert_nu", nn::mean(l.expert_nu)},
                      {"replay_nu", nn::mean(l.replay_nu)},
                      {"entropy", nn::mean(l.entropy)}},
           .gradients = {{"nu_gradient", l.nu, "nu", nu_.layout.size()},
                         {"actor_gradient", l.actor, "actor", actor_.layout.size()}}},
          {.max_rows = {rows}, .name = "valuedice/update"}};
}

Learner::Side Learner::side(std::string_view prefix) const {
  const auto handle = [&](std::string_view name) { return step_.input(concat(prefix, name)); };
  return {.observation = handle("observation"),
          .action = handle("action"),
          .next_observation = handle("next_observation"),
          .discount = handle("discount"),
          .weight = handle("weight")};
}

void Learner::bind() {
  Program& p = step_;
  handles_ = {.nu = p.output("nu"),
              .actor = p.output("actor"),
              .objective = p.output("objective"),
              .penalty = p.output("penalty"),
              .orthogonal = p.output("orthogonal"),
              .effective = p.output("effective"),
              .expert_nu = p.output("expert_nu"),
              .replay_nu = p.output("replay_nu"),
              .entropy = p.output("entropy"),
              .noise = p.input("noise"),
              .mix = p.input("mix")};
  p.bind_vector(p.vector("nu"), nu_trained_.values);
  p.bind_vector(p.vector("actor"), actor_trained_.values);
  p.bind_output(p.output("nu_gradient"), nu_trained_.gradient);
  p.bind_output(p.output("actor_gradient"), actor_trained_.gradient);
}

void Learner::bind(const Side& side, const replay::Minibatch& batch) {
  step_.bind_input(side.observation, batch.observation);
  step_.bind_input(side.action, batch.action);
  step_.bind_input(side.next_observation, batch.next_observation);
  step_.bind_input(side.discount, batch.discount);
  step_.bind_input(side.weight, batch.weight);
}

// ---- an update

void Learner::check(std::string_view what, const replay::Minibatch& batch) const {
  const Index rows = config_.batch_size;
  require(batch.rows == rows, "valuedice: ", what, " has ", batch.rows, " rows, expected ", rows);
  const auto column = [&](std::string_view name, std::span<const float> values, Index width) {
    require(std::ssize(values) == rows * width, "valuedice: column \"", name, "\" of ", what,
            " has ", values.size(), " numbers, expected ", rows, " x ", width);
  };
  column("observation", batch.observation, observation_size_);
  column("action", batch.action, action_size_);
  column("discount", batch.discount, 1);
  column("next_observation", batch.next_observation, observation_size_);
  column("weight", batch.weight, 1);
  require(std::ranges::all_of(batch.weight, [](float w) { return w > 0; }), "valuedice: ", what,
          " has a weight that is not above 0");
}

/// The rows from the middle on, then those before.
replay::Minibatch Learner::turned(const replay::Minibatch& expert) {
  std::vector<float>* memory = turned_;
  const auto turn = [&](std::span<const float> column) -> std::span<const float> {
    std::vector<float>& out = *memory++;
    out.resize(column.size());
    const auto width = std::ssize(column) / expert.rows;
    std::ranges::rotate_copy(column, column.begin() + expert.rows / 2 * width, out.begin());
    return out;
  };
  replay::Minibatch other;
  other.rows = expert.rows;
  other.observation = turn(expert.observation);
  other.action = turn(expert.action);
  other.next_observation = turn(expert.next_observation);
  other.discount = turn(expert.discount);
  other.weight = turn(expert.weight);
  return other;
}

void Learner::update(const replay::Minibatch& replay, const replay::Minibatch& expert) {
  const auto number = static_cast<std::uint64_t>(updates_);
  Stream(seed_, kNoisePurpose, number).fill_normal(std::span(noise_));
  Stream(seed_, kMixPurpose, number).fill_uniform(std::span(mix_));
  update(replay, expert, noise_, mix_);
}

void Learner::update(const replay::Minibatch& replay, const replay::Minibatch& expert,
                     std::span<const float> noise, std::span<const float> mix) {
  check("the demonstrations' batch", expert);
  const bool alone = config_.replay_share == 0 && replay.rows == 0;
  if (!alone) check("the batch", replay);
  bind(expert_, expert);
  bind(replay_, alone ? turned(expert) : replay);
  step_.bind_input(handles_.noise, noise);
  step_.bind_input(handles_.mix, mix);
  step_.run(/*rows=*/1, threads_);

  const auto of = [&](int output) { return scalar(step_, output); };
  require_finite("valuedice", "nu", of(handles_.nu), updates_);
  require_finite("valuedice", "actor", of(handles_.actor), updates_);
  metrics_[kNuLoss].value = of(handles_.nu);
  metrics_[kActorLoss].value = of(handles_.actor);
  metrics_[kObjective].value = of(handles_.objective);
  metrics_[kKlEstimate].value = -of(handles_.objective);
  metrics_[kPenalty].value = of(handles_.penalty);
  metrics_[kOrthogonal].value = of(handles_.orthogonal);
  metrics_[kEffectiveRows].value = of(handles_.effective);
  metrics_[kExpertNu].value = of(handles_.expert_nu);
  metrics_[kReplayNu].value = of(handles_.replay_nu);
  metrics_[kEntropy].value = of(handles_.entropy);
  nu_trained_.step(threads_);
  actor_trained_.step(threads_);
  ++updates_;
}

// ---- files

void Learner::save(ArchiveWriter& archive, std::string_view prefix) const {
  actor_trained_.save(actor_.layout, archive, prefix, "actor");
  nu_trained_.save(nu_.layout, archive, prefix, "nu");
  std::vector<double> values;
  for (const auto& metric : metrics_) values.push_back(metric.value);
  archive.put(concat(prefix, "metrics"), values);
  archive.put_scalar(concat(prefix, "seed"), static_cast<Index>(seed_));
  archive.put_scalar(concat(prefix, "updates"), updates_);
}

void Learner::load(const ArchiveReader& archive, std::string_view prefix) {
  // everything is read aside first: a mismatch half-way must not leave a mixture
  auto actor = actor_trained_.read(actor_.layout, archive, prefix, "actor");
  auto nu = nu_trained_.read(nu_.layout, archive, prefix, "nu");
  std::vector<double> values(metrics_.size());
  archive.get(concat(prefix, "metrics"), values);
  const Index seed = archive.get_index(concat(prefix, "seed"));
  const Index updates = archive.get_index(concat(prefix, "updates"));
  require(updates >= 0, "valuedice: \"", prefix, "updates\" is ", updates, "; accepted: 0 and up");

  actor_trained_.take(std::move(actor));
  nu_trained_.take(std::move(nu));
  for (std::size_t i = 0; i < values.size(); ++i) metrics_[i].value = values[i];
  seed_ = static_cast<std::uint64_t>(seed);
  updates_ = updates;
}

Index Learner::flop() const {
  constexpr Index kNone = 1;  // of a batch dimension that there is not
  return step_.flop({&kNone, 1});
}

}  // namespace palaestra::agents::valuedice
