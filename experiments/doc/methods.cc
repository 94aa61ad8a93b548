#include <palaestra/experiments/doc/methods.h>

#include <algorithm>
#include <string>

#include <palaestra/agents/doc/latents.h>
#include <palaestra/agents/doc/probe.h>
#include <palaestra/experiments/doc/learn.h>

namespace palaestra::experiments::doc {

namespace {

constexpr Purpose kProbePurpose = purpose("experiments/doc/probe");

/// Minibatches of `windows` windows, each `length` steps.
template <class Learns>
void learn(Learns& learner, const replay::WeightedReplayBuffer& buffer, Index updates,
           Index windows, Index length, std::uint64_t seed) {
  learn_from_windows(learner, buffer, agents::doc::window_columns(),
                     {.windows = windows, .shape = {.length = length}}, updates, seed);
}

/// Every tenth episode is for the probe to be asked about, the others teach it.
struct Split {
  std::vector<Trajectory> taught, asked;

  explicit Split(const std::vector<Trajectory>& data) {
    for (std::size_t i = 0; i < data.size(); ++i) (i % 10 == 9 ? asked : taught).push_back(data[i]);
  }
};

double luck(agents::doc::Learner& learner, const std::vector<Trajectory>& data, Index updates,
            const Space& observation, const Space& action, std::uint64_t seed, Threads threads) {
  constexpr Index kBatches = 100;
  const Split split(data);
  const agents::doc::DocConfig& config = learner.config();
  agents::doc::Probe probe(learner, seed, threads);
  learn(probe, buffer_of(split.taught, observation, action), updates, config.batch_size,
        config.window, seed);
  const replay::WeightedReplayBuffer buffer = buffer_of(split.asked, observation, action);
  replay::WindowSampler sampler(buffer, agents::doc::window_columns());
  Stream random(seed, kProbePurpose);
  const replay::WindowRequest request{.windows = config.batch_size,
                                      .shape = {.length = config.window}};
  double mean = 0;
  for (Index k = 0; k < kBatches; ++k) {
    mean += probe.information(sampler.sample(buffer, random, request)) / kBatches;
  }
  return mean;
}

}  // namespace

agents::doc::DocConfig settings_of(Method method, agents::doc::DocConfig config) {
  if (method == Method::kVae || method == Method::kNoConstraint) config.beta = 0;
  if (method == Method::kNoConstraint || method == Method::kPublished) config.kl_weight = 0;
  if (method == Method::kPublished) {
    config.penalty = agents::doc::Penalty::kPublished;
    config.detach_value = false;
  }
  return config;
}

Trained train(const Training& training, const std::vector<Trajectory>& data,
              const Space& observation, const Space& action, std::uint64_t seed, Threads threads,
              Measurement& to) {
  using namespace agents::doc;
  const Method method = training.method;
  const DocConfig config = settings_of(method, training.config);
  const std::vector<Trajectory> chosen =
      method == Method::kPercentileBc ? best(data, training.percentile) : data;
  const replay::WeightedReplayBuffer buffer = buffer_of(chosen, observation, action);
  Task task = task_of(buffer.storage(), observation, action);
  Trained trained;
  trained.best_return = data.front().total();
  for (const Trajectory& t : data) trained.best_return = std::max(trained.best_return, t.total());
  switch (method) {
    case Method::kBc:
    case Method::kPercentileBc:
    case Method::kReturnBc:
      trained.asks = method == Method::kReturnBc;
      for (const Trajectory& t : chosen) {
        trained.promise += t.total() / static_cast<double>(chosen.size());
      }
      if (trained.asks) trained.promise = trained.best_return;
      trained.imitation = std::make_unique<Imitation>(
          std::move(task), config, trained.asks ? Condition::kReturn : Condition::kNothing, seed,
          threads);
      learn(*trained.imitation, buffer, training.updates, config.batch_size, 1, seed);
      to.numbers["policy_loss"] = trained.imitation->loss();
      break;
    case Method::kOneStep:
      trained.one_step = std::make_unique<OneStep>(std::move(task), config, seed, threads);
      learn(*trained.one_step, buffer, training.updates, config.batch_size, 1, seed);
      to.numbers["q_loss"] = trained.one_step->loss();
      break;
    case Method::kDoc:
    case Method::kVae:
    case Method::kNoConstraint:
    case Method::kPublished:
      trained.learner = std::make_unique<Learner>(std::move(task), config, seed, threads);
      learn(*trained.learner, buffer, training.updates, config.batch_size, config.window, seed);
      trained.planner = std::make_unique<Planner>(*trained.learner, threads);
      trained.planner->set_bank(
          std::make_shared<const Bank>(bank_of(*trained.learner, buffer.storage(), seed)));
      for (const auto& metric : trained.learner->metrics()) {
        to.numbers[std::string(metric.name)] = metric.value;
      }
      if (training.probe_updates > 0 && data.size() >= 10) {
        to.numbers["luck"] = luck(*trained.learner, data, training.probe_updates, observation,
                                  action, seed, threads);
      }
      break;
  }
  return trained;
}

}  // namespace palaestra::experiments::doc
