#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <numbers>

#include <palaestra/envs/library_lanes.h>

/// The motion of Acrobot's two links, for one row or for eight at a time.
///
/// Sine, cosine and square are those that the original calls, the C library's: the motion is
/// chaotic, and a last bit of difference grows to 1e-9 within an episode.
namespace palaestra::envs::acrobot {

/// Angles (rad) and rates (rad/s) of the links, or their derivatives.
template <class Number>
struct Chain {
  Number theta1, theta2, rate1, rate2;
};

/// What the equations need of a state and of the C library.
template <class Number>
struct Terms {
  Number sine2, cosine2;    // of theta2
  Number cosine1;           // of theta1 - pi/2
  Number cosine12;          // of theta1 + theta2 - pi/2
  Number square1, square2;  // of the rates
};

inline constexpr double kHalfPi = std::numbers::pi / 2.0;

/// x ** 2 of the original, whose numbers are NumPy scalars: they square by pow. Most products are
/// certain to be its value, see library_lanes.h.
inline double squared(double x) {
  const double product = x * x, left_over = std::fma(x, x, -product);
  const double unit =
      std::bit_cast<double>(std::bit_cast<std::uint64_t>(product) & 0x7FF0000000000000u) * 0x1p-52;
  return std::abs(left_over) < 0.43 * unit ? product : library_square(x);
}

/// Eight rows: two independent groups of lanes keep the core busy where one waits for itself.
struct Rows {
  static constexpr std::size_t kCount = std::size_t{2} * Lanes::kCount;
  Lanes first, second;

  Rows(double x) : first(x), second(x) {}  // NOLINT(google-explicit-constructor): as numbers mix
  Rows(Lanes a, Lanes b) : first(a), second(b) {}

  friend Rows operator+(Rows a, Rows b) { return {a.first + b.first, a.second + b.second}; }
  friend Rows operator-(Rows a, Rows b) { return {a.first - b.first, a.second - b.second}; }
  friend Rows operator*(Rows a, Rows b) { return {a.first * b.first, a.second * b.second}; }
  friend Rows operator/(Rows a, Rows b) { return {a.first / b.first, a.second / b.second}; }
  friend Rows operator-(Rows a) { return {-a.first, -a.second}; }
};

inline Rows squared(Rows x) {
  Question questions[] = {{library_square, x.first, square(x.first)},
                          {library_square, x.second, square(x.second)}};
  settle(questions);
  return {questions[0].candidate.value, questions[1].candidate.value};
}

inline Terms<double> terms(const Chain<double>& s) {
  return {.sine2 = std::sin(s.theta2),
          .cosine2 = std::cos(s.theta2),
          .cosine1 = std::cos(s.theta1 - kHalfPi),
          .cosine12 = std::cos(s.theta1 + s.theta2 - kHalfPi),
          .square1 = squared(s.rate1),
          .square2 = squared(s.rate2)};
}

inline Terms<Rows> terms(const Chain<Rows>& s) {
  const Rows angle1 = s.theta1 - kHalfPi, angle12 = s.theta1 + s.theta2 - kHalfPi;
  const ReducedAngle second_a = reduced(s.theta2.first), second_b = reduced(s.theta2.second);
  Question questions[] = {{library_sine, s.theta2.first, sine(second_a)},
                          {library_sine, s.theta2.second, sine(second_b)},
                          {library_cosine, s.theta2.first, cosine(second_a)},
                          {library_cosine, s.theta2.second, cosine(second_b)},
                          {library_cosine, angle1.first, cosine(reduced(angle1.first))},
                          {library_cosine, angle1.second, cosine(reduced(angle1.second))},
                          {library_cosine, angle12.first, cosine(reduced(angle12.first))},
                          {library_cosine, angle12.second, cosine(reduced(angle12.second))},
                          {library_square, s.rate1.first, square(s.rate1.first)},
                          {library_square, s.rate1.second, square(s.rate1.second)},
                          {library_square, s.rate2.first, square(s.rate2.first)},
                          {library_square, s.rate2.second, square(s.rate2.second)}};
  settle(questions);
  const auto value = [&](std::size_t k) -> Rows {
    return {questions[2 * k].candidate.value, questions[2 * k + 1].candidate.value};
  };
  return {.sine2 = value(0),
          .cosine2 = value(1),
          .cosine1 = value(2),
          .cosine12 = value(3),
          .square1 = value(4),
          .square2 = value(5)};
}

/// Equations of motion of Sutton and Barto's book (masses, lengths and inertias 1, centres of
/// mass half way), or of the NIPS paper. `torque` in N m.
template <class Number>
Chain<Number> derivative(const Chain<Number>& s, Number torque, bool nips) {
  constexpr double kMass = 1.0, kLength = 1.0, kCentre = 0.5, kInertia = 1.0, kGravity = 9.8;
  const Terms<Number> t = terms(s);
  const Number d1 =
      kMass * (kCentre * kCentre) +
      kMass * (kLength * kLength + kCentre * kCentre + 2 * kLength * kCentre * t.cosine2) +
      kInertia + kInertia;
  const Number d2 = kMass * (kCentre * kCentre + kLength * kCentre * t.cosine2) + kInertia;
  const Number phi2 = kMass * kCentre * kGravity * t.cosine12;
  const Number phi1 = -kMass * kLength * kCentre * t.square2 * t.sine2 -
                      2 * kMass * kLength * kCentre * s.rate2 * s.rate1 * t.sine2 +
                      (kMass * kCentre + kMass * kLength) * kGravity * t.cosine1 + phi2;
  Number pull = torque + d2 / d1 * phi1;
  if (!nips) {  // a term that is missing in the paper
    pull = pull - kMass * kLength * kCentre * t.square1 * t.sine2;
  }
  const Number acceleration2 =
      (pull - phi2) / (kMass * (kCentre * kCentre) + kInertia - squared(d2) / d1);
  const Number acceleration1 = -(d2 * acceleration2 + phi1) / d1;
  return {s.rate1, s.rate2, acceleration1, acceleration2};
}

template <class Number>
Chain<Number> moved(const Chain<Number>& s, double dt, const Chain<Number>& rate) {
  return {s.theta1 + dt * rate.theta1, s.theta2 + dt * rate.theta2, s.rate1 + dt * rate.rate1,
          s.rate2 + dt * rate.rate2};
}

/// One step of the classical Runge-Kutta method of fourth order over `dt` seconds.
template <class Number>
Chain<Number> runge_kutta(const Chain<Number>& s, Number torque, bool nips, double dt) {
  const Chain<Number> k1 = derivative(s, torque, nips);
  const Chain<Number> k2 = derivative(moved(s, dt / 2.0, k1), torque, nips);
  const Chain<Number> k3 = derivative(moved(s, dt / 2.0, k2), torque, nips);
  const Chain<Number> k4 = derivative(moved(s, dt, k3), torque, nips);
  const auto sum = [](Number a, Number b, Number c, Number d) { return a + 2.0 * b + 2.0 * c + d; };
  return moved(
      s, dt / 6.0,
      {sum(k1.theta1, k2.theta1, k3.theta1, k4.theta1),
       sum(k1.theta2, k2.theta2, k3.theta2, k4.theta2), sum(k1.rate1, k2.rate1, k3.rate1, k4.rate1),
       sum(k1.rate2, k2.rate2, k3.rate2, k4.rate2)});
}

/// `angle` turned back into [-pi, pi], by whole turns as the original does it.
inline double wrapped(double angle) {
  constexpr double kTurn = 2 * std::numbers::pi, kFar = 1e4;
  if (std::abs(angle) > kFar) [[unlikely]] {  // the original would turn for years
    return std::remainder(angle, kTurn);
  }
  while (angle > std::numbers::pi) {
    angle -= kTurn;
  }
  while (angle < -std::numbers::pi) {
    angle += kTurn;
  }
  return angle;
}

}  // namespace palaestra::envs::acrobot
