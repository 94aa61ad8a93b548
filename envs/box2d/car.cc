#include <palaestra/envs/box2d/car.h>

#include <algorithm>
#include <cmath>

namespace palaestra::envs::box2d {
namespace {

constexpr double kEnginePower = 100'000'000 * Car::kSize * Car::kSize;
constexpr double kWheelInertia = 4000 * Car::kSize * Car::kSize;
constexpr double kFrictionLimit = 1'000'000 * Car::kSize * Car::kSize;
constexpr double kTyreGain = 205'000 * Car::kSize * Car::kSize;
constexpr double kWheelRadius = 27 * Car::kSize;
constexpr double kWheelAt[Car::kWheels][2] = {{-55, 80}, {55, 80}, {-55, -82}, {55, -82}};
constexpr double kWheelCorners[] = {-14, 27, 14, 27, 14, -27, -14, -27};
// the hull: front wing, nose, body, rear wing; in units of kSize
constexpr double kFront[] = {-60, 130, 60, 130, 60, 110, -60, 110};
constexpr double kNose[] = {-15, 120, 15, 120, 20, 20, -20, 20};
constexpr double kBody[] = {25,  20,  50,  -10, 50,  -40, 20,  -90,
                            -20, -90, -50, -40, -50, -10, -25, 20};
constexpr double kRear[] = {-50, -120, 50, -120, 50, -90, -50, -90};

double sign(double x) { return x > 0.0 ? 1.0 : x < 0.0 ? -1.0 : 0.0; }

}  // namespace

void Car::place(b2World& world, double angle, double x, double y) {
  hull_ = add_body(world, b2_dynamicBody, x, y, angle);
  for (const std::span<const double> part :
       {std::span<const double>(kFront), std::span<const double>(kNose),
        std::span<const double>(kBody), std::span<const double>(kRear)}) {
    add_shape(*hull_, polygon(part, kSize), {.density = 1.0});
  }
  for (int k = 0; k < kWheels; ++k) {
    const double ax = kWheelAt[k][0] * kSize, ay = kWheelAt[k][1] * kSize;
    Wheel& wheel = wheels_[static_cast<std::size_t>(k)] = Wheel();
    // beside the hull as if it stood upright: the hinges pull the wheels into place in the first
    // step
    wheel.body = add_body(world, b2_dynamicBody, x + ax, y + ay, angle);
    add_shape(*wheel.body, polygon(kWheelCorners, kSize),
              {.density = 0.1, .category = 0x20, .mask = 0x01});
    wheel.joint = add_hinge(world, *hull_, *wheel.body,
                            {.anchor_a = {ax, ay},
                             .anchor_b = {0.0, 0.0},
                             .torque = 180 * 900 * kSize * kSize,
                             .speed = 0.0,
                             .lower = -0.4,
                             .upper = 0.4});
  }
}

void Car::control(const Controls& controls) {
  wheels_[0].steer = wheels_[1].steer = controls.steer;
  const double gas = std::clamp(controls.gas, 0.0, 1.0);
  for (std::size_t k : {std::size_t{2}, std::size_t{3}}) {
    wheels_[k].gas += std::min(gas - wheels_[k].gas, 0.1);  // up gradually, down at once
  }
  for (Wheel& wheel : wheels_) {
    wheel.brake = controls.brake;
  }
}

void Car::push(const Tuning& tuning) {
  constexpr double kDt = 1.0 / kStepsPerSecond, kBrake = 15.0;  // s, rad/s per step
  const double power = kEnginePower * tuning.power;
  for (Wheel& wheel : wheels_) {
    const double turn = wheel.steer - static_cast<double>(wheel.joint->GetJointAngle());
    wheel.joint->SetMotorSpeed(single(sign(turn) * std::min(50.0 * std::abs(turn), 3.0)));

    const double limit = kFrictionLimit * tuning.grip * (wheel.tiles > 0 ? 1.0 : 0.6);
    const b2Vec2 ahead = wheel.body->GetWorldVector(b2Vec2(0.0f, 1.0f));
    const b2Vec2 side = wheel.body->GetWorldVector(b2Vec2(1.0f, 0.0f));
    const b2Vec2 velocity = wheel.body->GetLinearVelocity();
    const auto along = [&](b2Vec2 axis) {
      return static_cast<double>(axis.x) * static_cast<double>(velocity.x) +
             static_cast<double>(axis.y) * static_cast<double>(velocity.y);
    };
    const double forward_speed = along(ahead), side_speed = along(side);

    // power = torque x omega; 5 rad/s more, so that the first turn does not divide by zero
    wheel.omega += kDt * power * wheel.gas / kWheelInertia / (std::abs(wheel.omega) + 5.0);
    if (wheel.brake >= 0.9) {
      wheel.omega = 0.0;
    } else if (wheel.brake > 0.0) {
      const double most = std::min(kBrake * wheel.brake, std::abs(wheel.omega));
      wheel.omega += -sign(wheel.omega) * most;
    }
    wheel.phase += wheel.omega * kDt;

    // the tyre pushes against its slip, up to its limit
    double forward = (wheel.omega * kWheelRadius - forward_speed) * kTyreGain;
    double sideways = -side_speed * kTyreGain;
    const double force = std::sqrt(forward * forward + sideways * sideways);
    if (force > limit) {
      forward = forward / force * limit;
      sideways = sideways / force * limit;
    }
    wheel.omega -= kDt * forward * kWheelRadius / kWheelInertia;
    wheel.body->ApplyForceToCenter(
        vector(sideways * static_cast<double>(side.x) + forward * static_cast<double>(ahead.x),
               sideways * static_cast<double>(side.y) + forward * static_cast<double>(ahead.y)),
        true);
  }
}

}  // namespace palaestra::envs::box2d
