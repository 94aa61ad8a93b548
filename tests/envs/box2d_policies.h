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

/// The walker's gait: one leg carries while the other swings, is put down and pushes off.
class WalkerGait {
 public:
  void act(std::span<const float> s, std::span<float> action) {
    constexpr double kSpeed = 0.29, kSupport = 0.1;
    const auto at = [&](std::size_t k) { return static_cast<double>(s[k]); };
    const std::size_t swing = 4 + 5 * moving_, support = 4 + 5 * (1 - moving_);
    double hip[2] = {}, knee[2] = {};  // targets; 0 stands for none, as in the original
    if (phase_ == Phase::kSwing) {
      hip[moving_] = 1.1;
      knee[moving_] = -0.6;
      support_knee_ += 0.03;
      if (at(2) > kSpeed) {
        support_knee_ += 0.03;
      }
      support_knee_ = std::min(support_knee_, kSupport);
      knee[1 - moving_] = support_knee_;
      if (at(support) < 0.10) {
        phase_ = Phase::kPutDown;
      }
    }
    if (phase_ == Phase::kPutDown) {
      hip[moving_] = 0.1;
      knee[moving_] = kSupport;
      knee[1 - moving_] = support_knee_;
      if (at(swing + 4) != 0.0) {
        phase_ = Phase::kPush;
        support_knee_ = std::min(at(swing + 2), kSupport);
      }
    }
    if (phase_ == Phase::kPush) {
      knee[moving_] = support_knee_;
      knee[1 - moving_] = 1.0;
      if (at(support + 2) > 0.88 || at(2) > 1.2 * kSpeed) {
        phase_ = Phase::kSwing;
        moving_ = 1 - moving_;
      }
    }
    for (std::size_t leg = 0; leg < 2; ++leg) {
      const std::size_t j = 4 + 5 * leg;
      double hip_todo = hip[leg] != 0.0 ? 0.9 * (hip[leg] - at(j)) - 0.25 * at(j + 1) : 0.0;
      double knee_todo = knee[leg] != 0.0 ? 4.0 * (knee[leg] - at(j + 2)) - 0.25 * at(j + 3) : 0.0;
      hip_todo -= 0.9 * (0 - at(0)) - 1.5 * at(1);  // head up
      knee_todo -= 15.0 * at(3);                    // against bouncing
      action[2 * leg] = static_cast<float>(std::clamp(0.5 * hip_todo, -1.0, 1.0));
      action[2 * leg + 1] = static_cast<float>(std::clamp(0.5 * knee_todo, -1.0, 1.0));
    }
  }

 private:
  enum class Phase { kSwing, kPutDown, kPush };
  Phase phase_ = Phase::kSwing;
  std::size_t moving_ = 0;
  double support_knee_ = 0.1;
};

}  // namespace palaestra::testing
