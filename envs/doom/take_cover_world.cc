#include <palaestra/envs/doom/take_cover_world.h>

#include <algorithm>
#include <cmath>

namespace palaestra::envs {
namespace {

constexpr Purpose kImp = purpose("envs/take_cover/imp");
constexpr Purpose kSpawning = purpose("envs/take_cover/spawning");
constexpr Purpose kDamageDie = purpose("envs/take_cover/damage");
constexpr double kLongestSubStep = 6;
constexpr Index kCounterValues = 16, kChanceValues = 256;

}  // namespace

void CoverWorld::start(Stream& random, const Rules& rules) {
  *this = {};
  key = random.bits64();
  spawning = Stream(key, kSpawning);
  damage = Stream(key, kDamageDie);
  y = kPlayerStart;
  health = kHealth;
  for (const double imp_y : kFirstImps) {
    add_imp(imp_y, rules);
  }
}

void CoverWorld::add_imp(double imp_y, const Rules& rules) {
  if (as_size(imp_count) < kMostImps) {
    imp[as_size(imp_count)] = {.y = imp_y,
                               .luck = Stream(key, kImp, static_cast<std::uint64_t>(imp_count)),
                               .reaction = rules.reaction_delay};
    imp_count += 1;
  }
}

void CoverWorld::advance(int push, const Rules& rules) {
  velocity += kThrust * push;
  if (tic > 0 && tic % kSpawnPeriod == 0) {
    add_imp(spawning.uniform(kSpawnLow, kSpawnHigh), rules);
  }
  for (Imp& each : std::span(imp).first(as_size(imp_count))) {
    think(each, rules);
  }
  fly(rules);
  y += velocity;
  if (y < kPlayerLow || y > kPlayerHigh) {
    y = std::clamp(y, kPlayerLow, kPlayerHigh);
    velocity = 0;
  }
  velocity *= kFriction;
  tic += 1;
}

void CoverWorld::think(Imp& self, const Rules& rules) {
  if (self.fuse > 0 && --self.fuse == 0 && as_size(fireball_count) < kMostFireballs) {
    const double dx = kPlayerX - kImpX, dy = y - self.y;
    const double scale = rules.speed / std::sqrt(dx * dx + dy * dy);
    fireball[as_size(fireball_count)] = {kImpX, self.y, dx * scale, dy * scale};
    fireball_count += 1;
  }
  if (self.wait > 0) {
    self.wait -= 1;
    return;
  }
  self.wait = kPause;
  if (self.reaction > 0 && --self.reaction > 0) {
    return;
  }
  const auto new_counter = [&] {
    return rules.counter ? static_cast<std::int32_t>(self.luck.below(kCounterValues)) : 0;
  };
  if (self.attacked != 0) {
    self.attacked = 0;
    self.counter = new_counter();
    return;
  }
  if (self.counter > 0 && --self.counter > 0) {
    return;
  }
  if (self.luck.below(kChanceValues) >= kAttackThreshold) {
    self.attacked = 1;
    self.fuse = kFuse;
    self.wait = kAttackWait;
  } else {
    self.counter = new_counter();
  }
}

void CoverWorld::fly(const Rules& rules) {
  const int sub_steps = static_cast<int>(std::ceil(rules.speed / kLongestSubStep));
  const double share = 1.0 / sub_steps;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < as_size(fireball_count); ++i) {
    Fireball ball = fireball[i];
    bool gone = false;
    for (int k = 0; k < sub_steps && !gone; ++k) {
      ball.x += ball.vx * share;
      ball.y += ball.vy * share;
      if (std::abs(ball.x - kPlayerX) < kHitDistance && std::abs(ball.y - y) < kHitDistance) {
        health -= kDamage * static_cast<double>(1 + damage.below(kSides));
        gone = true;
      }
      gone = gone || ball.x < -442 || ball.y < 6 || ball.y > 762;
    }
    if (!gone) {
      fireball[kept++] = ball;
    }
  }
  fireball_count = static_cast<Index>(kept);
}

bool CoverWorld::sane() const {
  return imp_count >= 0 && as_size(imp_count) <= kMostImps && fireball_count >= 0 &&
         as_size(fireball_count) <= kMostFireballs && y >= kPlayerLow && y <= kPlayerHigh &&
         tic >= 0 && std::isfinite(velocity) && std::isfinite(health);
}

}  // namespace palaestra::envs
