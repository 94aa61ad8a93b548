#include <palaestra/experiments/doc/enumerable.h>

#include <cmath>

#include <palaestra/agents/doc/tabular/choose_latent.h>
#include <palaestra/envs/stochastic/gambling.h>
#include <palaestra/envs/stochastic/leaky_two_step.h>
#include <palaestra/envs/stochastic/rare_jackpot.h>
#include <palaestra/experiments/doc/entropy.h>
#include <palaestra/experiments/doc/trajectories.h>

namespace palaestra::experiments::doc {
namespace {

using agents::doc::SequentialDoc;
using agents::doc::TrajectoryLaw;

constexpr Purpose kChooseToken = purpose("doc/enumerable/choose");

double best_return(const EnumerableCase& task) {
  return at_start(task.model, finite_horizon(task.model, task.horizon).value);
}

double worst_return(EnumerableCase task) {
  for (envs::Outcome& outcome : task.model.outcomes) {
    outcome.reward = -outcome.reward;
  }
  return -best_return(task);
}

double return_of(const EnumerableCase& task, std::span<const double> policy) {
  return at_start(task.model, evaluate(task.model, policy, task.horizon));
}

void report_promise(const TrajectoryLaw& law, double promised, Measurement& to) {
  to.numbers["V"] = promised;
  to.numbers["gap"] = promised - to.numbers["J"];
  to.numbers["relative_gap"] =
      std::abs(to.numbers["gap"]) / std::max(law.highest() - law.lowest(), 1e-12);
}

void learn(const EnumerableStudy& study, const EnumerableCase& task, const TrajectoryLaw& law,
           std::uint64_t seed, Measurement& to) {
  SequentialDoc agent(law, study.doc, seed);
  for (Index step = 0; step < study.steps; ++step) {
    agent.update();
  }
  const auto prior = agent.prior(), value = agent.values();
  Stream random(seed, kChooseToken);
  const Index z = agents::doc::choose_latent(prior, value, study.doc.candidates,
                                             study.doc.min_prior_mass, random);
  to.numbers["J"] = return_of(task, agent.policy(z));
  report_promise(law, value[static_cast<std::size_t>(z)], to);
  to.numbers["information"] = agent.information();
  to.numbers["effective_latents"] = std::exp(entropy(prior));
  const double best = best_return(task);
  const bool close = std::abs(to.numbers["J"] - best) <= 0.01 * std::abs(best);
  to.numbers["matches"] = close && to.numbers["relative_gap"] <= 0.01 ? 1 : 0;
}

}  // namespace

EnumerableCase case_of(EnumerableTask task) {
  switch (task) {
    case EnumerableTask::kRareJackpot:
      return {envs::RareJackpot().model(), {0.5, 0.5}, 1};
    case EnumerableTask::kLeakyTwoStep:
      // start, G, B, S: what is done in G and B tells where the gamble led
      return {envs::LeakyTwoStep().model(), {0.5, 0.5, 0.02, 0.98, 0.98, 0.02, 0.5, 0.5}, 2};
    case EnumerableTask::kGambling:
      break;
  }
  return {envs::Gambling().model(), std::vector<double>(std::size_t{7} * 3, 1.0 / 3), 2};
}

void run_enumerable(const EnumerableStudy& study, std::uint64_t seed, Threads, Measurement& to) {
  const EnumerableCase task = case_of(study.task);
  const TrajectoryLaw law = enumerate(task.model, task.data_policy, task.horizon);
  switch (study.method) {
    case EnumerableMethod::kDoc:
      learn(study, task, law, seed, to);
      break;
    case EnumerableMethod::kReturnConditioned:
      to.numbers["J"] = return_of(task, agents::doc::return_conditioned_policy(law, study.asked));
      report_promise(law, study.asked, to);
      break;
    case EnumerableMethod::kCloning:
      to.numbers["J"] = return_of(task, agents::doc::cloned_policy(law));
      break;
    case EnumerableMethod::kOptimum:
      to.numbers["J"] = best_return(task);
      break;
    case EnumerableMethod::kWorst:
      to.numbers["J"] = worst_return(task) + 0.0;  // no -0
      break;
  }
  const double best = best_return(task);
  to.numbers["shortfall"] = (best - to.numbers["J"]) / std::abs(best);
}

}  // namespace palaestra::experiments::doc
