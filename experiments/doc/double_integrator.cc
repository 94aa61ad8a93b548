#include <palaestra/experiments/doc/double_integrator.h>

#include <vector>

#include <palaestra/envs/stochastic/double_integrator.h>
#include <palaestra/experiments/doc/score.h>

namespace palaestra::experiments::doc {

namespace {

using envs::DoubleIntegrator;

/// 0.3 of the best stationary controller, as its specification prints it, and noise of its own.
constexpr DoubleIntegrator::LinearPolicy kData = {0.3 * 7.604, 0.3 * 4.978, 1.0};
constexpr DoubleIntegrator::LinearPolicy kMeanAction = {0.3 * 7.604, 0.3 * 4.978, 0.0};

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
  const Place place{.id = "DoubleIntegrator-v0", .keywords = {{"sigma", study.sigma}}};
  const std::vector<Trajectory> data = play(place, study.trajectories, behaviour, seed, threads);
  for (const Trajectory& t : data) {
    to.numbers["data_return"] += t.total() / static_cast<double>(data.size());
  }
  const envs::EnvSpec spec = task.spec();
  const Trained trained =
      train({study.method, study.updates, study.percentile, study.probe_updates, study.doc}, data,
            spec.observation, spec.action, seed, threads, to);
  score(place, trained, study.doc, study.episodes, seed, threads, "", to);
}

}  // namespace palaestra::experiments::doc
