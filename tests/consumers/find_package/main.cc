// What a user's program looks like: an environment of its own, run and checked by the library.
#include <cstdio>
#include <vector>

#include <palaestra/envs/conformance.h>
#include <palaestra/envs/entry.h>

using namespace palaestra;
using namespace palaestra::envs;

/// A point on a line that drifts by its action; ends beyond 1.
struct Drift {
  struct State {
    double x;
  };
  using Observation = float;
  using Action = float;

  EnvSpec spec() const {
    EnvSpec s;
    s.id = "Drift-v0";
    s.family = "consumer";
    s.origin = "tests/consumers";
    s.summary = "a point on a line that drifts by its action";
    s.observation = Space::box(1, -3.0, 3.0);
    s.action = Space::box(1, -0.1, 0.1);
    s.time_limit = 50;
    return s;
  }
  void reset(State& s, Stream& random) const { s.x = random.uniform(-1.0, 1.0); }
  Transition step(State& s, std::span<const float> action, Stream&) const {
    s.x += static_cast<double>(action[0]);
    return {.reward = s.x, .terminated = s.x > 1.0};
  }
  void observe(const State& s, std::span<float> out) const { out[0] = static_cast<float>(s.x); }

  static constexpr Index physics_size() { return 1; }
  void get_physics(const State& s, std::span<double> out) const { out[0] = s.x; }
  void set_physics(State& s, std::span<const double> in) const { s.x = in[0]; }
};

int main() {
  const auto failures = check_conformance(entry<Drift>("Drift-v0"));
  for (const std::string& failure : failures) {
    std::printf("%s\n", failure.c_str());
  }
  const auto theirs = make("CartPole-v1", {.size = 2});
  theirs->step(std::vector<std::int64_t>{0, 1});
  return failures.empty() && theirs->columns().reward[0] == 1.0 ? 0 : 1;
}
