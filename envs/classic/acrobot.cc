#include <palaestra/envs/classic/acrobot.h>

#include <limits>
#include <numbers>

#include <palaestra/envs/library_lanes.h>

namespace palaestra::envs {
namespace {

using acrobot::Chain;
using acrobot::Rows;

static_assert(sizeof(Acrobot::State) == Lanes::kCount * sizeof(double));

/// Angles between -pi and pi, or one turn away from it.
LaneMask within_a_turn(Lanes angle) { return less(abs(angle), 3 * std::numbers::pi); }

Lanes wrapped(Lanes angle) {
  constexpr double kTurn = 2 * std::numbers::pi;
  angle = choose(less(std::numbers::pi, angle), angle - kTurn, angle);
  return choose(less(angle, -std::numbers::pi), angle + kTurn, angle);
}

/// What the end of a motion makes of four rows.
struct Arrival {
  Lanes x[Lanes::kCount];  // a row's state each
  Lanes height;            // of the free end, in link lengths
  LaneMask plain;          // where both are what step() has
};

Arrival arrival(Chain<Lanes> end) {
  Arrival a;
  a.x[0] = wrapped(end.theta1), a.x[1] = wrapped(end.theta2);
  a.x[2] = clamp(end.rate1, -Acrobot::kMaxRate1, Acrobot::kMaxRate1);
  a.x[3] = clamp(end.rate2, -Acrobot::kMaxRate2, Acrobot::kMaxRate2);
  // The free end is above the line only if both links point upwards: mostly the first hangs in all
  // rows. Else their cosines tell, which are within 1e-15 of the library's without being settled.
  constexpr double kFinite = std::numeric_limits<double>::max(), kHanging = 1.57, kDoubt = 1e-12;
  a.height = 0.0;
  if (!less(abs(a.x[0]), kHanging).all()) {
    a.height = -cosine(reduced(a.x[0])).value - cosine(reduced(a.x[1] + a.x[0])).value;
  }
  a.plain = within_a_turn(end.theta1) & within_a_turn(end.theta2) & less(abs(end.rate1), kFinite) &
            less(abs(end.rate2), kFinite) & less(kDoubt, abs(a.height - 1.0));
  transpose(a.x);
  return a;
}

}  // namespace

std::array<Transition, Acrobot::kTogether> Acrobot::step_together(
    std::span<State, kTogether> states, std::span<const Action, kTogether> actions) const {
  constexpr std::size_t kGroup = Lanes::kCount;
  Lanes x[2][kGroup];
  double torques[kTogether], heights[kTogether];
  for (std::size_t k = 0; k < kTogether; ++k) {
    x[k / kGroup][k % kGroup] = Lanes::load(&states[k].theta1);
    torques[k] = static_cast<double>(actions[k] - 1);
  }
  transpose(x[0]);
  transpose(x[1]);
  const Chain<Rows> end = acrobot::runge_kutta(
      Chain<Rows>{{x[0][0], x[1][0]}, {x[0][1], x[1][1]}, {x[0][2], x[1][2]}, {x[0][3], x[1][3]}},
      Rows{Lanes::load(torques), Lanes::load(torques + kGroup)}, nips, kTimeStep);
  const Arrival arrivals[] = {
      arrival({end.theta1.first, end.theta2.first, end.rate1.first, end.rate2.first}),
      arrival({end.theta1.second, end.theta2.second, end.rate1.second, end.rate2.second})};
  std::array<Transition, kTogether> transitions;
  if (!(arrivals[0].plain & arrivals[1].plain).all()) [[unlikely]] {
    Stream unused;
    for (std::size_t k = 0; k < kTogether; ++k) {
      transitions[k] = step(states[k], actions.subspan(k, 1), unused);
    }
    return transitions;
  }
  for (std::size_t k = 0; k < kTogether; ++k) {
    if (k % kGroup == 0) {
      arrivals[k / kGroup].height.store(heights + k);
    }
    arrivals[k / kGroup].x[k % kGroup].store(&states[k].theta1);
    transitions[k] = arrived(heights[k]);
  }
  return transitions;
}

}  // namespace palaestra::envs
