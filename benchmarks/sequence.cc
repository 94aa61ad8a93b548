#include <palaestra/benchmarks/sequence.h>

#include <palaestra/agents/decision_transformer/learner.h>
#include <palaestra/benchmarks/products.h>
#include <palaestra/core/random.h>
#include <palaestra/replay/returns.h>
#include <palaestra/replay/window_sampler.h>

namespace palaestra::benchmarks {
namespace {

using agents::decision_transformer::DecisionTransformerConfig;
using agents::decision_transformer::Learner;

constexpr Index kObservation = 17, kAction = 6, kWindows = 64, kContext = 20;
constexpr Index kEpisodes = 20, kSteps = 100;

/// Episodes of noise.
replay::WeightedReplayBuffer make_data() {
  const Space observation = Space::box(kObservation, -1, 1), action = Space::box(kAction, -1, 1);
  std::vector<replay::ColumnSpec> columns = replay::transition_columns(observation, action);
  columns.push_back({.name = agents::doc::kReturnColumn});
  replay::WeightedReplayBuffer buffer(columns, {.capacity = kEpisodes * kSteps});
  replay::ReturnColumn returns(buffer.storage(), agents::doc::kReturnColumn, {.discount = 1});
  Stream random(1, purpose("bench/sequence"));
  const auto draw = [&](Index n) {
    std::vector<float> x(static_cast<std::size_t>(n));
    random.fill_uniform(x);
    return x;
  };
  for (Index episode = 0; episode < kEpisodes; ++episode) {
    const auto states = draw(kSteps * kObservation), actions = draw(kSteps * kAction);
    const auto rewards = draw(kSteps), to_go = draw(kSteps), last = draw(kSteps * kObservation);
    std::vector<std::uint8_t> none(kSteps, 0), ends(kSteps, 0);
    ends.back() = 1;
    const replay::NamedValues values[] = {{"observation", states},
                                          {"action", actions},
                                          {"reward", rewards},
                                          {agents::doc::kReturnColumn, to_go}};
    const replay::NamedValues after[] = {{"observation", last}};
    buffer.extend(0, {.columns = values,
                      .terminated = none,
                      .truncated = ends,
                      .skip = {},
                      .next = {},
                      .last = after});
    returns.follow(buffer);
  }
  return buffer;
}

/// Rate in GFLOP/s of the fastest library on the block's widest product, tokens x width x 4 width.
double best_rate(Index width) {
  const std::vector<Product> wide = {{1, kWindows * kContext, 4 * width, width, false, false}};
  return wide[0].flop() * 1e-9 / time_products(wide).best[0];
}

Row time_step(const std::string& name, const replay::WeightedReplayBuffer& data,
              const DecisionTransformerConfig& config) {
  Learner learner(agents::doc::task_of(data.storage(), Space::box(kObservation, -1, 1),
                                       Space::box(kAction, -1, 1)),
                  config, 1, Threads{1});
  replay::WindowSampler sampler(data, agents::sequence::window_columns());
  Stream random(2, purpose("bench/sequence"));
  const replay::WindowBatch& batch = sampler.sample(
      data, random, {.windows = kWindows, .shape = {.length = kContext}, .choice = {}});
  const Index repeats = config.layers > 1 ? 1 : 5;
  const Contender contender{"step", static_cast<double>(repeats), [&] {
                              for (Index i = 0; i < repeats; ++i) learner.update(batch);
                            }};
  const double seconds = interleave({contender}, 9)[0];
  const double bound = static_cast<double>(learner.flop(kWindows)) * 1e-9 / best_rate(config.width);
  return {.name = name,
          .value = seconds * 1e3,
          .unit = "ms",
          .higher_is_better = false,
          .n = kWindows,
          .limit = bound * 1e3,
          .limit_name = "its arithmetic at the fastest sgemm's rate"};
}

}  // namespace

std::vector<Row> bench_sequence() {
  const replay::WeightedReplayBuffer data = make_data();
  DecisionTransformerConfig small;
  small.width = 64;
  small.layers = 1;
  DecisionTransformerConfig plain = small;
  plain.dropout = 0;
  return {time_step("sequence/decision_transformer/small", data, small),
          time_step("sequence/decision_transformer/small_no_dropout", data, plain),
          time_step("sequence/decision_transformer/full", data, {})};
}

}  // namespace palaestra::benchmarks
