#include <palaestra/benchmarks/sequence.h>

#include <functional>
#include <string>
#include <vector>

#include <palaestra/agents/decision_transformer/learner.h>
#include <palaestra/agents/doc/transformer/actor.h>
#include <palaestra/benchmarks/noise_episodes.h>
#include <palaestra/benchmarks/products.h>
#include <palaestra/benchmarks/replay_fixture.h>
#include <palaestra/core/random.h>
#include <palaestra/replay/window_sampler.h>

namespace palaestra::benchmarks {
namespace {

using agents::decision_transformer::DecisionTransformerConfig;
using agents::decision_transformer::Learner;

constexpr Index kWindows = 64, kContext = 20;

/// Rate in GFLOP/s of the fastest library on the block's widest product, tokens x width x 4 width.
double best_rate(Index width) {
  const std::vector<Product> wide = {{1, kWindows * kContext, 4 * width, width, false, false}};
  return wide[0].flop() * 1e-9 / time_products(wide).best[0];
}

agents::doc::Task task_of(const replay::WeightedReplayBuffer& data) {
  return agents::doc::task_of(data.storage(), Space::box(kObservation, -1, 1),
                              Space::box(kAction, -1, 1));
}

Row time_bursts(const std::string& name, Index repeats, const std::function<void()>& once) {
  const Contender contender{"step", static_cast<double>(repeats), [&] {
                              for (Index i = 0; i < repeats; ++i) once();
                            }};
  return {.name = name,
          .value = interleave({contender}, 9)[0] * 1e3,
          .unit = "ms",
          .higher_is_better = false,
          .n = kWindows};
}

template <class Learns>
Row time_updates(const std::string& name, const replay::WeightedReplayBuffer& data, Learns& learner,
                 const replay::WindowShape& shape, Index flop, Index width, Index layers) {
  replay::WindowSampler sampler(data, agents::doc::window_columns());
  Stream random(2, purpose("bench/sequence"));
  const replay::WindowBatch& batch = sampler.sample(
      data, random,
      {.windows = kWindows, .shape = shape, .fit = replay::WindowFit::kPad, .choice = {}});
  Row row = time_bursts(name, layers > 1 ? 1 : 5, [&] { learner.update(batch); });
  row.limit = static_cast<double>(flop) * 1e-6 / best_rate(width);
  row.limit_name = "its arithmetic at the fastest sgemm's rate";
  return row;
}

Row time_decision_transformer(const std::string& name, const replay::WeightedReplayBuffer& data,
                              const DecisionTransformerConfig& config) {
  Learner learner(task_of(data), config, 1, Threads{1});
  return time_updates("sequence/decision_transformer/" + name, data, learner, {.length = kContext},
                      learner.flop(kWindows), config.width, config.layers);
}

Row time_doc(const std::string& name, const replay::WeightedReplayBuffer& data,
             const agents::doc::SequenceConfig& config) {
  agents::doc::SequenceLearner learner(task_of(data), config, 1, Threads{1});
  return time_updates("sequence/doc/" + name, data, learner, config.shape(), learner.flop(),
                      config.width, config.layers);
}

Row time_plan(const replay::WeightedReplayBuffer& data, agents::doc::SequenceConfig config) {
  config.candidates_from = agents::doc::Candidates::kPrior;
  const agents::doc::SequenceLearner learner(task_of(data), config, 1, Threads{1});
  agents::doc::SequenceActor actor(learner, Threads{1});
  agents::doc::SequenceMemory memory(learner.task(), config, kWindows);
  const std::vector<std::uint8_t> begins(kWindows, 1);
  const std::vector<float> nothing(kWindows);
  std::vector<float> states(kWindows * kObservation), actions(kWindows * kAction);
  Stream(3, purpose("bench/sequence")).fill_uniform(states);
  return time_bursts("sequence/doc/plan", 5, [&] {
    actor.act(
        memory, {begins, nothing}, states,
        {.rows = kWindows, .place = 0, .first_row = 0, .step = 0, .mode = rollout::ActMode::kMean},
        actions);
  });
}

}  // namespace

std::vector<Row> bench_sequence() {
  const replay::WeightedReplayBuffer data = noise_episodes();
  DecisionTransformerConfig small;
  small.width = 64;
  small.layers = 1;
  DecisionTransformerConfig plain = small;
  plain.dropout = 0;
  agents::doc::SequenceConfig small_doc;
  small_doc.width = 64;
  small_doc.layers = 1;
  small_doc.hidden = {64};
  return {time_decision_transformer("small", data, small),
          time_decision_transformer("small_no_dropout", data, plain),
          time_decision_transformer("full", data, {}),
          time_doc("small", data, small_doc),
          time_doc("full", data, {}),
          time_plan(data, small_doc)};
}

}  // namespace palaestra::benchmarks
