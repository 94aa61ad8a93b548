#include <palaestra/benchmarks/envs.h>

#include <algorithm>
#include <chrono>
#include <string>

#include <palaestra/benchmarks/plain_loop.h>
#include <palaestra/envs/classic/acrobot.h>
#include <palaestra/envs/classic/cart_pole.h>
#include <palaestra/envs/classic/mountain_car.h>
#include <palaestra/envs/classic/mountain_car_continuous.h>
#include <palaestra/envs/classic/pendulum.h>
#include <palaestra/envs/doom/take_cover.h>
#include <palaestra/envs/stochastic/bernoulli_bandit.h>
#include <palaestra/envs/stochastic/double_integrator.h>
#include <palaestra/envs/stochastic/frozen_lake.h>
#include <palaestra/envs/stochastic/frozen_lake8x8.h>
#include <palaestra/envs/stochastic/gambling.h>
#include <palaestra/envs/stochastic/leaky_two_step.h>
#include <palaestra/envs/stochastic/rare_jackpot.h>

namespace palaestra::benchmarks {
namespace {

template <class E>
Row threads_row(const std::string& id) {
  constexpr Index kRows = 1 << 16;
  using Clock = std::chrono::steady_clock;
  Lane<typename E::Action> lanes[] = {{id, kRows, 1}, {id, kRows, 2}};
  std::vector<double> wall[2];
  for (int round = 0; round < 17; ++round) {
    for (std::size_t i = 0; i < 2; ++i) {
      const auto start = Clock::now();
      for (int k = 0; k < 6; ++k) {
        lanes[i].step();
      }
      wall[i].push_back(std::chrono::duration<double>(Clock::now() - start).count());
    }
  }
  for (auto& samples : wall) {
    std::nth_element(samples.begin(), samples.begin() + 8, samples.end());
  }
  Row row;
  row.name = "envs/" + id + "/threads2";
  row.value = wall[0][8] / wall[1][8];
  row.unit = "x one thread";
  row.threads = 2;
  row.n = kRows;
  row.limit = 2;
  row.limit_name = "linear";
  return row;
}

/// Steps of TakeCover that show a picture of 64 x 64, by their time; the limit is what they may
/// take.
Row frame_row() {
  constexpr Index kRows = 64, kSteps = 20;
  const auto batch = envs::make("TakeCover-v0", {.size = kRows, .threads = Threads(1)},
                                {{"observation", std::string("pixels")}});
  const std::vector<float> actions = random_blocks<float>(batch->spec().action, kRows);
  Index at = 0;
  const std::vector<double> seconds =
      interleave({{"palaestra", static_cast<double>(kRows * kSteps), [&] {
                     for (Index k = 0; k < kSteps; ++k) {
                       batch->step(std::span(actions).subspan(
                           static_cast<std::size_t>(kRows * (at++ % kBlocks)), kRows));
                     }
                   }}});
  Row row;
  row.name = "envs/TakeCover-v0/frame";
  row.value = 1e6 * seconds[0];
  row.unit = "us";
  row.higher_is_better = false;
  row.n = kRows;
  row.limit = 100;
  row.limit_name = "what a frame may take";
  return row;
}

}  // namespace

std::vector<Row> bench_envs() {
  using namespace envs;
  return {step_row<CartPole>("envs", "CartPole-v1", 1024),
          step_row<CartPole>("envs", "CartPole-v1", 16),
          step_row<Pendulum>("envs", "Pendulum-v1", 1024),
          step_row<Pendulum>("envs", "Pendulum-v1", 16),
          step_row<MountainCar>("envs", "MountainCar-v0", 1024),
          step_row<MountainCarContinuous>("envs", "MountainCarContinuous-v0", 1024),
          step_row<Acrobot>("envs", "Acrobot-v1", 1024),
          step_row<BernoulliBandit>("envs", "BernoulliBandit-v0", 1024),
          step_row<DoubleIntegrator>("envs", "DoubleIntegrator-v0", 1024),
          step_row<FrozenLake>("envs", "FrozenLake-v1", 1024),
          step_row<FrozenLake8x8>("envs", "FrozenLake8x8-v1", 1024),
          step_row<Gambling>("envs", "Gambling-v0", 1024),
          step_row<LeakyTwoStep>("envs", "LeakyTwoStep-v0", 1024),
          step_row<RareJackpot>("envs", "RareJackpot-v0", 1024),
          step_row<TakeCover>("envs", "TakeCover-v0", 64),
          frame_row(),
          threads_row<CartPole>("CartPole-v1"),
          threads_row<Acrobot>("Acrobot-v1")};
}

}  // namespace palaestra::benchmarks
