#include <palaestra/experiments/doc/sequence_models.h>

#include <memory>
#include <string>
#include <vector>

#include <palaestra/agents/decision_transformer/actor.h>
#include <palaestra/agents/doc/latents.h>
#include <palaestra/agents/doc/transformer/actor.h>
#include <palaestra/experiments/doc/episodes.h>
#include <palaestra/experiments/doc/frozen_lake.h>
#include <palaestra/experiments/doc/learn.h>
#include <palaestra/experiments/doc/score.h>

namespace palaestra::experiments::doc {

namespace {

using agents::decision_transformer::Actor;
using agents::decision_transformer::Learner;
using agents::decision_transformer::Memory;
using agents::doc::Bank;
using agents::doc::Candidates;
using agents::doc::SequenceActor;
using agents::doc::SequenceConfig;
using agents::doc::SequenceLearner;
using agents::doc::SequenceMemory;
using rollout::ActMode;

constexpr Index kMoves = 4;  // of FrozenLake

/// A task and the policy that its data come from.
struct Setting {
  Place place;
  Space observation, action;
  Behaviour behaviour;
};

Setting setting_of(const SequenceStudy& study) {
  if (study.task == SequenceTask::kDoubleIntegrator) {
    const double sigma = study.sigma;
    const Behaviour behaviour = [](std::span<const float> x, Index, Stream& random,
                                   std::span<float> push) {
      // as in double_integrator.h
      const double mean = -0.3 * (7.604 * double{x[0]} + 4.978 * double{x[1]});
      push[0] = static_cast<float>(random.normal(mean, 1.0));
    };
    const Place place{.id = "DoubleIntegrator-v0", .keywords = {{"sigma", sigma}}};
    const auto batch = make(place, {});
    return {place, batch->spec().observation, batch->spec().action, behaviour};
  }
  const Behaviour behaviour = [policy = frozen_lake_data_policy(study.epsilon)](
                                  std::span<const float> state, Index, Stream& random,
                                  std::span<float> action) {
    const auto row = static_cast<std::size_t>(state[0]) * kMoves;
    double left = random.uniform();
    Index chosen = 0;
    while (chosen + 1 < kMoves && left >= policy[row + static_cast<std::size_t>(chosen)]) {
      left -= policy[row + static_cast<std::size_t>(chosen++)];
    }
    action[0] = static_cast<float>(chosen);
  };
  return {{.id = "FrozenLake-v1", .keywords = {{"success_rate", study.success_rate}}},
          Space::discrete(16),
          Space::discrete(kMoves),
          behaviour};
}

template <class Learns>
void learn(Learns& learner, const replay::WeightedReplayBuffer& buffer, Index updates,
           const rollout::Sampling& sampling, std::uint64_t seed, Measurement& to) {
  learn_from_windows(learner, buffer, sampling.windows->columns,
                     {.windows = sampling.batch_size, .shape = sampling.windows->shape}, updates,
                     seed);
  for (const rollout::Metric& metric : learner.metrics()) {
    to.numbers[std::string(metric.name)] = metric.value;
  }
}

SequenceConfig settings_of(SequenceMethod method, SequenceConfig config) {
  if (method == SequenceMethod::kVae || method == SequenceMethod::kNoConstraint) config.beta = 0;
  if (method == SequenceMethod::kNoConstraint || method == SequenceMethod::kPublished) {
    config.kl_weight = 0;
  }
  if (method == SequenceMethod::kPublished) {
    config.penalty = agents::doc::Penalty::kPublished;
    config.detach_value = false;
  }
  return config;
}

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

/// Plays what acts from a memory of each row.
template <class A, class Memory>
void score_memory(const SequenceStudy& study, const Setting& setting, A& actor, Memory& memory,
                  std::uint64_t seed, Threads threads, const std::string& prefix, Measurement& to) {
  const auto rows = static_cast<std::size_t>(study.episodes);
  std::vector<std::uint8_t> begins(rows);
  std::vector<float> earned(rows);
  const auto policy = [&](ActMode mode) -> Act {
    return [&, mode](std::span<const float> states, Index step, std::span<const double> rewards,
                     std::span<float> actions) {
      begins.assign(rows, step == 0 ? 1 : 0);
      earned.assign(rewards.begin(), rewards.end());
      actor.act(memory, {begins, earned}, states,
                {.rows = study.episodes, .place = 0, .first_row = 0, .step = step, .mode = mode},
                actions);
    };
  };
  score_both(setting.place, study.episodes, {policy, [&] { return mean_of(memory.promised()); }},
             seed, threads, prefix, to);
}

void run_dt(const SequenceStudy& study, const Setting& setting,
            const replay::WeightedReplayBuffer& buffer, std::uint64_t seed, Threads threads,
            Measurement& to) {
  const auto task = agents::doc::task_of(buffer.storage(), setting.observation, setting.action);
  Learner learner(task, study.dt, seed, threads);
  learn(learner, buffer, study.updates, study.dt.sampling(), seed, to);
  Actor actor(learner, threads);
  Memory memory(task, study.dt, study.episodes);
  score_memory(study, setting, actor, memory, seed, threads, "", to);
}

void run_doc(const SequenceStudy& study, const Setting& setting,
             const replay::WeightedReplayBuffer& buffer, std::uint64_t seed, Threads threads,
             Measurement& to) {
  const SequenceConfig config = settings_of(study.method, study.doc);
  const auto task = agents::doc::task_of(buffer.storage(), setting.observation, setting.action);
  SequenceLearner learner(task, config, seed, threads);
  learn(learner, buffer, study.updates, config.sampling(), seed, to);
  SequenceActor actor(learner, threads);
  actor.set_bank(std::make_shared<const Bank>(bank_of(learner, buffer.storage(), seed)));
  SequenceMemory memory(task, config, study.episodes);
  for (const Candidates from : {Candidates::kPrior, Candidates::kBank}) {
    actor.set_candidates(from);
    score_memory(study, setting, actor, memory, seed, threads,
                 from == Candidates::kPrior ? "prior_" : "bank_", to);
  }
}

}  // namespace

void run_sequence_models(const SequenceStudy& study, std::uint64_t seed, Threads threads,
                         Measurement& to) {
  const Setting setting = setting_of(study);
  const std::vector<Trajectory> data =
      play(setting.place, study.trajectories, setting.behaviour, seed, threads);
  for (const Trajectory& t : data) {
    to.numbers["data_return"] += t.total() / static_cast<double>(data.size());
  }
  const replay::WeightedReplayBuffer buffer = buffer_of(data, setting.observation, setting.action);
  if (study.method == SequenceMethod::kDecisionTransformer) {
    run_dt(study, setting, buffer, seed, threads, to);
  } else {
    run_doc(study, setting, buffer, seed, threads, to);
  }
}

}  // namespace palaestra::experiments::doc
