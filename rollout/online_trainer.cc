#include <palaestra/rollout/online_trainer.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>
#include <palaestra/envs/registry.h>
#include <palaestra/replay/weighted_replay_buffer.h>
#include <palaestra/rollout/keywords.h>

namespace palaestra::rollout {
namespace {

constexpr Purpose kSample = purpose("rollout/sample");

std::uint64_t bits(Index value) { return static_cast<std::uint64_t>(value); }

std::unique_ptr<envs::AnyBatch> make_batch(const TrainConfig& config, Threads threads) {
  validate(config);
  return envs::make(config.env,
                    {.size = config.n,
                     // every step is a transition, and none is lost
                     .autoreset = envs::AutoresetMode::kSameStep,
                     .threads = threads,
                     .seed = bits(config.seed)},
                    parse_keywords(config.env_options), config.wrap.wrappers());
}

/// Observations are learnt from as float32, whatever the environment computes in.
Space as_float32(Space space) {
  if (space.kind == Space::Kind::kBox && space.dtype == DType::kFloat64) {
    space.dtype = DType::kFloat32;
  }
  return space;
}

}  // namespace

void TrainConfig::check(std::vector<std::string>& problems) const {
  if (capacity < n) {
    problems.push_back(concat("capacity is ", capacity, "; accepted: at least n, which is ", n));
  }
  if (agent.empty()) {
    problems.push_back("agent is empty; accepted: the name of an agent");
  }
}

struct OnlineTrainer::Replay {
  Replay(const envs::EnvSpec& spec, const TrainConfig& config, const Sampling& sampling,
         Threads threads)
      : buffer(replay::transition_columns(as_float32(spec.observation), spec.action),
               {.capacity = config.capacity, .lanes = config.n, .threads = threads}),
        request{
            .rows = sampling.batch_size, .n_step = config.n_step, .discount = sampling.discount} {}

  void append(const Transitions& t, const Actions& actions) {
    const replay::Values action =
        actions.choices.empty() ? replay::Values(actions.numbers) : replay::Values(actions.choices);
    const replay::NamedValues columns[] = {
        {"observation", t.observation}, {"action", action}, {"reward", t.reward}};
    const replay::NamedValues next[] = {{"observation", t.next_observation}};
    buffer.append({.columns = columns,
                   .terminated = t.terminated,
                   .truncated = t.truncated,
                   .skip = t.skip,
                   .next = next,
                   .last = next});
  }

  replay::WeightedReplayBuffer buffer;
  replay::SampleRequest request;
};

OnlineTrainer::OnlineTrainer(const TrainConfig& config, Agent& agent, const Sampling& sampling,
                             Threads threads)
    : config_(config),
      agent_(agent),
      batch_(make_batch(config, threads)),
      collector_(*batch_),
      warm_up_(batch_->spec().action, bits(config.seed)),
      policy_(agent, ActMode::kSample, batch_->spec()),
      replay_(std::make_unique<Replay>(batch_->spec(), config, sampling, threads)) {}

OnlineTrainer::~OnlineTrainer() = default;

void OnlineTrainer::collect() {
  const bool warm_up = steps_ < config_.learning_starts;
  Policy& policy = warm_up ? static_cast<Policy&>(warm_up_) : policy_;
  const Transitions& transitions = collector_.step(policy, batch_steps_);
  replay_->append(transitions, collector_.actions());
  const Index before = summary_.episodes;
  summary_.add_finished(*batch_);
  episodes_ += summary_.episodes - before;
  previous_ = steps_;
  steps_ += transitions.rows;
  batch_steps_ += 1;
}

Index OnlineTrainer::update() {
  const Index learnt_from = std::max<Index>(steps_ - config_.learning_starts, 0);
  const auto owed =
      static_cast<Index>(std::floor(static_cast<double>(learnt_from) * config_.updates_per_step));
  if (replay_->buffer.size() == 0) {
    return 0;
  }
  const Index before = updates_;
  for (; updates_ < owed; ++updates_) {
    // addressed by the update's number: a resumed run draws the same rows
    Stream random(bits(config_.seed), kSample, 0, bits(updates_));
    const replay::Minibatch& minibatch = replay_->buffer.sample(random, replay_->request);
    try {
      agent_.update(minibatch);
    } catch (const UserError&) {
      throw;
    } catch (const std::runtime_error& error) {
      throw UserError(
          concat("training diverged at step ", steps_, ", update ", updates_, ": ", error.what()));
    }
    metrics_loaded_ = false;
  }
  return updates_ - before;
}

std::vector<double> OnlineTrainer::statistics() const {
  std::vector<double> numbers(static_cast<std::size_t>(batch_->shared_size()));
  batch_->get_shared(numbers);
  return numbers;
}

std::span<const Metric> OnlineTrainer::metrics() {
  if (metrics_loaded_) {
    return metrics_;
  }
  return agent_.metrics();
}

void OnlineTrainer::save(ArchiveWriter& archive) {
  archive.put_text("trainer.env", config_.env);
  archive.put_scalar("trainer.batch_steps", batch_steps_);
  archive.put_scalar("trainer.steps", steps_);
  archive.put_scalar("trainer.previous_steps", previous_);
  archive.put_scalar("trainer.updates", updates_);
  archive.put_scalar("trainer.episodes", episodes_);
  archive.put(kStatistics, statistics());
  summary_.save(archive, "trainer.summary");
  std::vector<double> values;
  for (const Metric& metric : metrics()) {
    values.push_back(metric.value);
  }
  archive.put("trainer.metrics", values);
  agent_.save(archive, "agent.");
  batch_->save(archive, "envs");
  replay_->buffer.save(archive, "replay.");
}

void OnlineTrainer::load(const ArchiveReader& archive) {
  const std::string env = archive.get_text("trainer.env");
  require(env == config_.env, "the checkpoint is of a run on ", env, ", not on ", config_.env);
  agent_.load(archive, "agent.");
  batch_->load(archive, "envs");
  replay_->buffer.load(archive, "replay.");
  summary_.load(archive, "trainer.summary");
  batch_steps_ = archive.get_index("trainer.batch_steps");
  steps_ = archive.get_index("trainer.steps");
  previous_ = archive.get_index("trainer.previous_steps");
  updates_ = archive.get_index("trainer.updates");
  episodes_ = archive.get_index("trainer.episodes");

  // the agent computes its metrics from its last update, which was in another process
  const auto names = agent_.metrics();
  metrics_.assign(names.begin(), names.end());
  std::vector<double> values(metrics_.size());
  archive.get("trainer.metrics", values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    metrics_[i].value = values[i];
  }
  metrics_loaded_ = true;
}

}  // namespace palaestra::rollout
