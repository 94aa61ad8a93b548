#include <palaestra/agents/discriminator/slopes.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::agents::discriminator {

namespace {

constexpr double kQuantile = 0.95;

nn::Program<float> compile(const Network& network, const DiscriminatorConfig& config) {
  nn::Graph graph;
  const Pairs pairs{.rows = nn::input(graph, "pairs", {1, nn::kBatch, 2 * network.width()}),
                    .expert_weight = {},
                    .policy_weight = {}};
  const Draws draws = draw_inputs(graph, network, config);
  const nn::Expr points = penalty_points(config, network, pairs, draws);
  return {graph,
          {.values = {{"sides", slope(network, split_rows(pairs.rows, 2))},
                      {"points", slope(network, points)}},
           .gradients = {}},
          {.max_rows = {config.batch_size}, .name = "discriminator/slopes"}};
}

}  // namespace

SlopeSummary summarize(std::span<float> slopes, double target) {
  require(!slopes.empty(), "summarize: no slopes; accepted: one or more");
  SlopeSummary summary;
  const auto count = static_cast<double>(slopes.size());
  for (const float slope : slopes) {
    summary.mean += slope / count;
    summary.share += (slope <= target ? 1 : 0) / count;
  }
  const auto rank = static_cast<std::ptrdiff_t>(std::ceil(kQuantile * count)) - 1;
  std::nth_element(slopes.begin(), slopes.begin() + rank, slopes.end());
  summary.quantile = slopes[static_cast<std::size_t>(rank)];
  return summary;
}

Slopes::Slopes(const Network& network, const DiscriminatorConfig& config,
               std::span<const float> parameters, std::span<const float> singular)
    : program_(compile(network, config)),
      pairs_(program_.input("pairs")),
      sides_(program_.output("sides")),
      points_(program_.output("points")),
      scratch_(static_cast<std::size_t>(config.batch_size)) {
  if (needs_mix(config)) mix_ = program_.input("mix");
  if (needs_noise(config)) noise_ = program_.input("noise");
  program_.bind_vector(program_.vector("discriminator"), parameters);
  if (!singular.empty()) program_.bind_vector(program_.vector("singular"), singular);
}

Slopes::Summaries Slopes::measure(const Rows& rows, double target, Threads threads) {
  program_.bind_input(pairs_, rows.pairs);
  if (mix_ >= 0) program_.bind_input(mix_, rows.mix);
  if (noise_ >= 0) program_.bind_input(noise_, rows.noise);
  program_.run(rows.rows, threads);

  const auto summarize_every = [&](std::span<const float> values, std::size_t first,
                                   std::size_t stride) {
    const auto some = std::span(scratch_).first(static_cast<std::size_t>(rows.rows));
    for (std::size_t i = 0; i < some.size(); ++i) some[i] = values[first + stride * i];
    return summarize(some, target);
  };
  const auto sides = program_.value(sides_);
  return {.policy = summarize_every(sides, 1, 2),
          .expert = summarize_every(sides, 0, 2),
          .points = summarize_every(program_.value(points_), 0, 1)};
}

}  // namespace palaestra::agents::discriminator
