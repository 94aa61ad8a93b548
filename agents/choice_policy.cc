#include <palaestra/agents/choice_policy.h>

#include <algorithm>

#include <palaestra/core/error.h>
#include <palaestra/nn/distributions.h>

namespace palaestra::agents {

namespace {

constexpr Index kChoiceRows = 64;  // rows of one run; longer calls go in pieces

}  // namespace

ChoicePolicy::ChoicePolicy(Index observation_size, Index choices, const LogitsExpr& logits,
                           std::span<const float> parameters, std::uint64_t seed, Purpose noise,
                           Threads threads)
    : observation_size_(observation_size), choices_(choices), seed_(seed), purpose_(noise) {
  nn::Graph graph;
  const nn::Expr observation = nn::input(graph, "observation", {1, nn::kBatch, observation_size_});
  nn::Program<float> program(graph, {.values = {{"logits", logits(observation)}}, .gradients = {}},
                             {.max_rows = {kChoiceRows}, .name = "act/logits"});
  observation_ = program.input("observation");
  logits_ = program.output("logits");
  actor_ = program.vector("actor");
  for (int thread = 0; thread < threads.count(); ++thread) {
    workers_.push_back({program.clone(), std::vector<float>(as_size(choices_))});
  }
  use(parameters);
}

void ChoicePolicy::use(std::span<const float> parameters) {
  for (Worker& worker : workers_) worker.logits.bind_vector(actor_, parameters);
}

void ChoicePolicy::act(std::span<const float> observations, Index rows, Index first_row, Index step,
                       rollout::ActMode mode, int thread, std::span<float> choices) {
  require(rows >= 0 && std::ssize(observations) == rows * observation_size_,
          "act: observations hold ", observations.size(), " numbers, expected ", rows, " x ",
          observation_size_);
  require(std::ssize(choices) == rows, "act: actions hold ", choices.size(), " numbers, expected ",
          rows);
  require(thread >= 0 && thread < static_cast<int>(workers_.size()), "act: thread is ", thread,
          ", must be within [0, ", workers_.size(), ")");
  Worker& worker = workers_[static_cast<std::size_t>(thread)];
  for (Index begin = 0; begin < rows; begin += kChoiceRows) {
    const Index count = std::min(kChoiceRows, rows - begin);
    worker.logits.bind_input(observation_,
                             observations.subspan(as_size(begin * observation_size_),
                                                  as_size(count * observation_size_)));
    worker.logits.run(count);
    const std::span<const float> logits = worker.logits.value(logits_);
    for (Index row = 0; row < count; ++row) {
      const auto of_row = logits.subspan(as_size(row * choices_), as_size(choices_));
      std::copy(of_row.begin(), of_row.end(), worker.noise.begin());
      if (mode == rollout::ActMode::kSample) {
        // the largest of logits + Gumbel noise is a draw
        Stream stream(seed_, purpose_, static_cast<std::uint64_t>(first_row + begin + row),
                      static_cast<std::uint64_t>(step));
        nn::fill_gumbel(stream, worker.noise);
        std::transform(of_row.begin(), of_row.end(), worker.noise.begin(), worker.noise.begin(),
                       std::plus<>());
      }
      choices[as_size(begin + row)] = static_cast<float>(
          std::max_element(worker.noise.begin(), worker.noise.end()) - worker.noise.begin());
    }
  }
}

}  // namespace palaestra::agents
