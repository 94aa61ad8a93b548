#include <palaestra/benchmarks/discriminator.h>

#include <string>
#include <vector>

#include <palaestra/agents/discriminator/learner.h>
#include <palaestra/benchmarks/products.h>
#include <palaestra/core/random.h>

namespace palaestra::benchmarks {
namespace {

using agents::discriminator::DiscriminatorConfig;
using agents::discriminator::Learner;
using agents::discriminator::Loss;
using agents::discriminator::Output;
using agents::discriminator::Penalty;

constexpr Index kObservation = 24, kAction = 6;
constexpr int kUpdates = 10;  // per burst

/// Made-up rows of one side.
struct Side {
  Side(Index rows_, std::uint64_t number)
      : rows(rows_),
        observation(static_cast<std::size_t>(rows * kObservation)),
        action(static_cast<std::size_t>(rows * kAction)),
        weight(static_cast<std::size_t>(rows), 1.0f) {
    Stream random(1, purpose("bench/discriminator"), number);
    random.fill_normal(std::span(observation));
    random.fill_uniform(std::span(action));
  }
  replay::Minibatch view() const {
    replay::Minibatch batch;
    batch.rows = rows;
    batch.observation = observation;
    batch.action = action;
    batch.weight = weight;
    return batch;
  }

  Index rows;
  std::vector<float> observation, action, weight;
};

/// GFLOP/s of the fastest library on the widest product of a forward pass over both sides.
double best_rate(const DiscriminatorConfig& config) {
  const std::vector<Product> widest = {
      {1, 2 * config.batch_size, config.hidden[1], config.hidden[0], false, false}};
  return widest[0].flop() * 1e-9 / time_products(widest).best[0];
}

void add_rows(std::vector<Row>& rows, const std::string& suffix,
              const DiscriminatorConfig& config) {
  DiscriminatorConfig bare = config;
  bare.penalty = Penalty::kNone;
  Learner with(kObservation, kAction, config, 1), without(kObservation, kAction, bare, 1);
  const Side policy(config.batch_size, 0), expert(config.batch_size, 1);
  const auto contender = [&](const char* name, Learner& learner) {
    return Contender{name, kUpdates, [&] {
                       for (int i = 0; i < kUpdates; ++i) {
                         learner.update(policy.view(), expert.view());
                       }
                     }};
  };
  const auto seconds = interleave({contender("with", with), contender("without", without)});
  const auto flop = static_cast<double>(with.flop(config.batch_size));
  rows.push_back({.name = "discriminator/update" + suffix,
                  .value = seconds[0] * 1e3,
                  .unit = "ms",
                  .higher_is_better = false,
                  .n = config.batch_size,
                  .limit = flop * 1e-6 / best_rate(config),
                  .limit_name = "its arithmetic at the fastest sgemm's rate"});
  rows.push_back({.name = "discriminator/penalty" + suffix,
                  .value = seconds[0] / seconds[1],
                  .unit = "x",
                  .higher_is_better = false,
                  .n = config.batch_size,
                  .limit = flop / static_cast<double>(without.flop(config.batch_size)),
                  .limit_name = "ratio of the arithmetic"});
}

}  // namespace

std::vector<Row> bench_discriminator() {
  DiscriminatorConfig dac;
  dac.hidden = {256, 256};
  dac.activation = nn::Activation::kTanh;
  dac.output = Output::kLinear;
  dac.loss = Loss::kJs;
  dac.batch_size = 256;
  std::vector<Row> rows;
  add_rows(rows, "", {});
  add_rows(rows, "/dac", dac);
  return rows;
}

}  // namespace palaestra::benchmarks
