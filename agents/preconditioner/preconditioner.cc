#include <palaestra/agents/preconditioner/preconditioner.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <palaestra/agents/learner_parts.h>
#include <palaestra/agents/transitions.h>
#include <palaestra/core/error.h>

namespace palaestra::agents {

namespace {

constexpr Purpose kInitialPurpose = purpose("preconditioner/initial");
constexpr double kSmallestDeviation = 1e-8;

}  // namespace

DynamicsModel::DynamicsModel(Index observation_size, Index action_size,
                             const PreconditionerConfig& config)
    : leak(config.leak) {
  Index inputs = observation_size + action_size;
  for (std::size_t i = 0; i < config.hidden.size(); ++i) {
    layers.emplace_back(layout, concat("hidden.", i), inputs, config.hidden[i]);
    inputs = config.hidden[i];
  }
  layers.emplace_back(layout, "output", inputs, observation_size);
}

nn::Expr DynamicsModel::operator()(nn::Expr x) const {
  for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
    x = leaky_relu(layers[i](x, "dynamics"), leak);
  }
  return layers.back()(x, "dynamics");
}

Preconditioner::Preconditioner(Index observation_size, Index action_size,
                               const PreconditionerConfig& config, Index rows, std::uint64_t seed,
                               Threads threads)
    : config_(config),
      threads_(threads),
      rows_(rows),
      model_(observation_size, action_size, config),
      dynamics_(model_.layout, {.learning_rate = config.learning_rate},
                Stream(seed, kInitialPurpose, 0)),
      step_(compile_step()),
      excess_(compile_excess()),
      handles_{.step_pairs = step_.input("pairs"),
               .next = step_.input("next"),
               .loss = step_.output("loss"),
               .excess_pairs = excess_.input("pairs"),
               .excess = excess_.output("excess")},
      pairs_(static_cast<std::size_t>(rows * (observation_size + action_size))) {
  for (nn::Program<float>* program : {&step_, &excess_}) {
    program->bind_vector(program->vector("dynamics"), dynamics_.values);
  }
  step_.bind_output(step_.output("gradient"), dynamics_.gradient);
}

nn::Program<float> Preconditioner::compile_step() const {
  nn::Graph graph;
  const nn::Expr x = nn::input(graph, "pairs", {1, nn::kBatch, model_.layers.front().inputs});
  const nn::Expr next = nn::input(graph, "next", {1, nn::kBatch, model_.layers.back().outputs});
  const nn::Expr loss = mean(square(model_(x) - next));
  return {graph,
          {.values = {{"loss", loss}},
           .gradients = {{"gradient", loss, "dynamics", model_.layout.size()}}},
          {.max_rows = {rows_}, .name = "preconditioner/update"}};
}

nn::Program<float> Preconditioner::compile_excess() const {
  nn::Graph graph;
  const nn::Expr x = nn::input(graph, "pairs", {1, nn::kBatch, model_.layers.front().inputs});
  const nn::Expr next = model_(x);
  nn::Expr squares = nn::constant(graph, 0);
  for (Index j = 0; j < next.shape().columns; ++j) {  // a row of the Jacobian at a time
    squares = squares + sum(square(gradient(nn::columns(next, j, 1), {x})[0]), nn::Axis::kColumns);
  }
  const nn::Expr excess = mean(square(relu(sqrt(squares) - config_.threshold)));
  return {graph,
          {.values = {{"excess", excess}}, .gradients = {}},
          {.max_rows = {rows_}, .name = "preconditioner/excess"}};
}

void Preconditioner::update(const replay::Minibatch& rows) {
  const auto observations = static_cast<std::size_t>(model_.layers.back().outputs);
  const auto inputs = static_cast<std::size_t>(model_.layers.front().inputs);
  check_transitions("preconditioner", rows, rows_, static_cast<Index>(observations),
                    static_cast<Index>(inputs - observations));
  const auto pairs = std::span(pairs_).first(static_cast<std::size_t>(rows.rows) * inputs);
  for (std::size_t i = 0; i < static_cast<std::size_t>(rows.rows); ++i) {
    const auto row = pairs.subspan(i * inputs, inputs);
    std::ranges::copy(rows.observation.subspan(i * observations, observations), row.begin());
    std::ranges::copy(rows.action.subspan(i * (inputs - observations), inputs - observations),
                      row.begin() + static_cast<std::ptrdiff_t>(observations));
  }
  step_.bind_input(handles_.step_pairs, pairs);
  step_.bind_input(handles_.next, rows.next_observation);
  step_.run(rows.rows, threads_);
  const double loss = scalar(step_, handles_.loss);
  require_finite("preconditioner", "dynamics", loss, dynamics_.adam.updates());
  dynamics_.step(threads_);

  excess_.bind_input(handles_.excess_pairs, pairs);
  excess_.run(rows.rows, threads_);
  const double p = scalar(excess_, handles_.excess);
  count_ += 1;
  const double before = p - mean_;
  mean_ += before / count_;
  squares_ += before * (p - mean_);
  const double deviation = std::max(std::sqrt(squares_ / count_), kSmallestDeviation);
  scale_ = count_ < 2 ? 1 : std::max(config_.least, std::exp(-p / deviation));
  metrics_[0].value = loss;
  metrics_[1].value = p;
  metrics_[2].value = scale_;
}

void Preconditioner::save(ArchiveWriter& archive, std::string_view prefix) const {
  dynamics_.save(model_.layout, archive, prefix, "dynamics");
  const std::array moments = {count_, mean_, squares_, scale_};
  archive.put(concat(prefix, "moments"), std::span<const double>(moments));
}

Preconditioner::Saved Preconditioner::read(const ArchiveReader& archive,
                                           std::string_view prefix) const {
  Saved saved{dynamics_.read(model_.layout, archive, prefix, "dynamics"), {}};
  const std::string name = concat(prefix, "moments");
  archive.get(name, std::span<double>(saved.moments));
  const auto [count, mean, squares, scale] = saved.moments;
  require(std::isfinite(mean) && std::isfinite(squares) && count >= 0 && squares >= 0 &&
              scale >= 0 && scale <= 1 && count == std::floor(count) && std::isfinite(count),
          "\"", name, "\" is ", count, ", ", mean, ", ", squares, ", ", scale,
          "; accepted: a count, two finite numbers of which the second is 0 or more, and one "
          "within 0 to 1");
  return saved;
}

void Preconditioner::take(Saved saved) {
  dynamics_.take(std::move(saved.dynamics));
  count_ = saved.moments[0];
  mean_ = saved.moments[1];
  squares_ = saved.moments[2];
  scale_ = saved.moments[3];
}

}  // namespace palaestra::agents
