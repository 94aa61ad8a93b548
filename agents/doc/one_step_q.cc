#include <palaestra/agents/doc/one_step_q.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include <palaestra/agents/learner_parts.h>
#include <palaestra/core/error.h>

namespace palaestra::agents::doc {

namespace {

constexpr Purpose kOneStepInitialPurpose = purpose("doc/one_step/initial");
constexpr Index kOneStepRows = 64;  // states of one run; longer calls go in pieces

}  // namespace

OneStep::OneStep(Task task, const DocConfig& config, std::uint64_t seed, Threads threads)
    : config_(config),
      clone_(std::move(task), config, Condition::kNothing, seed, threads),
      threads_(threads),
      sizes_(single_steps(clone_.task(), config_)),
      candidates_(sizes_.counted_actions ? sizes_.action : config_.candidates),
      net_(make_mlp(layout_, "", sizes_.observation + sizes_.action, 1, config_)),
      blocks_(sizes_, config_.encode_reward),
      parameters_(zeros(layout_.size())),
      gradient_(parameters_.size()),
      adam_(layout_.size(), adam_of(config_)),
      step_(compile_step()),
      values_(compile_values()),
      states_(zeros(kOneStepRows * sizes_.observation)),
      proposed_(zeros(candidates_ * kOneStepRows * clone_.task().action.size())),
      encoded_(zeros(candidates_ * kOneStepRows * sizes_.action)) {
  nn::initialize(layout_, Stream(seed, kOneStepInitialPurpose), std::span(parameters_));
  blocks_.bind(step_,
               std::vector<std::string_view>{"observation", "action", "window_weight", "target"});
  step_.bind_vector(step_.vector("q"), parameters_);
  step_.bind_output(step_.output("gradient"), gradient_);
  loss_output_ = step_.output("loss");
  q_output_ = values_.output("q");
  values_.bind_vector(values_.vector("q"), parameters_);
  values_.bind_input(values_.input("observation"), states_);
  values_.bind_input(values_.input("action"), encoded_);
}

OneStep::Program OneStep::compile_step() const {
  nn::Graph graph;
  const auto column = [&](std::string_view name, Index width) {
    return nn::input(graph, name, {1, sizes_.windows, width});
  };
  const nn::Expr q = net_(nn::concat_columns({column("observation", sizes_.observation),
                                              column("action", sizes_.action)}),
                          "q");
  const nn::Expr loss = sum(column("window_weight", 1) * square(q - column("target", 1)));
  return {graph,
          {.values = {{"loss", loss}}, .gradients = {{"gradient", loss, "q", layout_.size()}}},
          {.max_rows = {}, .name = "doc/one_step"}};
}

OneStep::Program OneStep::compile_values() const {
  nn::Graph graph;
  const nn::Expr observation = nn::input(graph, "observation", {1, nn::kBatch, sizes_.observation});
  const nn::Expr action = nn::input(graph, "action", {candidates_, nn::kBatch, sizes_.action});
  return {graph,
          {.values = {{"q", net_(Networks::join(observation, action), "q")}}, .gradients = {}},
          {.max_rows = {kOneStepRows}, .name = "doc/one_step/values"}};
}

void OneStep::update(const replay::WindowBatch& batch) {
  blocks_.fill(clone_.task(), batch);
  step_.run(kFixedRows, threads_);
  const double loss = scalar(step_, loss_output_);
  require_finite("doc", "Q", loss, updates());
  clone_.update(batch);
  loss_ = loss;
  adam_.step(parameters_, gradient_, threads_);
}

/// All choices, or draws of the clone; the k-th draw of a row is that of row number
/// (row, k) in one long list, so that it does not depend on the other rows.
void OneStep::propose(std::span<const float> observations, Index rows, Index first_row,
                      Index step) {
  const Task& task = clone_.task();
  const Index size = task.action.size();
  for (Index k = 0; k < candidates_; ++k) {
    const auto mine = std::span(proposed_).subspan(as_size(k * rows * size), as_size(rows * size));
    if (task.counts_actions()) {
      std::fill(mine.begin(), mine.end(), static_cast<float>(k));
    } else {
      clone_.act(observations, rows, first_row, step * candidates_ + k, rollout::ActMode::kSample,
                 {}, mine);
    }
    for (Index row = 0; row < rows; ++row) {
      task.encode_action(mine.subspan(as_size(row * size), as_size(size)),
                         std::span(encoded_).subspan(as_size((k * rows + row) * sizes_.action),
                                                     as_size(sizes_.action)));
    }
  }
}

void OneStep::act(std::span<const float> observations, Index rows, Index first_row, Index step,
                  std::span<float> actions, std::span<float> q) {
  const Task& task = clone_.task();
  const Index stored = task.observation.size(), size = task.action.size();
  require(std::ssize(observations) == rows * stored && std::ssize(actions) == rows * size &&
              std::ssize(q) == rows,
          "doc: observations hold ", observations.size(), ", actions ", actions.size(),
          " and values ", q.size(), " numbers, expected ", rows, " x ", stored, ", x ", size,
          " and x 1");
  const auto scores = [&] { return values_.value(q_output_); };
  for (Index begin = 0; begin < rows; begin += kOneStepRows) {
    const Index count = std::min(kOneStepRows, rows - begin);
    const auto states = observations.subspan(as_size(begin * stored), as_size(count * stored));
    encode_observations(task, states, count, states_);
    propose(states, count, first_row + begin, step);
    values_.run(count, threads_);
    for (Index row = 0; row < count; ++row) {
      Index best = 0;
      for (Index k = 0; k < candidates_; ++k) {
        const float score = scores()[as_size(k * count + row)];
        if (!std::isfinite(score)) [[unlikely]] {
          throw std::runtime_error(concat("doc: the Q of a candidate is ", score));
        }
        if (score > scores()[as_size(best * count + row)]) best = k;
      }
      q[as_size(begin + row)] = task.return_scale.from(scores()[as_size(best * count + row)]);
      std::copy_n(proposed_.begin() + (best * count + row) * size, size,
                  actions.begin() + (begin + row) * size);
    }
  }
}

void OneStep::save(ArchiveWriter& archive, std::string_view prefix) const {
  clone_.save(archive, concat(prefix, "clone."));
  nn::save<float>(layout_, parameters_, archive, concat(prefix, "q."));
  adam_.save(archive, concat(prefix, "adam."));
  archive.put_scalar(concat(prefix, "loss"), loss_);
}

void OneStep::load(const ArchiveReader& archive, std::string_view prefix) {
  auto parameters = parameters_;
  auto adam = adam_;
  nn::load<float>(layout_, archive, concat(prefix, "q."), parameters);
  adam.load(archive, concat(prefix, "adam."));
  const double loss = archive.get_double(concat(prefix, "loss"));
  clone_.load(archive, concat(prefix, "clone."));  // whole or not at all: nothing fails after it
  std::copy(parameters.begin(), parameters.end(), parameters_.begin());
  adam_ = std::move(adam);
  loss_ = loss;
}

}  // namespace palaestra::agents::doc
