#include <palaestra/benchmarks/sac.h>

#include <algorithm>
#include <numeric>

#include <palaestra/agents/sac/agent.h>
#include <palaestra/benchmarks/products.h>
#include <palaestra/core/random.h>
#include <palaestra/rollout/online_trainer.h>

namespace palaestra::benchmarks {
namespace {

constexpr Index kObservation = 17, kAction = 6, kRows = 256, kHidden = 256;

/// A minibatch of made-up transitions.
struct Batch {
  Batch() {
    Stream random(1, purpose("bench/sac"));
    for (std::vector<float>* column : {&observation, &action, &next_observation, &reward}) {
      random.fill_uniform(*column);
    }
  }
  replay::Minibatch view() const {
    return {.rows = kRows,
            .observation = observation,
            .action = action,
            .reward = reward,
            .discount = discount,
            .next_observation = next_observation,
            .index = {},
            .weight = weight,
            .probability = {},
            .steps = {}};
  }
  std::vector<float> observation = std::vector<float>(kRows * kObservation),
                     action = std::vector<float>(kRows * kAction),
                     next_observation = std::vector<float>(kRows * kObservation),
                     reward = std::vector<float>(kRows),
                     discount = std::vector<float>(kRows, 0.99f),
                     weight = std::vector<float>(kRows, 1.0f);
};

struct Layer {
  Index in, out;
};

void add_forward(std::vector<Product>& list, Index members, std::span<const Layer> layers) {
  for (const auto [in, out] : layers) {
    list.push_back({members, kRows, out, in, false, false});
  }
}
void add_weight_gradients(std::vector<Product>& list, Index members,
                          std::span<const Layer> layers) {
  for (const auto [in, out] : layers) {
    list.push_back({members, in, out, kRows, true, false});
  }
}
/// With respect to the inputs of the layers.
void add_input_gradients(std::vector<Product>& list, Index members, std::span<const Layer> layers) {
  for (const auto [in, out] : layers) {
    list.push_back({members, kRows, in, out, false, true});
  }
}

/// What no implementation of an update can do without.
std::vector<Product> products_of_update() {
  const Layer actor[] = {{kObservation, kHidden}, {kHidden, kHidden}, {kHidden, 2 * kAction}};
  const Layer critic[] = {{kObservation + kAction, kHidden}, {kHidden, kHidden}, {kHidden, 1}};
  const std::span behind_first_actor = std::span(actor).subspan(1);
  const std::span behind_first_critic = std::span(critic).subspan(1);
  std::vector<Product> list;
  add_forward(list, 1, actor);   // next actions
  add_forward(list, 2, critic);  // targets
  add_forward(list, 2, critic);  // critics' loss
  add_weight_gradients(list, 2, critic);
  add_input_gradients(list, 2, behind_first_critic);
  add_forward(list, 1, actor);  // actor's loss
  add_forward(list, 2, critic);
  add_input_gradients(list, 2, behind_first_critic);
  list.push_back({2, kRows, kAction, kHidden, false, true});  // to the actions alone
  add_weight_gradients(list, 1, actor);
  add_input_gradients(list, 1, behind_first_actor);
  return list;
}

/// CPU seconds that the products alone take, each by the library that is fastest at it.
double bound_seconds(std::span<const Product> list) {
  std::vector<Product> distinct;
  for (const Product& p : list) {
    if (std::find(distinct.begin(), distinct.end(), p) == distinct.end()) {
      distinct.push_back(p);
    }
  }
  const ProductTimes times = time_products(distinct);
  double total = 0;
  for (const Product& p : list) {
    total += times.best[static_cast<std::size_t>(std::find(distinct.begin(), distinct.end(), p) -
                                                 distinct.begin())];
  }
  return total;
}

double pendulum_seconds() {
  agents::SacConfig config;
  config.hidden = {64, 64};
  config.batch_size = 100;
  const rollout::TrainConfig train{.env = "Pendulum-v1", .steps = 10'000, .evaluate_episodes = 0};
  const double start = process_cpu_seconds();
  agents::Sac agent(Space::box(3, -8, 8), Space::box(1, -2, 2), config, 1, Threads{1});
  rollout::OnlineTrainer trainer(train, agent, {.batch_size = 100, .discount = config.discount},
                                 Threads{1});
  while (!trainer.done()) {
    trainer.collect();
    trainer.update();
  }
  return process_cpu_seconds() - start;
}

}  // namespace

std::vector<Row> bench_sac() {
  const Batch batch;
  agents::Sac agent(Space::box(kObservation, -1, 1), Space::box(kAction, -1, 1), {}, 1, Threads{1});
  const replay::Minibatch view = batch.view();
  const auto update = [&] {
    const Contender contender{"update", 10.0, [&] {
                                for (int i = 0; i < 10; ++i) {
                                  agent.update(view);
                                }
                              }};
    return interleave({contender}, 9)[0];
  };
  const std::vector<Product> list = products_of_update();
  const double flop = std::accumulate(list.begin(), list.end(), 0.0,
                                      [](double sum, const Product& p) { return sum + p.flop(); });
  // before and after the bound: a machine that slows down meanwhile is seen on both sides
  const double before = update();
  const double bound = bound_seconds(list);
  const double seconds = (before + update()) / 2;
  std::vector<double> pendulum(3);
  std::generate(pendulum.begin(), pendulum.end(), pendulum_seconds);
  std::sort(pendulum.begin(), pendulum.end());
  return {{.name = "sac/update/products",
           .value = flop * 1e-9 / seconds,
           .unit = "GFLOP/s",
           .n = kRows,
           .limit = flop * 1e-9 / bound,
           .limit_name = "its products alone, by the fastest sgemm"},
          {.name = "sac/update",
           .value = seconds * 1e3,
           .unit = "ms",
           .higher_is_better = false,
           .n = kRows},
          {.name = "sac/pendulum", .value = pendulum[1], .unit = "s", .higher_is_better = false}};
}

}  // namespace palaestra::benchmarks
