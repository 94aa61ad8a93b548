#include <palaestra/experiments/doc/sequence_models.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include <palaestra/agents/decision_transformer/actor.h>
#include <palaestra/agents/doc/transformer/actor.h>
#include <palaestra/experiments/doc/episodes.h>
#include <palaestra/experiments/doc/frozen_lake.h>
#include <palaestra/replay/window_sampler.h>

namespace palaestra::experiments::doc {

namespace {

using agents::decision_transformer::Actor;
using agents::decision_transformer::Learner;
using agents::doc::Candidates;
using agents::doc::SequenceActor;
using agents::doc::SequenceBank;
using agents::doc::SequenceConfig;
using agents::doc::SequenceLearner;
using rollout::ActMode;

constexpr Purpose kSamplePurpose = purpose("experiments/doc/sample");
constexpr Purpose kEvaluationPurpose = purpose("experiments/doc/evaluation");
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

/// What an actor does in the study's loop.
struct Player {
  std::function<void(Index row)> begin;
  std::function<void(std::span<const float>, ActMode, std::span<float>)> act;
  std::function<void(std::span<const double>)> earned;
  std::function<double()> promise;  ///< after the first step, mean over rows
};

struct Score {
  double mean, error, promise;
};

/// Mean return of one whole episode per row. Every policy of a seed meets the same environments.
Score score(const Setting& setting, Index episodes, ActMode mode, const Player& player,
            std::uint64_t seed, Threads threads) {
  const auto batch = make(setting.place, {.size = episodes,
                                          .autoreset = envs::AutoresetMode::kNextStep,
                                          .threads = threads,
                                          .seed = Stream(seed, kEvaluationPurpose).bits64()});
  const envs::BatchColumns& c = batch->columns();
  const auto rows = static_cast<std::size_t>(episodes);
  const auto width = rows * static_cast<std::size_t>(setting.observation.size());
  std::vector<float> observation(width),
      action(rows * static_cast<std::size_t>(setting.action.size()));
  std::vector<double> rewards(rows), total(rows, 0.0);
  std::vector<std::uint8_t> running(rows, 1);
  for (Index row = 0; row < episodes; ++row) player.begin(row);
  Score result{0, 0, 0};
  for (bool first = true; std::ranges::find(running, 1) != running.end(); first = false) {
    if (setting.observation.kind == Space::Kind::kDiscrete) {
      const auto* state = static_cast<const std::int64_t*>(c.observation);
      std::transform(state, state + width, observation.begin(),
                     [](std::int64_t s) { return static_cast<float>(s); });
    } else {
      const auto* state = static_cast<const float*>(c.observation);
      std::copy(state, state + width, observation.begin());
    }
    player.act(observation, mode, action);
    if (first) result.promise = player.promise();
    take(*batch, action);
    rewards.assign(c.reward, c.reward + episodes);
    for (std::size_t row = 0; row < rows; ++row) {
      if (running[row]) total[row] += rewards[row];
      // rows that have ended play on, unseen
      if (c.terminated[row] || c.truncated[row]) running[row] = 0;
    }
    player.earned(rewards);
  }
  double squares = 0;
  const auto n = static_cast<double>(episodes);
  for (const double x : total) {
    result.mean += x / n;
    squares += x * x / n;
  }
  result.error = std::sqrt(std::max(squares - result.mean * result.mean, 0.0) / (n - 1));
  return result;
}

void score_both(const SequenceStudy& study, const Setting& setting, const std::string& prefix,
                const Player& player, std::uint64_t seed, Threads threads, Measurement& to) {
  for (const ActMode mode : {ActMode::kSample, ActMode::kMean}) {
    const std::string name = prefix + (mode == ActMode::kSample ? "sampled" : "argmax");
    const Score s = score(setting, study.episodes, mode, player, seed, threads);
    to.numbers[name] = s.mean;
    to.numbers[name + "_error"] = s.error;
    if (mode == ActMode::kSample) {
      to.numbers[prefix + "value"] = s.promise;
      to.numbers[prefix + "gap"] = s.promise - s.mean;
    }
  }
}

template <class Learns>
void learn(Learns& learner, const replay::WeightedReplayBuffer& buffer, Index updates,
           const replay::WindowRequest& request, std::uint64_t seed, Measurement& to) {
  replay::WindowSampler sampler(buffer, agents::sequence::window_columns());
  Stream random(seed, kSamplePurpose);
  for (Index k = 0; k < updates; ++k) learner.update(sampler.sample(buffer, random, request));
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

void run_dt(const SequenceStudy& study, const Setting& setting,
            const replay::WeightedReplayBuffer& buffer, std::uint64_t seed, Threads threads,
            Measurement& to) {
  Learner learner(agents::doc::task_of(buffer.storage(), setting.observation, setting.action),
                  study.dt, seed, threads);
  const replay::WindowRequest request{.windows = study.dt.batch_size,
                                      .shape = {.length = study.dt.context},
                                      .fit = replay::WindowFit::kPad,
                                      .choice = {}};
  learn(learner, buffer, study.updates, request, seed, to);
  Actor actor(learner, study.episodes, threads);
  const Player player{.begin = [&](Index row) { actor.begin(row, study.target); },
                      .act = [&](std::span<const float> o, ActMode mode,
                                 std::span<float> a) { actor.act(o, mode, a); },
                      .earned = [&](std::span<const double> r) { actor.earned(r); },
                      .promise = [&] { return study.target; }};
  score_both(study, setting, "", player, seed, threads, to);
}

void run_doc(const SequenceStudy& study, const Setting& setting,
             const replay::WeightedReplayBuffer& buffer, std::uint64_t seed, Threads threads,
             Measurement& to) {
  const SequenceConfig config = settings_of(study.method, study.doc);
  SequenceLearner learner(
      agents::doc::task_of(buffer.storage(), setting.observation, setting.action), config, seed,
      threads);
  const replay::WindowRequest request{.windows = config.batch_size,
                                      .shape = agents::doc::sequence_shape(config),
                                      .fit = replay::WindowFit::kPad,
                                      .choice = {}};
  learn(learner, buffer, study.updates, request, seed, to);
  SequenceActor actor(learner, study.episodes, threads);
  actor.set_bank(SequenceBank::fill(learner, buffer, seed));
  const Player player{.begin = [&](Index row) { actor.begin(row); },
                      .act = [&](std::span<const float> o, ActMode mode,
                                 std::span<float> a) { actor.act(o, mode, a); },
                      .earned = [&](std::span<const double> r) { actor.earned(r); },
                      .promise =
                          [&] {
                            double sum = 0;
                            for (const double v : actor.promise()) sum += v;
                            return sum / static_cast<double>(study.episodes);
                          }};
  for (const Candidates from : {Candidates::kPrior, Candidates::kBank}) {
    actor.set_candidates(from);
    score_both(study, setting, from == Candidates::kPrior ? "prior_" : "bank_", player, seed,
               threads, to);
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
