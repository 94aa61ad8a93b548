#include <palaestra/agents/bc/agent.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <palaestra/agents/action_scale.h>
#include <palaestra/agents/bc/losses.h>
#include <palaestra/agents/bc/networks.h>
#include <palaestra/agents/choice_policy.h>
#include <palaestra/agents/policy.h>
#include <palaestra/core/error.h>
#include <palaestra/nn/optimizer.h>
#include <palaestra/nn/program.h>

namespace palaestra::agents {

namespace {

constexpr Purpose kInitial = purpose("bc/initial");
constexpr Purpose kAct = purpose("bc/act");

enum MetricNumber { kLoss, kError };

BcConfig checked(const BcConfig& config, const Space& action) {
  validate(config);
  require(action.kind == Space::Kind::kBox || config.loss == BcLoss::kLikelihood,
          "bc: loss is squared_error, but the action space is ", to_string(action),
          "; accepted: likelihood");
  return config;
}

/// The program of an update, or, where nothing is `learnt`, of the loss alone.
nn::Program<float> compile(const bc::Actor& actor, const BcConfig& config, bool learnt) {
  nn::Graph graph;
  const auto column = [&](std::string_view name, Index width) {
    return nn::input(graph, name, {1, nn::kBatch, width});
  };
  const nn::Expr observation = column("observation", actor.observation.size);
  const nn::Expr action = column("action", actor.action.size), weight = column("weight", 1);
  const auto loss_of = actor.action.choices > 0 ? bc::choice_loss
                       : actor.spread           ? bc::likelihood_loss
                                                : bc::squared_error_loss;
  const bc::Loss loss = loss_of(actor, observation, action, weight);
  nn::Outputs outputs{.values = {{"loss", loss.loss}, {"error", loss.error}}, .gradients = {}};
  if (learnt) outputs.gradients = {{"gradient", loss.loss, "actor", actor.layout.size()}};
  return {graph, outputs, {.max_rows = {config.batch_size}, .name = "bc"}};
}

/// A program and the numbers of what it reads and says.
struct Cloning {
  explicit Cloning(nn::Program<float> compiled)
      : program(std::move(compiled)),
        observation(program.input("observation")),
        action(program.input("action")),
        weight(program.input("weight")),
        loss(program.output("loss")),
        error(program.output("error")) {}

  nn::Program<float> program;
  int observation, action, weight, loss, error;
};

void require_column(std::string_view name, std::size_t got, Index rows, Index width) {
  require(static_cast<Index>(got) == rows * width, "bc: column \"", name, "\" of the batch has ",
          got, " numbers, expected ", rows, " x ", width);
}

}  // namespace

struct Bc::Impl {
  Impl(const Space& observation_space, const Space& action_space, const BcConfig& settings,
       std::uint64_t seed_, Threads threads_)
      : config(checked(settings, action_space)),
        seed(seed_),
        threads(threads_),
        actor(observation_space, action_space, config),
        vector(as_size(actor.layout.size())),
        gradient(vector.size()),
        adam(actor.layout.size(), {.learning_rate = config.learning_rate,
                                   .weight_decay = config.weight_decay,
                                   .clip_norm = config.clip_norm}),
        learning(compile(actor, config, /*learnt=*/true)) {
    nn::initialize(actor.layout, Stream(seed, kInitial), std::span(vector));
    learning.program.bind_vector(learning.program.vector("actor"), vector);
    learning.program.bind_output(learning.program.output("gradient"), gradient);
    const Index size = actor.observation.size;
    if (actor.action.choices > 0) {
      choices.emplace(
          size, actor.action.choices,
          [this](nn::Expr state) { return actor.choices(state, "actor").logits; }, vector, seed,
          kAct, threads);
    } else {
      scale.emplace("bc", action_space);
      numbers.emplace(
          size, [this](nn::Expr state) { return actor.numbers(state, "actor"); }, vector, *scale,
          seed, kAct, threads);
      batch_action.resize(as_size(config.batch_size * actor.action.size));
    }
  }

  void check(const replay::Minibatch& batch) const {
    require(batch.rows >= 1 && batch.rows <= config.batch_size, "bc: the batch has ", batch.rows,
            " rows, must be within [1, batch_size = ", config.batch_size, "]");
    require_column("observation", batch.observation.size(), batch.rows, actor.observation.size);
    require_column("action", batch.action.size(), batch.rows, actor.action.size);
    require_column("weight", batch.weight.size(), batch.rows, 1);
    actor.observation.check(batch.observation, "bc: the batch's observation");
    actor.action.check(batch.action, "bc: the batch's action");
  }

  /// Runs a program on a batch and returns the loss.
  double run(Cloning& cloning, const replay::Minibatch& batch) {
    std::span<const float> actions = batch.action;
    if (scale) {
      const auto scaled = std::span(batch_action).first(actions.size());
      scale->to_unit(actions, scaled);
      actions = scaled;
    }
    cloning.program.bind_input(cloning.observation, batch.observation);
    cloning.program.bind_input(cloning.action, actions);
    cloning.program.bind_input(cloning.weight, batch.weight);
    cloning.program.run(batch.rows, threads);
    return cloning.program.value(cloning.loss)[0];
  }

  void update(const replay::Minibatch& batch) {
    const double value = run(learning, batch);
    if (!std::isfinite(value)) [[unlikely]] {
      throw std::runtime_error(concat("bc diverged: the loss of update ", updates, " is ", value,
                                      "; a lower learning_rate, a higher log_std_min or clip_norm "
                                      "may help, or the batch holds such a number"));
    }
    metrics[kLoss].value = value;
    metrics[kError].value = learning.program.value(learning.error)[0];
    adam.step(vector, gradient, threads);
    ++updates;
  }

  void act_by(std::span<const float> parameters) {
    if (numbers) numbers->use(parameters);
    if (choices) choices->use(parameters);
  }
  /// What it acts by.
  std::span<float> acting() { return kept.empty() ? vector : kept; }

  BcConfig config;
  std::uint64_t seed;
  Threads threads;
  bc::Actor actor;
  std::vector<float> vector, gradient;
  std::vector<float> kept;  // empty: it acts by what is trained
  nn::Adam adam;
  Cloning learning;
  std::optional<Cloning> judging;  // rows that are held out

  std::optional<ActionScale> scale;  // of numbers
  std::optional<Policy> numbers;
  std::optional<ChoicePolicy> choices;
  std::vector<float> batch_action;  // within [-1, 1]

  Index updates = 0;
  std::array<rollout::Metric, 2> metrics{{{"loss", 0}, {"error", 0}}};
};

Bc::Bc(const Space& observation_space, const Space& action_space, const BcConfig& config,
       std::uint64_t seed, Threads threads)
    : impl_(std::make_unique<Impl>(observation_space, action_space, config, seed, threads)) {}

Bc::~Bc() = default;

Index Bc::observation_size() const { return impl_->actor.observation.size; }
Index Bc::action_size() const { return impl_->actor.action.size; }
Index Bc::choices() const { return impl_->actor.action.choices; }

void Bc::act(std::span<const float> observations, Index rows, Index first_row, Index step,
             rollout::ActMode mode, int thread, std::span<float> actions) {
  impl_->actor.observation.check(observations, "bc: act: observation");
  if (impl_->choices) {
    impl_->choices->act(observations, rows, first_row, step, mode, thread, actions);
  } else {
    impl_->numbers->act(observations, rows, first_row, step,
                        impl_->actor.spread ? mode : rollout::ActMode::kMean, thread, actions);
  }
}

void Bc::update(const replay::Minibatch& batch) {
  impl_->check(batch);
  impl_->update(batch);
}

double Bc::held_out_loss(const replay::Minibatch& rows) {
  Impl& self = *impl_;
  self.check(rows);
  if (!self.judging) {
    self.judging.emplace(compile(self.actor, self.config, /*learnt=*/false));
    nn::Program<float>& program = self.judging->program;
    program.bind_vector(program.vector("actor"), self.vector);
  }
  return self.run(*self.judging, rows);
}

void Bc::keep() {
  impl_->kept.assign(impl_->vector.begin(), impl_->vector.end());
  impl_->act_by(impl_->kept);
}

std::span<const rollout::Metric> Bc::metrics() { return impl_->metrics; }
Index Bc::updates() const { return impl_->updates; }

void Bc::save(ArchiveWriter& archive, std::string_view prefix) const {
  Impl& self = *impl_;
  nn::save<float>(self.actor.layout, self.acting(), archive, concat(prefix, "actor."));
  if (!self.kept.empty()) archive.put(concat(prefix, "trained"), self.vector);
  self.adam.save(archive, concat(prefix, "actor_adam."));
  archive.put(concat(prefix, "metrics"),
              std::vector<double>{self.metrics[kLoss].value, self.metrics[kError].value});
  archive.put_scalar(concat(prefix, "seed"), static_cast<Index>(self.seed));
  archive.put_scalar(concat(prefix, "updates"), self.updates);
}

void Bc::load(const ArchiveReader& archive, std::string_view prefix) {
  Impl& self = *impl_;
  // everything is read aside first: a mismatch half-way must not leave a mixture
  auto vector = self.vector;
  std::vector<float> kept;
  auto adam = self.adam;
  std::vector<double> values(self.metrics.size());
  nn::load<float>(self.actor.layout, archive, concat(prefix, "actor."), vector);
  if (archive.contains(concat(prefix, "trained"))) {
    kept = vector;
    archive.get(concat(prefix, "trained"), vector);
    const auto odd = std::ranges::find_if(vector, [](float x) { return !std::isfinite(x); });
    require(odd == vector.end(), "bc: \"", prefix, "trained\" holds a number that is not finite");
  }
  adam.load(archive, concat(prefix, "actor_adam."));
  archive.get(concat(prefix, "metrics"), values);
  const Index seed = archive.get_index(concat(prefix, "seed"));
  const Index updates = archive.get_index(concat(prefix, "updates"));
  require(updates >= 0, "bc: \"", prefix, "updates\" is ", updates, "; accepted: 0 and up");

  // a copy, not a swap: programs and policies point at this vector
  std::copy(vector.begin(), vector.end(), self.vector.begin());
  self.kept = std::move(kept);
  self.act_by(self.acting());
  self.adam = std::move(adam);
  for (std::size_t i = 0; i < values.size(); ++i) self.metrics[i].value = values[i];
  self.seed = static_cast<std::uint64_t>(seed);
  if (self.choices) self.choices->set_seed(self.seed);
  if (self.numbers) self.numbers->set_seed(self.seed);
  self.updates = updates;
}

const BcConfig& Bc::config() const { return impl_->config; }
std::span<float> Bc::actor_vector() { return impl_->acting(); }

}  // namespace palaestra::agents
