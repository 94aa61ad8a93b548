#include <palaestra/benchmarks/planning.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include <palaestra/agents/doc/agent.h>
#include <palaestra/benchmarks/noise_episodes.h>
#include <palaestra/benchmarks/replay_fixture.h>
#include <palaestra/core/random.h>

namespace palaestra::benchmarks {
namespace {

constexpr Index kStates = 64;
constexpr int kThreads = 2;

class Planning {
 public:
  explicit Planning(agents::doc::Candidates from)
      : agent_(Space::box(kObservation, -1, 1), Space::box(kAction, -1, 1), config(from), 1,
               Threads(kThreads)),
        states_(kStates * kObservation),
        actions_(kStates * kAction) {
    agent_.prepare(noise_episodes().storage());
    Stream(3, purpose("bench/planning")).fill_uniform(states_);
  }

  void act(int threads) {
    parallel_for(Threads(threads), kStates, agent_.grain(),
                 [&](Index begin, Index end, int thread) {
                   const auto rows = [&](auto& of, Index width) {
                     return std::span(of).subspan(static_cast<std::size_t>(begin * width),
                                                  static_cast<std::size_t>((end - begin) * width));
                   };
                   agent_.act(rows(states_, kObservation), end - begin, begin, 0,
                              rollout::ActMode::kMean, thread, rows(actions_, kAction));
                 });
  }

 private:
  static agents::doc::DocConfig config(agents::doc::Candidates from) {
    agents::doc::DocConfig config;
    config.candidates_from = from;
    return config;
  }

  agents::Doc agent_;
  std::vector<float> states_, actions_;
};

/// Milliseconds of a clock on the wall: several threads share the work.
double wall_ms(Planning& planning, int threads) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> ms;
  for (int round = 0; round < 51; ++round) {
    const auto start = Clock::now();
    planning.act(threads);
    ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  std::nth_element(ms.begin(), ms.begin() + 25, ms.end());
  return ms[25];
}

std::vector<Row> rows_of(const std::string& name, agents::doc::Candidates from) {
  Planning planning(from);
  constexpr int kCalls = 5;
  const double one = interleave({{"one", kCalls, [&] {
                                    for (int i = 0; i < kCalls; ++i) planning.act(1);
                                  }}})[0];
  return {{.name = "planning/doc/" + name,
           .value = one * 1e3,
           .unit = "ms",
           .higher_is_better = false,
           .n = kStates},
          {.name = "planning/doc/" + name + "/threads2",
           .value = wall_ms(planning, kThreads),
           .unit = "ms on the wall",
           .higher_is_better = false,
           .threads = kThreads,
           .n = kStates}};
}

}  // namespace

std::vector<Row> bench_planning() {
  std::vector<Row> rows = rows_of("prior", agents::doc::Candidates::kPrior);
  std::ranges::move(rows_of("bank", agents::doc::Candidates::kBank), std::back_inserter(rows));
  return rows;
}

}  // namespace palaestra::benchmarks
