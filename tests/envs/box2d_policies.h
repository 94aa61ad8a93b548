#pragma once

#include <algorithm>
#include <cmath>
#include <span>

/// Gymnasium's scripted policies for its Box2D tasks, from their published rules.
namespace palaestra::testing {

/// What the lander should do about its angle and its height: positive turns right, rises.
struct LanderTodo {
  double angle, hover;
};

inline LanderTodo lander_todo(std::span<const float> s) {
  const auto at = [&](std::size_t k) { return static_cast<double>(s[k]); };
  const double angle_target = std::clamp(0.5 * at(0) + 1.0 * at(2), -0.4, 0.4);
  const double hover_target = 0.55 * std::abs(at(0));
  if (s[6] != 0.0f || s[7] != 0.0f) {  // a leg stands: only slow the fall
    return {0.0, -0.5 * at(3)};
  }
  return {0.5 * (angle_target - at(4)) - at(5), 0.5 * (hover_target - at(1)) - 0.5 * at(3)};
}

inline std::int64_t lander_choice(std::span<const float> s) {
  const LanderTodo todo = lander_todo(s);
  if (todo.hover > std::abs(todo.angle) && todo.hover > 0.05) {
    return 2;
  }
  return todo.angle < -0.05 ? 3 : todo.angle > 0.05 ? 1 : 0;
}

inline void lander_thrust(std::span<const float> s, std::span<float> action) {
  const LanderTodo todo = lander_todo(s);
  action[0] = static_cast<float>(std::clamp(20 * todo.hover - 1, -1.0, 1.0));
  action[1] = static_cast<float>(std::clamp(-20 * todo.angle, -1.0, 1.0));
}

}  // namespace palaestra::testing
