#include <palaestra/envs/doom/take_cover.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include <palaestra/core/error.h>

namespace palaestra::envs {
namespace {

constexpr double kImpRadius = 20, kFireballRadius = 6;
constexpr double kQuarter = std::numbers::pi / 2;

/// The bearings that a disc covers, [first, last]: those it touches. False where it is not seen.
bool bearings_of(double x, double y, double radius, const CoverWorld& world, Index bearings,
                 Index& first, Index& last, double& distance) {
  const double dx = x - CoverWorld::kPlayerX, dy = y - world.y;
  distance = std::sqrt(dx * dx + dy * dy);
  const double half = distance > radius ? std::asin(radius / distance) : kQuarter;
  const auto n = static_cast<double>(bearings);
  // from the left: +45 degrees is the left border of bearing 0
  const double centre = (0.5 - std::atan2(dy, dx) / kQuarter) * n, reach = half / kQuarter * n;
  first = static_cast<Index>(std::floor(std::clamp(centre - reach, -1.0, n)));
  last = static_cast<Index>(std::floor(std::clamp(centre + reach, -1.0, n)));
  first = std::max<Index>(first, 0);
  last = std::min<Index>(last, bearings - 1);
  return first <= last;
}

void keep_world(const CoverWorld& world, std::span<double> state) {
  std::memcpy(state.data(), &world, sizeof(world));
}

}  // namespace

CoverWorld cover_world_of(std::span<const double> state) {
  CoverWorld world;
  std::memcpy(static_cast<void*>(&world), state.data(), sizeof(world));
  if (!world.sane()) {  // bytes from elsewhere, which no step would have led to
    world.imp_count = world.fireball_count = 0;
    world.y = CoverWorld::kPlayerStart;
    world.velocity = world.health = 0;
    world.tic = 0;
  }
  return world;
}

TakeCoverOptions TakeCoverOptions::from(KeywordReader& options) {
  const auto whole = [&](const std::string& name, Index fallback, Index low) {
    const double value =
        options.number(name, static_cast<double>(fallback), static_cast<double>(low), 64);
    require(value == std::floor(value), "TakeCover-v0: ", name, " is ", value,
            "; accepted: whole numbers from ", low, " to 64");
    return static_cast<Index>(value);
  };
  TakeCoverOptions result;
  result.hard = options.flag("hard", false);
  result.observation =
      options.choice("observation", result.observation, {"rays", "strip", "pixels"});
  result.bearings = whole("bearings", result.bearings, 4);
  result.strip_rows = whole("strip_rows", result.strip_rows, 1);
  return result;
}

namespace take_cover {

EnvSpec spec() {
  EnvSpec s;
  s.id = "TakeCover-v0";
  s.family = "doom";
  s.origin = "palaestra";
  s.summary = "step aside from the fireballs of monsters along the far wall";
  s.oracle = "its rules once more in Python, draw by draw; statistics of returns";
  s.action = Space::box(1, -1.0, 1.0);
  s.time_limit = kTimeLimit;
  s.render_fps = 35;
  s.deterministic = false;
  s.distinct_starts = false;
  s.info = {"health", "fireballs", "imps"};
  return s;
}

void reset(CoverWorld& world, const TakeCoverOptions& options, Stream& random) {
  world.start(random, options.rules());
  for (Index tic = 0; tic < CoverWorld::kQuietTics; ++tic) {
    world.advance(0, options.rules());
  }
}

Transition step(CoverWorld& world, const TakeCoverOptions& options, float action) {
  constexpr float kThird = 1.0f / 3.0f;
  const int push = action < -kThird ? 1 : action > kThird ? -1 : 0;
  world.advance(push, options.rules());
  return {.reward = 1, .terminated = world.health <= 0};
}

void info(const CoverWorld& world, std::span<double> out) {
  out[0] = world.health;
  out[1] = static_cast<double>(world.fireball_count);
  out[2] = static_cast<double>(world.imp_count);
}

void get_physics(const CoverWorld& world, std::span<double> out) {
  out[0] = world.y, out[1] = world.velocity, out[2] = world.health;
}

void set_physics(CoverWorld& world, std::span<const double> values) {
  require(values[0] >= CoverWorld::kPlayerLow && values[0] <= CoverWorld::kPlayerHigh,
          "TakeCover-v0: the player's place is ", values[0], "; accepted: ", CoverWorld::kPlayerLow,
          " to ", CoverWorld::kPlayerHigh);
  require(std::abs(values[1]) <= CoverWorld::kRoomWidth, "TakeCover-v0: the player's velocity is ",
          values[1], "; accepted: within ", CoverWorld::kRoomWidth);
  require(values[2] <= CoverWorld::kHealth && values[2] > 0, "TakeCover-v0: the health is ",
          values[2], "; accepted: above 0, to ", CoverWorld::kHealth);
  world.y = values[0], world.velocity = values[1], world.health = values[2];
}

}  // namespace take_cover

// ---- rays

EnvSpec TakeCover::spec() const {
  EnvSpec s = take_cover::spec();
  s.observation = Space::box(3 * options.bearings, -1, 1);
  return s;
}

void TakeCover::look(State& s) const {
  s.distance.fill(1);
  for (const CoverWorld::Fireball& ball : s.world.fireballs()) {
    Index first = 0, last = 0;
    double distance = 0;
    if (bearings_of(ball.x, ball.y, kFireballRadius, s.world, options.bearings, first, last,
                    distance)) {
      const float shown = static_cast<float>(distance / kRange);
      for (Index b = first; b <= last; ++b) {
        float& nearest = s.distance[static_cast<std::size_t>(b)];
        nearest = std::min(nearest, shown);
      }
    }
  }
}

void TakeCover::reset(State& s, Stream& random) const {
  take_cover::reset(s.world, options, random);
  look(s);
  s.before = s.distance;
}

Transition TakeCover::step(State& s, std::span<const float> action, Stream&) const {
  const Transition t = take_cover::step(s.world, options, action[0]);
  s.before = s.distance;
  look(s);
  return t;
}

void TakeCover::observe(const State& s, std::span<float> out) const {
  for (std::size_t b = 0; b < static_cast<std::size_t>(options.bearings); ++b) {
    out[3 * b] = s.distance[b];
    out[3 * b + 1] = s.distance[b] - s.before[b];
    out[3 * b + 2] = 0;
  }
  for (const CoverWorld::Imp& imp : s.world.imps()) {
    Index first = 0, last = 0;
    double distance = 0;
    if (bearings_of(CoverWorld::kImpX, imp.y, kImpRadius, s.world, options.bearings, first, last,
                    distance)) {
      for (Index b = first; b <= last; ++b) {
        out[static_cast<std::size_t>(3 * b + 2)] = 1;
      }
    }
  }
}

void TakeCover::set_physics(State& s, std::span<const double> values) const {
  take_cover::set_physics(s.world, values);
  look(s);
  s.before = s.distance;
}

// ---- pictures

EnvSpec TakeCoverView::spec() const {
  EnvSpec s = take_cover::spec();
  s.observation = Space::box(rows() * CoverPainter::kColumns * 3, 0, 255, DType::kUint8);
  s.observation.shape = {rows(), CoverPainter::kColumns, 3};
  return s;
}

void TakeCoverView::reset(Scratch&, std::span<double> state, Stream& random) const {
  CoverWorld world;
  take_cover::reset(world, options, random);
  keep_world(world, state);
}

Transition TakeCoverView::step(Scratch&, std::span<double> state, std::span<const float> action,
                               Stream&) const {
  CoverWorld world = cover_world_of(state);
  const Transition t = take_cover::step(world, options, action[0]);
  keep_world(world, state);
  return t;
}

void TakeCoverView::observe(Scratch& scratch, std::span<const double> state,
                            std::span<std::uint8_t> out) const {
  scratch.painter.paint(cover_world_of(state), options.observation == "strip", out);
}

void TakeCoverView::info(std::span<const double> state, std::span<double> out) const {
  take_cover::info(cover_world_of(state), out);
}

void TakeCoverView::get_physics(std::span<const double> state, std::span<double> out) const {
  take_cover::get_physics(cover_world_of(state), out);
}

void TakeCoverView::set_physics(Scratch&, std::span<double> state,
                                std::span<const double> values) const {
  CoverWorld world = cover_world_of(state);
  take_cover::set_physics(world, values);
  keep_world(world, state);
}

}  // namespace palaestra::envs
