#pragma once

#include <array>
#include <cstdint>
#include <span>

#include <palaestra/core/random.h>

namespace palaestra::envs {

/// The rules of taking cover, without observations: a room in which monsters (imps) along the far
/// wall throw fireballs at a player who can only step aside.
///
/// Lengths in the units of the original's map, time in tics of 1/35 s. The player stands at x =
/// kPlayerX and looks along +x; y grows to its left. Within a tic everything happens in this order:
///
///   1. the player is pushed by kThrust to the side
///   2. every kSpawnPeriod tics another imp appears on x = kImpX, y ~ U(20, 652)
///   3. each imp in the order in which they came: a burning fuse gets shorter and at its end
///      releases a fireball at where the player is; waiting, or every third tic a chance to attack
///   4. fireballs move in sub-steps of at most 6; hits cost 21 U{1..8} of 100 health
///   5. the player moves, is stopped by the walls and slowed by friction
///
/// Every imp, the appearing of imps and the damage draw from streams of their own.
struct CoverWorld {
  static constexpr double kPlayerX = -416, kImpX = 64;
  static constexpr double kPlayerLow = 16, kPlayerHigh = 752, kPlayerStart = 384;
  static constexpr double kRoomDepth = 128, kRoomWidth = 768;  ///< far wall's x, left wall's y
  static constexpr double kSpawnLow = 20, kSpawnHigh = 652;
  static constexpr std::array kFirstImps = {20.0, 278.0, 652.0};
  static constexpr double kThrust = 0.75, kFriction = 0.90625;
  static constexpr double kHitDistance = 22;  ///< player's radius 16 + fireball's 6, a square
  static constexpr double kHealth = 100, kDamage = 21;
  static constexpr Index kSpawnPeriod = 60, kQuietTics = 14;
  static constexpr Index kSides = 8;  ///< of the die for the damage
  static constexpr std::int32_t kReactionDelay = 8, kFuse = 16, kAttackWait = 21, kPause = 2;
  static constexpr Index kAttackThreshold = 200;  ///< of U{0..255}: attacks from here on
  /// More imps than 2,100 tics bring (38); further ones do not appear. No imp can have more than
  /// four fireballs in the air: one in 25 tics at most, and none flies for 100.
  static constexpr std::size_t kMostImps = 40, kMostFireballs = 4 * kMostImps;

  struct Imp {
    double y = 0;
    Stream luck;
    std::int32_t wait = 0;      ///< tics until the next chance
    std::int32_t reaction = 0;  ///< chances that pass before the first attack, less one
    std::int32_t counter = 0;   ///< chances to let pass
    std::int32_t attacked = 0;  ///< the last chance was taken
    std::int32_t fuse = 0;      ///< tics until the fireball leaves; 0 = none
    std::int32_t unused = 0;
  };
  struct Fireball {
    double x, y, vx, vy;
  };
  /// What is changed for the harder variant.
  struct Rules {
    double speed = 10;  ///< of fireballs, per tic
    bool counter = true;
    std::int32_t reaction_delay = kReactionDelay;
  };
  static constexpr Rules kHard = {.speed = 20, .counter = false, .reaction_delay = 0};

  Index tic;  ///< since the beginning, quiet tics included
  double y, velocity, health;
  Index imp_count, fireball_count;
  Stream spawning, damage;
  std::uint64_t key;  ///< of this episode's streams
  std::array<Imp, kMostImps> imp;
  std::array<Fireball, kMostFireballs> fireball;

  std::span<const Imp> imps() const { return std::span(imp).first(as_size(imp_count)); }
  std::span<const Fireball> fireballs() const {
    return std::span(fireball).first(as_size(fireball_count));
  }

  /// The beginning of an episode, before the quiet tics.
  void start(Stream& random, const Rules& rules);
  /// One tic; `push` is +1 to the left (+y), -1 to the right, 0 to stay.
  void advance(int push, const Rules& rules);
  /// Whether bytes from elsewhere can be a world: nothing in it leads out of an array.
  bool sane() const;

 private:
  void add_imp(double imp_y, const Rules& rules);
  void think(Imp& imp, const Rules& rules);
  void fly(const Rules& rules);
};

}  // namespace palaestra::envs
