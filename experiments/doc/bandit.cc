#include <palaestra/experiments/doc/bandit.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <palaestra/agents/doc/tabular/action_table.h>
#include <palaestra/agents/doc/tabular/choose_latent.h>
#include <palaestra/core/error.h>
#include <palaestra/envs/registry.h>
#include <palaestra/experiments/doc/entropy.h>
#include <palaestra/replay/weighted_replay_buffer.h>
#include <palaestra/rollout/collector.h>

namespace palaestra::experiments::doc {
namespace {

using agents::doc::OneStepDoc;

constexpr Index kArms = 2, kOutcomes = 2;  // a reward of 0 or 1
constexpr Purpose kPull = purpose("doc/bandit/pull");
constexpr Purpose kBatch = purpose("doc/bandit/batch");
constexpr Purpose kChooseArm = purpose("doc/bandit/choose");

/// Takes the better arm, 1, with probability p.
class DataPolicy final : public rollout::Policy {
 public:
  DataPolicy(double p, std::uint64_t seed) : p_(p), seed_(seed) {}
  void act(const rollout::RowBlock& block, std::span<const float>, rollout::Actions& out) override {
    for (Index row = block.begin; row < block.end; ++row) {
      Stream random(seed_, kPull, static_cast<std::uint64_t>(row),
                    static_cast<std::uint64_t>(block.step));
      out.choices[static_cast<std::size_t>(row)] = random.uniform() < p_ ? 1 : 0;
    }
  }

 private:
  double p_;
  std::uint64_t seed_;
};

/// The data, in the buffer that every agent reads from.
replay::WeightedReplayBuffer pull(const BanditStudy& study, std::uint64_t seed, Threads threads,
                                  double* mean_reward) {
  const auto batch = envs::make("BernoulliBandit-v0",
                                {.size = study.pulls,
                                 .autoreset = envs::AutoresetMode::kSameStep,
                                 .threads = threads,
                                 .seed = seed},
                                {{"p", study.p}});
  rollout::Collector collector(*batch);
  DataPolicy policy(study.p, seed);
  const rollout::Transitions& t = collector.step(policy, 0);
  replay::WeightedReplayBuffer buffer(
      replay::transition_columns(batch->spec().observation, batch->spec().action),
      {.capacity = study.pulls});
  *mean_reward =
      std::accumulate(t.reward.begin(), t.reward.end(), 0.0) / static_cast<double>(t.reward.size());
  require(*mean_reward > 0 && *mean_reward < 1, "all of the ", study.pulls,
          " pulls came out alike; more pulls are needed");
  const std::vector<std::int64_t> state(static_cast<std::size_t>(study.pulls), 0);
  const replay::NamedValues columns[] = {
      {"observation", state}, {"action", collector.actions().choices}, {"reward", t.reward}};
  const replay::NamedValues last[] = {{"observation", state}};
  buffer.extend(0, {.columns = columns,
                    .terminated = t.terminated,
                    .truncated = t.truncated,
                    .skip = {},
                    .next = {},
                    .last = last});
  return buffer;
}

/// Minibatches as numbers of arms and rewards, draw after draw from one stream.
class Batches {
 public:
  Batches(const BanditStudy& study, replay::WeightedReplayBuffer& buffer, std::uint64_t seed)
      : buffer_(buffer), random_(seed, kBatch), rows_(study.doc.batch_size) {
    action_.resize(static_cast<std::size_t>(rows_));
    reward_.resize(static_cast<std::size_t>(rows_));
  }
  void draw() {
    const replay::Minibatch& batch = buffer_.sample(random_, {.rows = rows_});
    for (std::size_t i = 0; i < action_.size(); ++i) {
      action_[i] = static_cast<Index>(batch.action[i]);
      reward_[i] = static_cast<Index>(batch.reward[i]);
    }
  }
  std::span<const Index> action() const { return action_; }
  std::span<const Index> reward() const { return reward_; }

 private:
  replay::WeightedReplayBuffer& buffer_;
  Stream random_;
  Index rows_;
  std::vector<Index> action_, reward_;
};

/// The exact expected reward of a policy.
double expected_reward(const BanditStudy& study, std::span<const double> policy) {
  return policy[1] * (1 - study.p) + policy[0] * study.p;
}

/// I(z;r|a) in nats under the true law of pulls and rewards.
double information(const BanditStudy& study, const OneStepDoc& agent) {
  double total = 0;
  for (Index a = 0; a < kArms; ++a) {
    const double pays = a == 1 ? 1 - study.p : study.p;
    const auto lost = agent.encoder(a, 0), won = agent.encoder(a, 1);
    std::vector<double> mixed(lost.size());
    for (std::size_t z = 0; z < mixed.size(); ++z) {
      mixed[z] = (1 - pays) * lost[z] + pays * won[z];
    }
    const double taken = a == 1 ? study.p : 1 - study.p;
    total += taken * (entropy(mixed) - (1 - pays) * entropy(lost) - pays * entropy(won));
  }
  return total;
}

void train_with_latents(const BanditStudy& study, std::uint64_t seed, Batches& batches,
                        double mean_reward, Measurement& to) {
  agents::doc::OneStepConfig config = study.doc;
  const bool published = study.method == BanditMethod::kPublished;
  if (published) {
    config.constraint = agents::doc::Constraint::kPublished;
    config.stop_value = false;
  }
  const double rho[kOutcomes] = {1 - mean_reward, mean_reward};
  OneStepDoc agent(kArms, rho, config, seed);
  for (Index step = 0; step < study.steps; ++step) {
    batches.draw();
    agent.update(batches.action(), batches.reward());
  }
  std::vector<double> value;  // V(z): what z promises to win
  for (Index z = 0; z < agent.latents(); ++z) {
    value.push_back(agent.outcome_law(z)[1]);
  }
  const auto best_of = [&](double least_mass) {
    Stream random(seed, kChooseArm);
    return published ? static_cast<Index>(std::ranges::max_element(value) - value.begin())
                     : agents::doc::choose_latent(agent.prior(), value, config.candidates,
                                                  least_mass, random);
  };
  const Index z = best_of(config.min_prior_mass);
  const double promised = value[static_cast<std::size_t>(z)];
  const auto policy = agent.policy(z);
  const double earned = expected_reward(study, policy);
  to.numbers["J"] = earned;
  to.numbers["J_any_mass"] = expected_reward(study, agent.policy(best_of(0)));
  to.numbers["better_arm"] = policy[1];
  to.numbers["V"] = promised;
  to.numbers["gap"] = promised - earned;
  to.numbers["abs_gap"] = std::abs(promised - earned);
  to.numbers["information"] = information(study, agent);
  to.numbers["effective_latents"] = std::exp(entropy(agent.prior()));
}

/// A table of actions for each of what was obtained, or for nothing.
void train_table(const BanditStudy& study, std::uint64_t seed, Batches& batches, Measurement& to) {
  const bool asks = study.method == BanditMethod::kReturnConditioned;
  agents::doc::ActionTable table(asks ? kOutcomes : 1, kArms, study.doc.batch_size,
                                 study.doc.learning_rate, seed);
  std::vector<Index> context, action;
  for (Index step = 0; step < study.steps; ++step) {
    batches.draw();
    context.clear();
    action.clear();
    for (std::size_t i = 0; i < batches.action().size(); ++i) {
      if (study.method != BanditMethod::kBestReturns || batches.reward()[i] == 1) {
        context.push_back(asks ? batches.reward()[i] : 0);
        action.push_back(batches.action()[i]);
      }
    }
    if (!action.empty()) {
      table.update(context, action);
    }
  }
  const auto policy = table.policy(asks ? 1 : 0);
  to.numbers["J"] = expected_reward(study, policy);
  to.numbers["better_arm"] = policy[1];
  if (asks) {  // it promises what it was asked for
    to.numbers["V"] = 1;
    to.numbers["gap"] = 1 - to.numbers["J"];
    to.numbers["abs_gap"] = std::abs(to.numbers["gap"]);
  }
}

}  // namespace

void run_bandit(const BanditStudy& study, std::uint64_t seed, Threads threads, Measurement& to) {
  if (study.method == BanditMethod::kOptimum) {
    to.numbers["J"] = 1 - study.p;
    return;
  }
  double mean_reward = 0;
  auto buffer = pull(study, seed, threads, &mean_reward);
  Batches batches(study, buffer, seed);
  if (study.method == BanditMethod::kDoc || study.method == BanditMethod::kPublished) {
    train_with_latents(study, seed, batches, mean_reward, to);
  } else {
    train_table(study, seed, batches, to);
  }
}

}  // namespace palaestra::experiments::doc
