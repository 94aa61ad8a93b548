#include <palaestra/envs/classic/acrobot.h>

#include <limits>
#include <numbers>

#include <palaestra/envs/library_lanes.h>

namespace palaestra::envs {
namespace {

using acrobot::Chain;

static_assert(sizeof(Acrobot::State) == Lanes::kCount * sizeof(double));

/// Angles between -pi and pi, or one turn away from it.
LaneMask within_a_turn(Lanes angle) { return less(abs(angle), 3 * std::numbers::pi); }

Lanes wrapped(Lanes angle) {
  constexpr double kTurn = 2 * std::numbers::pi;
  angle = choose(less(std::numbers::pi, angle), angle - kTurn, angle);
  return choose(less(angle, -std::numbers::pi), angle + kTurn, angle);
}

}  // namespace

std::array<Transition, Acrobot::kTogether> Acrobot::step_together(
    std::span<State, kTogether> states, std::span<const Action, kTogether> actions) const {
  Lanes x[kTogether];
  double torques[kTogether], heights[kTogether];
  for (std::size_t k = 0; k < kTogether; ++k) {
    x[k] = Lanes::load(&states[k].theta1);
    torques[k] = static_cast<double>(actions[k] - 1);
  }
  transpose(x);
  const Chain<Lanes> end = acrobot::runge_kutta(Chain<Lanes>{x[0], x[1], x[2], x[3]},
                                                Lanes::load(torques), nips, kTimeStep);
  x[0] = wrapped(end.theta1), x[1] = wrapped(end.theta2);
  x[2] = clamp(end.rate1, -kMaxRate1, kMaxRate1), x[3] = clamp(end.rate2, -kMaxRate2, kMaxRate2);
  // The free end is above the line only if both links point upwards: mostly the first hangs in all
  // rows. Else their cosines tell, which are within 1e-15 of the library's without being settled.
  constexpr double kFinite = std::numeric_limits<double>::max(), kHanging = 1.57, kDoubt = 1e-12;
  Lanes height = 0.0;
  if (!less(abs(x[0]), kHanging).all()) {
    height = -cosine(reduced(x[0])).value - cosine(reduced(x[1] + x[0])).value;
  }
  const LaneMask plain = within_a_turn(end.theta1) & within_a_turn(end.theta2) &
                         less(abs(end.rate1), kFinite) & less(abs(end.rate2), kFinite) &
                         less(kDoubt, abs(height - 1.0));
  std::array<Transition, kTogether> transitions;
  if (!plain.all()) [[unlikely]] {
    Stream unused;
    for (std::size_t k = 0; k < kTogether; ++k) {
      transitions[k] = step(states[k], actions.subspan(k, 1), unused);
    }
    return transitions;
  }
  height.store(heights);
  transpose(x);
  for (std::size_t k = 0; k < kTogether; ++k) {
    x[k].store(&states[k].theta1);
    transitions[k] = arrived(heights[k]);
  }
  return transitions;
}

}  // namespace palaestra::envs
