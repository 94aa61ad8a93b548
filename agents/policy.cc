#include <palaestra/agents/policy.h>

#include <algorithm>

#include <palaestra/core/error.h>

namespace palaestra::agents {

namespace {

constexpr Index kMaxRows = 64;  // rows of one run; longer calls go in pieces

nn::Program<float> compile(const nn::Graph& graph, nn::Expr action, std::string_view name) {
  return {graph,
          {.values = {{"action", action}}, .gradients = {}},
          {.max_rows = {kMaxRows}, .name = std::string(name)}};
}

}  // namespace

Policy::Policy(Index observation_size, const ActorExpr& actor, std::span<const float> parameters,
               const ActionScale& scale, std::uint64_t seed, Purpose noise, Threads threads)
    : Policy(
          observation_size,
          [&actor](nn::Expr observation, nn::Expr draw) -> Actions {
            const nn::TanhGaussian distribution = actor(observation);
            return {.sample = tanh(distribution.base.sample(draw)), .mode = distribution.mode()};
          },
          parameters, scale, seed, noise, threads) {}

Policy::Policy(Index observation_size, const ActionsExpr& actions,
               std::span<const float> parameters, const ActionScale& scale, std::uint64_t seed,
               Purpose noise, Threads threads)
    : parameters_(parameters),
      scale_(scale),
      observation_size_(observation_size),
      action_size_(static_cast<Index>(scale.low.size())),
      seed_(seed),
      purpose_(noise) {
  nn::Graph graph;
  const nn::Expr observation = nn::input(graph, "observation", {1, nn::kBatch, observation_size_});
  const nn::Expr draw = nn::input(graph, "noise", {1, nn::kBatch, action_size_});
  const Actions action = actions(observation, draw);

  nn::Program<float> sample = compile(graph, action.sample, "act/sample");
  nn::Program<float> mode = compile(graph, action.mode, "act/mode");
  sample_observation_ = sample.input("observation");
  sample_noise_ = sample.input("noise");
  sample_action_ = sample.output("action");
  mode_observation_ = mode.input("observation");
  mode_action_ = mode.output("action");
  sample_actor_ = sample.vector("actor");
  mode_actor_ = mode.vector("actor");

  for (int thread = 0; thread < threads.count(); ++thread) {
    Worker& worker = workers_.emplace_back(
        Worker{sample.clone(), mode.clone(), std::vector<float>(as_size(kMaxRows * action_size_))});
    worker.sample.bind_input(sample_noise_, worker.noise);
  }
}

void Policy::act(std::span<const float> observations, Index rows, Index first_row, Index step,
                 rollout::ActMode mode, int thread, std::span<float> actions) {
  act_with(parameters_, observations, rows, first_row, step, mode, thread, actions);
}

void Policy::act_with(std::span<const float> parameters, std::span<const float> observations,
                      Index rows, Index first_row, Index step, rollout::ActMode mode, int thread,
                      std::span<float> actions) {
  require(rows >= 0 && static_cast<Index>(observations.size()) == rows * observation_size_,
          "act: observations hold ", observations.size(), " numbers, expected ", rows, " x ",
          observation_size_);
  require(static_cast<Index>(actions.size()) == rows * action_size_, "act: actions hold ",
          actions.size(), " numbers, expected ", rows, " x ", action_size_);
  require(thread >= 0 && thread < static_cast<int>(workers_.size()), "act: thread is ", thread,
          ", must be within [0, ", workers_.size(), ")");
  Worker& worker = workers_[static_cast<std::size_t>(thread)];
  const bool random = mode == rollout::ActMode::kSample;
  nn::Program<float>& program = random ? worker.sample : worker.mode;
  program.bind_vector(random ? sample_actor_ : mode_actor_, parameters);

  for (Index begin = 0; begin < rows; begin += kMaxRows) {
    const Index count = std::min(kMaxRows, rows - begin);
    const auto in = observations.subspan(as_size(begin * observation_size_),
                                         as_size(count * observation_size_));
    const auto out = actions.subspan(as_size(begin * action_size_), as_size(count * action_size_));
    if (random) {
      for (Index row = 0; row < count; ++row) {
        Stream stream(seed_, purpose_, static_cast<std::uint64_t>(first_row + begin + row),
                      static_cast<std::uint64_t>(step));
        stream.fill_normal(
            std::span(worker.noise).subspan(as_size(row * action_size_), as_size(action_size_)));
      }
    }
    program.bind_input(random ? sample_observation_ : mode_observation_, in);
    program.bind_output(random ? sample_action_ : mode_action_, out);
    program.run(count);
    scale_.to_space(out);
  }
}

}  // namespace palaestra::agents
