#include <palaestra/agents/ailboost/trainer.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <new>
#include <stdexcept>
#include <utility>

#include <palaestra/agents/ailboost/ensemble.h>
#include <palaestra/agents/discriminator/learner.h>
#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <palaestra/rollout/make_batch.h>
#include <palaestra/rollout/normalized_agent.h>

namespace palaestra::agents::ailboost {
namespace {

constexpr Purpose kSamplingSeed = purpose("ailboost/sampling");
constexpr Purpose kDiscriminatorRows = purpose("ailboost/discriminator");

constexpr Index kLearnerLane = 0, kOnlineLane = 1;
/// Noise of actions is addressed by row and step: the rollouts' steps must not be practice's.
constexpr Index kFirstSamplingStep = Index{1} << 40;

std::uint64_t bits(Index value) { return static_cast<std::uint64_t>(value); }

void require_setting(bool ok, std::string_view name, const auto& value, std::string_view accepted) {
  require(ok, "ailboost: ", name, " is ", value, "; accepted: ", accepted);
}

const rollout::TrainConfig& checked(const rollout::TrainConfig& config, const AilBoost& boost) {
  validate(config);
  require(!config.data.empty(), boost.name(),
          ": data is missing: the demonstrations (palaestra data collect makes some)");
  require_setting(config.offline_steps == 0, "offline_steps", config.offline_steps,
                  "0, since it learns from what it does");
  require_setting(config.data_share == rollout::TrainConfig::kBySize, "data_share",
                  config.data_share, "-1 (own_share is its setting)");
  require_setting(config.n_step == 1, "n_step", config.n_step,
                  "1, since rewards are of single steps");
  require_setting(config.n <= boost.config().round_steps, "n", config.n,
                  concat("at most round_steps, which is ", boost.config().round_steps));
  return config;
}

/// Rows that both sorts of environments and the demonstrations share.
std::vector<replay::ColumnSpec> columns_for(const AilBoost& boost) {
  return replay::transition_columns(Space::box(boost.observation_size(), -INFINITY, INFINITY),
                                    Space::box(boost.action_size(), -INFINITY, INFINITY));
}

replay::GroupWeights group_weights(const AilBoostConfig& config) {
  using replay::GroupWeights;
  return {.kind = config.weights == LearnerWeights::kUniform ? GroupWeights::Kind::kEqual
                                                             : GroupWeights::Kind::kGeometric,
          .discount = config.alpha,
          .eviction = config.eviction == LearnerEviction::kInherit
                          ? GroupWeights::Eviction::kInherit
                          : GroupWeights::Eviction::kRenormalise};
}

/// By the learners' weights.
replay::Selection learner_selection(const AilBoostConfig& config) {
  return config.learner_draws == LearnerDraws::kRows ? replay::Selection::kGroup
                                                     : replay::Selection::kGroupEpisode;
}

replay::BufferOptions own_options(const rollout::TrainConfig& train, const AilBoostConfig& config,
                                  Index episode, Threads threads) {
  replay::BufferOptions options{
      .capacity = train.capacity, .groups = group_weights(config), .threads = threads};
  if (config.keep_online) {
    options.capacity *= 2;  // a lane for each sort of rows
    options.lanes = 2;
  } else {
    // all that can end between two rounds
    options.tail = config.round_steps + train.n * (episode + 1);
  }
  return options;
}

/// The rows of learners and of practice.
replay::WeightedReplayBuffer make_buffer(const rollout::TrainConfig& train, const AilBoost& boost,
                                         Index episode, Threads threads) {
  const replay::BufferOptions options = own_options(train, boost.config(), episode, threads);
  try {
    return {columns_for(boost), options};
  } catch (const std::bad_alloc&) {
    // who reports this elsewhere takes the capacity to be too much
    require(options.tail <= options.capacity, boost.name(), ": round_steps is ",
            boost.config().round_steps, ": there is not enough memory for the ", options.tail,
            " transitions that may come between two rounds; accepted: fewer");
    throw;
  }
}

}  // namespace

Trainer::Field::Field(std::unique_ptr<envs::AnyBatch> environments, Index into)
    : batch(std::move(environments)),
      collector(*batch),
      stage(batch->size(), batch->spec().observation.size(), batch->spec().action.size(),
            batch->spec().time_limit, into) {}

Trainer::Trainer(const rollout::TrainConfig& config, rollout::Agent& agent, AilBoost& boost,
                 const rollout::TrainingData& data, Threads threads)
    : rollout::Trainer(checked(config, boost), agent),
      boost_(boost),
      practice_(rollout::make_batch(config, config.n, bits(config.seed), threads),
                boost.config().keep_online ? kOnlineLane : kLearnerLane),
      rollouts_(rollout::make_batch(config, 1, Stream(bits(config.seed), kSamplingSeed).bits64(),
                                    threads),
                kLearnerLane),
      warm_up_(spec().action, bits(config.seed)),
      policy_(agent, rollout::ActMode::kSample, spec(), config.n),
      own_(make_buffer(config, boost, std::max<Index>(spec().time_limit, 1), threads)),
      demonstrations_(data, *boost.config().sampling().demonstrations, /*absorbing=*/false,
                      bits(config.seed), threads),
      next_round_(config.learning_starts) {
  require(spec().time_limit > 0, boost.name(), ": ", spec().id,
          " has no time limit; accepted: an environment with one, since rollouts are of whole "
          "episodes");
  require(!practice_.batch->couples_rows(), boost.name(),
          ": the wrappers keep running statistics, which would differ between the two sorts of "
          "environments (normalize_observations takes those of the demonstrations)");
  agent.prepare(demonstrations_.buffer().storage());
  const AilBoostConfig& settings = boost.config();
  if (settings.own_share < 1) {
    mixture_.emplace(std::vector<replay::MixtureSource>{
        {"own", &own_, settings.own_share, rl_request()},
        {"demonstrations",
         &demonstrations_.buffer(),
         1 - settings.own_share,
         // an episode is a group there
         {.selection = replay::Selection::kGroup, .discount = settings.sac.discount}}});
  }
  if (!settings.keep_online) {
    own_.mark();
  }
}

Trainer::~Trainer() = default;

replay::SampleRequest Trainer::rl_request() const {
  const AilBoostConfig& settings = boost_.config();
  return {.rows = settings.sac.batch_size,
          .selection = settings.rl_rows == OwnRows::kUniform ? replay::Selection::kUniform
                                                             : learner_selection(settings),
          .discount = settings.sac.discount};
}

void Trainer::advance() {
  previous_ = steps_;
  if (!sampling_ && training_steps_ >= next_round_) {  // learning_starts may be 0
    begin_round();
  }
  if (sampling_) {
    sample();
  } else {
    practise();
  }
}

// ---- practice

void Trainer::practise() {
  const bool warm_up = training_steps_ < config_.first_random();
  rollout::Policy& policy = warm_up ? static_cast<rollout::Policy&>(warm_up_) : policy_;
  const rollout::Transitions& now = practice_.collector.step(policy, practice_.batch_steps);
  practice_.batch_steps += 1;
  training_steps_ += now.rows;
  steps_ += now.rows;
  const Index before = summary_.episodes;
  summary_.add_finished(*practice_.batch);
  episodes_ += summary_.episodes - before;

  while (updates_ < owed_updates() && update()) {
  }
  // behind the updates, as published: the last episode before a round comes too late for them
  practice_.stage.append(now, agent_, own_);
}

Index Trainer::owed_updates() const {
  if (boost_.ensemble().size() == 0) {  // there is no reward before the first round
    return 0;
  }
  const Index learnt_from = std::max<Index>(training_steps_ - config_.learning_starts, 0);
  return static_cast<Index>(
      std::floor(static_cast<double>(learnt_from) * config_.updates_per_step));
}

bool Trainer::update() {
  return learn_by([&](Stream& random) {
    const replay::SampleRequest request = rl_request();
    agent_.update(mixture_ ? mixture_->sample(random, request.rows).minibatch
                           : own_.sample(random, request));
    return true;
  });
}

// ---- a round

void Trainer::begin_round() {
  if (own_.storage().marked()) {
    own_.roll_back();
  }
  own_.begin_group();
  sampling_ = true;
  sampled_ = 0;
  rollout_summary_ = {};
}

void Trainer::sample() {
  const rollout::Transitions& now =
      rollouts_.collector.step(policy_, kFirstSamplingStep + rollouts_.batch_steps);
  rollouts_.batch_steps += 1;
  steps_ += now.rows;
  rollout_summary_.add_finished(*rollouts_.batch);
  const Index before = own_.storage().next(kLearnerLane);
  rollouts_.stage.append(now, agent_, own_);
  const Index added = own_.storage().next(kLearnerLane) - before;
  sampled_ += added;
  if (added > 0 && sampled_ >= boost_.config().samples_per_round) {
    end_round();
  }
}

void Trainer::end_round() {
  const AilBoostConfig& settings = boost_.config();
  // before the new group is closed: renormalised survivors then share 1 - alpha, as published
  if (own_.groups().size() >= settings.max_learners) {
    own_.evict_oldest(kLearnerLane, own_.groups().info(0).rows);
  }
  own_.end_group();
  boost_.freeze_learner(own_.groups().info(own_.groups().size() - 1).id);
  share_learners();
  for (Index k = 0; k < settings.discriminator_steps; ++k) {
    // a stream for each side: how own rows are weighted must not change which demonstrations come
    const auto number = bits(boost_.discriminator().updates());
    Stream of_own(bits(config_.seed), kDiscriminatorRows, 0, number);
    Stream of_expert(bits(config_.seed), kDiscriminatorRows, 1, number);
    const auto& own = own_.sample(of_own, {.rows = settings.discriminator.batch_size,
                                           .selection = learner_selection(settings)});
    const auto& expert = demonstrations_.sample(of_expert);
    or_diverged([&] { agent_.imitate(own, expert); });
  }
  boost_.end_round(rollout_summary_.return_mean());
  if (!settings.keep_online) {
    own_.mark();
  }
  sampling_ = false;
  next_round_ = training_steps_ + settings.round_steps;
}

/// The groups of the buffer decide who is a learner and with which weight.
void Trainer::share_learners() {
  std::vector<Index> ids;
  std::vector<double> weights;
  for (Index k = 0; k < own_.groups().size(); ++k) {
    ids.push_back(own_.groups().info(k).id);
    weights.push_back(own_.groups().probability(k));
  }
  boost_.keep_learners(ids, weights);
}

// ---- reports and files

std::vector<double> Trainer::statistics() const {
  std::vector<double> numbers(static_cast<std::size_t>(practice_.batch->shared_size()));
  practice_.batch->get_shared(numbers);
  return numbers;
}

Plan Trainer::planned() const { return plan(config_, boost_.config(), spec().time_limit); }

std::string Trainer::outline() const { return ailboost::summary(planned(), boost_.config()); }

std::vector<std::string> Trainer::notices() const {
  return ailboost::notices(planned(), boost_.config());
}

void Trainer::Field::save(ArchiveWriter& archive, const std::string& prefix) const {
  batch->save(archive, prefix);
  archive.put_scalar(prefix + ".batch_steps", batch_steps);
  stage.save(archive, prefix + ".stage.");
}

void Trainer::Field::load(const ArchiveReader& archive, const std::string& prefix) {
  batch->load(archive, prefix);
  batch_steps = archive.get_index(prefix + ".batch_steps");
  stage.load(archive, prefix + ".stage.");
}

void Trainer::save(ArchiveWriter& archive) {
  save_progress(archive);
  practice_.save(archive, "envs");
  rollouts_.save(archive, "rollouts");
  own_.save(archive, "replay.");
  if (mixture_) {
    mixture_->save(archive, "mixture.");
  }
  archive.put_scalar("ailboost.training_steps", training_steps_);
  archive.put_scalar("ailboost.next_round", next_round_);
  archive.put_scalar("ailboost.sampling", Index{sampling_});
  archive.put_scalar("ailboost.sampled", sampled_);
  rollout_summary_.save(archive, "ailboost.rollouts");
}

void Trainer::load(const ArchiveReader& archive) {
  load_progress(archive);
  practice_.load(archive, "envs");
  rollouts_.load(archive, "rollouts");
  own_.load(archive, "replay.");
  if (mixture_) {
    mixture_->load(archive, "mixture.");
  }
  training_steps_ = get_counter(archive, "ailboost.training_steps", steps_);
  const Index sampling_steps = steps_ - training_steps_;
  require(training_steps_ % config_.n == 0 &&
              practice_.batch_steps == training_steps_ / config_.n &&
              rollouts_.batch_steps == sampling_steps,
          "ailboost: \"envs.batch_steps\" is ", practice_.batch_steps,
          ", \"rollouts.batch_steps\" ", rollouts_.batch_steps, "; accepted: as many as ",
          training_steps_, " steps of training and ", sampling_steps, " of sampling come to");
  require_updates(owed_updates());
  // the sum stays below 2^63 whatever the settings are
  const Index left = std::numeric_limits<Index>::max() - training_steps_;
  const Index latest = training_steps_ + std::min(boost_.config().round_steps, left);
  next_round_ =
      get_counter(archive, "ailboost.next_round", std::max(config_.learning_starts, latest));
  sampling_ = archive.get_index("ailboost.sampling") != 0;
  sampled_ = get_counter(archive, "ailboost.sampled", sampling_steps);
  rollout_summary_.load(archive, "ailboost.rollouts");
  const auto& groups = own_.groups();
  const auto& ensemble = boost_.ensemble();
  bool same = sampling_ == groups.open() && (sampling_ || ensemble.size() == groups.size()) &&
              ensemble.size() >= groups.size();
  for (Index k = 0; same && k < groups.size(); ++k) {
    same = groups.info(k).id == ensemble.id(ensemble.size() - groups.size() + k);
  }
  require(same, "ailboost: the checkpoint's learners and their rows are inconsistent");
}

}  // namespace palaestra::agents::ailboost

namespace palaestra::agents {

std::unique_ptr<rollout::Trainer> AilBoost::make_trainer(const rollout::TrainConfig& config,
                                                         rollout::Agent& agent, Threads threads,
                                                         const rollout::TrainingData* data) {
  auto* boost = dynamic_cast<AilBoost*>(&agent);
  if (auto* normalized = dynamic_cast<rollout::NormalizedAgent*>(&agent)) {
    boost = dynamic_cast<AilBoost*>(&normalized->inner());
  }
  if (boost == nullptr) {
    throw std::logic_error("AilBoost::make_trainer: the agent is another one");
  }
  require(data != nullptr, boost->name(), ": data is missing: the demonstrations, a data set");
  return std::make_unique<ailboost::Trainer>(config, agent, *boost, *data, threads);
}

}  // namespace palaestra::agents
