#include <palaestra/experiments/doc/score.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <palaestra/replay/as_float.h>

namespace palaestra::experiments::doc {

namespace {

using agents::doc::Candidates;
using agents::doc::DocConfig;
using rollout::ActMode;

constexpr Purpose kEvaluationPurpose = purpose("experiments/doc/evaluation");

/// What every way to score has in common.
struct Scoring {
  const Place& place;
  Index episodes;
  std::uint64_t seed;
  Threads threads;
  Measurement& to;

  std::size_t rows() const { return static_cast<std::size_t>(episodes); }
  void both(const std::string& prefix, const Player& player) const {
    score_both(place, episodes, player, seed, threads, prefix, to);
  }
};

void set_promise(Measurement& to, const std::string& prefix, double value) {
  to.numbers[prefix + "value"] = value;
  to.numbers[prefix + "gap"] = value - to.numbers[prefix + "sampled"];
}

double mean_of(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += double{v} / static_cast<double>(values.size());
  return sum;
}

void score_plans(const Scoring& scoring, const Trained& trained, const DocConfig& config,
                 const std::string& prefix) {
  std::vector<float> z(scoring.rows() * static_cast<std::size_t>(config.latent));
  std::vector<float> value(scoring.rows());
  for (const Candidates from : {Candidates::kPrior, Candidates::kBank}) {
    const std::string name = prefix + (from == Candidates::kPrior ? "prior_" : "bank_");
    double promised = 0;
    const auto policy = [&](ActMode mode) -> Act {
      return [&, mode](std::span<const float> states, Index step, std::span<const double>,
                       std::span<float> actions) {
        if (step % config.replan_every == 0) {
          trained.planner->plan(states, scoring.episodes, 0, step, from, z, value);
        }
        if (step == 0) promised = mean_of(value);
        trained.planner->act(states, scoring.episodes, 0, step, mode, z, actions);
      };
    };
    scoring.both(name, {policy, [&] { return promised; }});
  }
}

void score_imitation(const Scoring& scoring, const Trained& trained, const std::string& prefix) {
  const std::size_t rows = trained.asks ? scoring.rows() : 0;
  std::vector<float> asked;
  const auto policy = [&](ActMode mode) -> Act {
    return [&, mode](std::span<const float> states, Index step, std::span<const double> rewards,
                     std::span<float> actions) {
      // what is still to be earned: as a Decision Transformer is asked
      if (step == 0) asked.assign(rows, static_cast<float>(trained.promise));
      for (std::size_t i = 0; i < rows; ++i) asked[i] -= static_cast<float>(rewards[i]);
      trained.imitation->act(states, scoring.episodes, 0, step, mode, asked, actions);
    };
  };
  scoring.both(prefix, {policy, [&] { return trained.promise; }});
}

void score_one_step(const Scoring& scoring, const Trained& trained, const std::string& prefix) {
  std::vector<float> q(scoring.rows());
  double promised = 0;
  const Act act = [&](std::span<const float> states, Index step, std::span<const double>,
                      std::span<float> actions) {
    trained.one_step->act(states, scoring.episodes, 0, step, actions, q);
    if (step == 0) promised = mean_of(q);
  };
  const Estimate estimate =
      score(scoring.place, scoring.episodes, act, scoring.seed, scoring.threads);
  auto& numbers = scoring.to.numbers;
  numbers[prefix + "sampled"] = numbers[prefix + "argmax"] = estimate.mean;  // it has one decoding
  numbers[prefix + "sampled_error"] = numbers[prefix + "argmax_error"] = estimate.error;
  set_promise(scoring.to, prefix, promised);
}

}  // namespace

Estimate score(const Place& place, Index episodes, const Act& act, std::uint64_t seed,
               Threads threads) {
  const auto batch = make(place, {.size = episodes,
                                  .autoreset = envs::AutoresetMode::kSameStep,
                                  .threads = threads,
                                  .seed = Stream(seed, kEvaluationPurpose).bits64()});
  const envs::BatchColumns& c = batch->columns();
  const auto rows = static_cast<std::size_t>(episodes);
  const Space& space = batch->spec().observation;
  std::vector<float> states(rows * static_cast<std::size_t>(space.size()));
  std::vector<float> actions(rows * static_cast<std::size_t>(batch->spec().action.size()));
  std::vector<double> rewards(rows, 0.0), totals(rows, 0.0);
  std::vector<bool> playing(rows, true);
  for (Index step = 0; std::ranges::find(playing, true) != playing.end(); ++step) {
    replay::copy_as_float(space.dtype, static_cast<const std::byte*>(c.observation), states.data(),
                          std::ssize(states));
    act(states, step, rewards, actions);
    take(*batch, actions);
    rewards.assign(c.reward, c.reward + episodes);
    for (std::size_t i = 0; i < rows; ++i) {
      if (playing[i]) {  // else it has begun another episode, which does not count
        totals[i] = c.episode_return[i];
        playing[i] = c.terminated[i] == 0 && c.truncated[i] == 0;
      }
    }
  }
  double sum = 0, squares = 0;
  for (const double total : totals) {
    sum += total;
    squares += total * total;
  }
  const auto n = static_cast<double>(episodes);
  const double mean = sum / n;
  return {mean, std::sqrt(std::max(squares / n - mean * mean, 0.0) / (n - 1))};
}

void score_both(const Place& place, Index episodes, const Player& player, std::uint64_t seed,
                Threads threads, const std::string& prefix, Measurement& to) {
  for (const ActMode mode : {ActMode::kSample, ActMode::kMean}) {
    const std::string name = prefix + (mode == ActMode::kSample ? "sampled" : "argmax");
    const Estimate estimate = score(place, episodes, player.policy(mode), seed, threads);
    to.numbers[name] = estimate.mean;
    to.numbers[name + "_error"] = estimate.error;
    if (mode == ActMode::kSample) set_promise(to, prefix, player.promised());
  }
}

void score(const Place& place, const Trained& trained, const DocConfig& config, Index episodes,
           std::uint64_t seed, Threads threads, const std::string& prefix, Measurement& to) {
  const Scoring scoring{place, episodes, seed, threads, to};
  if (trained.planner) {
    score_plans(scoring, trained, config, prefix);
  } else if (trained.imitation) {
    score_imitation(scoring, trained, prefix);
  } else {
    score_one_step(scoring, trained, prefix);
  }
}

}  // namespace palaestra::experiments::doc
