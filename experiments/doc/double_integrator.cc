#include <palaestra/experiments/doc/double_integrator.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <palaestra/envs/registry.h>
#include <palaestra/envs/stochastic/double_integrator.h>

namespace palaestra::experiments::doc {

namespace {

using agents::doc::Candidates;
using envs::DoubleIntegrator;
using rollout::ActMode;

constexpr std::string_view kTask = "DoubleIntegrator-v0";
constexpr Purpose kEvaluationPurpose = purpose("experiments/doc/evaluation");

/// 0.3 of the best stationary controller, as its specification prints it, and noise of its own.
constexpr DoubleIntegrator::LinearPolicy kData = {0.3 * 7.604, 0.3 * 4.978, 1.0};
constexpr DoubleIntegrator::LinearPolicy kMeanAction = {0.3 * 7.604, 0.3 * 4.978, 0.0};

/// Chooses pushes for all rows; `rewards` are those of the step before.
using Act = std::function<void(std::span<const float> states, Index step,
                               std::span<const double> rewards, std::span<float> pushes)>;

struct Estimate {
  double mean, error;
};

/// Mean return and its standard error. Every policy of a seed meets the same noise.
Estimate score(double sigma, Index episodes, const Act& act, std::uint64_t seed, Threads threads) {
  const auto batch = envs::make(kTask,
                                {.size = episodes,
                                 .autoreset = envs::AutoresetMode::kDisabled,
                                 .threads = threads,
                                 .seed = Stream(seed, kEvaluationPurpose).bits64()},
                                {{"sigma", sigma}});
  const envs::BatchColumns& c = batch->columns();
  const auto rows = static_cast<std::size_t>(episodes);
  std::vector<float> pushes(rows);
  std::vector<double> rewards(rows, 0.0);
  for (Index t = 0; t < DoubleIntegrator::kHorizon; ++t) {
    act({static_cast<const float*>(c.observation), 2 * rows}, t, rewards, pushes);
    batch->step(pushes);
    rewards.assign(c.reward, c.reward + episodes);
  }
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    sum += c.episode_return[i];
    squares += c.episode_return[i] * c.episode_return[i];
  }
  const auto n = static_cast<double>(episodes);
  const double mean = sum / n;
  return {mean, std::sqrt(std::max(squares / n - mean * mean, 0.0) / (n - 1))};
}

/// Both decodings of a policy under `prefix`.
void score_both(const DoubleIntegratorStudy& study, const std::string& prefix,
                const std::function<Act(ActMode)>& policy, std::uint64_t seed, Threads threads,
                Measurement& to) {
  for (const ActMode mode : {ActMode::kSample, ActMode::kMean}) {
    const std::string name = prefix + (mode == ActMode::kSample ? "sampled" : "argmax");
    const Estimate estimate = score(study.sigma, study.episodes, policy(mode), seed, threads);
    to.numbers[name] = estimate.mean;
    to.numbers[name + "_error"] = estimate.error;
  }
}

void promise(const std::string& prefix, double value, Measurement& to) {
  to.numbers[prefix + "value"] = value;
  to.numbers[prefix + "gap"] = value - to.numbers[prefix + "sampled"];
}

void score_plans(const DoubleIntegratorStudy& study, const Trained& trained, std::uint64_t seed,
                 Threads threads, Measurement& to) {
  const auto rows = static_cast<std::size_t>(study.episodes);
  std::vector<float> z(rows * static_cast<std::size_t>(study.doc.latent)), value(rows);
  for (const Candidates from : {Candidates::kPrior, Candidates::kBank}) {
    const std::string prefix = from == Candidates::kPrior ? "prior_" : "bank_";
    double promised = 0;
    const auto policy = [&](ActMode mode) -> Act {
      return [&, mode](std::span<const float> states, Index step, std::span<const double>,
                       std::span<float> pushes) {
        if (step % study.doc.replan_every == 0) {
          trained.planner->plan(states, study.episodes, 0, step, from, z, value);
        }
        if (step == 0) {
          promised = 0;
          for (const float v : value) promised += double{v} / static_cast<double>(study.episodes);
        }
        trained.planner->act(states, study.episodes, 0, step, mode, z, pushes);
      };
    };
    score_both(study, prefix, policy, seed, threads, to);
    promise(prefix, promised, to);
  }
}

void score_imitation(const DoubleIntegratorStudy& study, const Trained& trained, std::uint64_t seed,
                     Threads threads, Measurement& to) {
  const std::size_t rows = trained.asks ? static_cast<std::size_t>(study.episodes) : 0;
  std::vector<float> asked;
  const auto policy = [&](ActMode mode) -> Act {
    return [&, mode](std::span<const float> states, Index step, std::span<const double> rewards,
                     std::span<float> pushes) {
      // what is still to be earned: as a Decision Transformer is asked
      if (step == 0) asked.assign(rows, static_cast<float>(trained.promise));
      for (std::size_t i = 0; i < rows; ++i) asked[i] -= static_cast<float>(rewards[i]);
      trained.imitation->act(states, study.episodes, 0, step, mode, asked, pushes);
    };
  };
  score_both(study, "", policy, seed, threads, to);
  promise("", trained.promise, to);
}

void score_one_step(const DoubleIntegratorStudy& study, const Trained& trained, std::uint64_t seed,
                    Threads threads, Measurement& to) {
  std::vector<float> q(static_cast<std::size_t>(study.episodes));
  double promised = 0;
  const Act act = [&](std::span<const float> states, Index step, std::span<const double>,
                      std::span<float> pushes) {
    trained.one_step->act(states, study.episodes, 0, step, pushes, q);
    if (step == 0) promised = double{q[0]};
  };
  const Estimate estimate = score(study.sigma, study.episodes, act, seed, threads);
  to.numbers["sampled"] = to.numbers["argmax"] = estimate.mean;  // it has one decoding
  to.numbers["sampled_error"] = to.numbers["argmax_error"] = estimate.error;
  promise("", promised, to);
}

}  // namespace

void run_double_integrator(const DoubleIntegratorStudy& study, std::uint64_t seed, Threads threads,
                           Measurement& to) {
  const DoubleIntegrator task{study.sigma};
  to.numbers["optimum"] = task.optimal_value(DoubleIntegrator::kHorizon);
  to.numbers["data_policy"] = task.value_of(kData);
  to.numbers["mean_action"] = task.value_of(kMeanAction);
  const Behaviour behaviour = [](std::span<const float> x, Index, Stream& random,
                                 std::span<float> push) {
    const double mean = -(kData.on_position * double{x[0]} + kData.on_velocity * double{x[1]});
    push[0] = static_cast<float>(random.normal(mean, kData.noise));
  };
  const std::vector<Trajectory> data =
      play(kTask, {{"sigma", study.sigma}}, study.trajectories, behaviour, seed, threads);
  for (const Trajectory& t : data) {
    to.numbers["data_return"] += t.total() / static_cast<double>(data.size());
  }
  const envs::EnvSpec spec = task.spec();
  const Trained trained = train({study.method, study.updates, study.percentile, study.doc}, data,
                                spec.observation, spec.action, seed, threads, to);
  if (trained.planner) {
    score_plans(study, trained, seed, threads, to);
  } else if (trained.imitation) {
    score_imitation(study, trained, seed, threads, to);
  } else {
    score_one_step(study, trained, seed, threads, to);
  }
}

}  // namespace palaestra::experiments::doc
