#pragma once

#include <array>
#include <span>
#include <string>

#include <palaestra/envs/doom/take_cover_view.h>
#include <palaestra/envs/doom/take_cover_world.h>
#include <palaestra/envs/environment.h>
#include <palaestra/envs/keywords.h>

namespace palaestra::envs {

/// What TakeCover is made with, whatever it shows.
struct TakeCoverOptions {
  bool hard = false;
  std::string observation = "rays";
  Index bearings = 64;
  Index strip_rows = 16;

  static TakeCoverOptions from(KeywordReader& options);
  CoverWorld::Rules rules() const { return hard ? CoverWorld::kHard : CoverWorld::Rules{}; }
};

/// Draws a world larger than observations are.
class CoverRenderer {
 public:
  render::ImageSize size() const { return painter_.size(); }
  template <class State>
  void draw(const State& state, std::span<std::uint8_t> out) {
    painter_.paint(state.world, false, out);
  }
  template <class Scratch>
  void draw(Scratch&, std::span<const double> state, std::span<std::uint8_t> out);

 private:
  CoverPainter painter_{256, 256};
};

/// What both forms of TakeCover share: everything but the observation.
namespace take_cover {

inline constexpr Index kTimeLimit = 2100;

/// The spec without its observation.
EnvSpec spec();
void reset(CoverWorld& world, const TakeCoverOptions& options, Stream& random);
Transition step(CoverWorld& world, const TakeCoverOptions& options, float action);
void info(const CoverWorld& world, std::span<double> out);
void get_physics(const CoverWorld& world, std::span<double> out);
/// Throws UserError for a place outside the room.
void set_physics(CoverWorld& world, std::span<const double> values);

}  // namespace take_cover

/// Step aside from the fireballs that monsters along the far wall of a room throw, as long as it
/// goes: a native analogue of DoomTakeCover.
///
/// Observation  float32[192]: for 64 bearings from left to right over 90 degrees, three numbers
///              each: distance of the nearest fireball / 600 (1 at most, and where there is none),
///              its change since the tic before, 1 where an imp is
/// Action       float32[1]: below -1/3 left, above 1/3 right, else stay; -1 to 1, clipped
/// Reward       1 for each tic
/// Ends         terminated on the tic in which health falls to 0; truncated after 2,100 tics by the
///              batch
/// Options      hard (0): 1 = fireballs twice as fast, imps that never hesitate; observation
///              (`rays`): also `strip`, uint8[strip_rows, 64, 3], a strip of the view at eye level,
///              and `pixels`, uint8[64, 64, 3], the view; bearings (64): of the rays, 4 to 64;
///              strip_rows (16): 1 to 64
/// Source       ours, after ppaquette gym-doom 0.0.6 `DoomTakeCover`, skill 4. Oracle: the rules
///              once more in Python, draw by draw, and statistics of returns,
///              tests/python/test_take_cover_oracle.py, tests/envs/take_cover_test.cc
///
/// Scores are not those of the original: compare ratios to the random policy (mean return 251), and
/// survival of 750 tics. Info: health, fireballs in the air, imps.
struct TakeCover {
  static constexpr Index kMostBearings = 64;
  static constexpr double kRange = 600;

  struct State {
    CoverWorld world;
    /// Distances that the bearings show, now and a tic ago.
    std::array<float, kMostBearings> distance, before;
  };
  using Observation = float;
  using Action = float;
  static constexpr Index kGrain = 32;

  TakeCoverOptions options{};

  static TakeCover from(KeywordReader& reader) { return {TakeCoverOptions::from(reader)}; }
  EnvSpec spec() const;

  void reset(State& s, Stream& random) const;
  Transition step(State& s, std::span<const float> action, Stream&) const;
  void observe(const State& s, std::span<float> out) const;
  void info(const State& s, std::span<double> out) const { take_cover::info(s.world, out); }
  bool holds(const State& s) const { return s.world.sane(); }

  /// The player's place, velocity and health.
  Index physics_size() const { return 3; }
  void get_physics(const State& s, std::span<double> out) const {
    take_cover::get_physics(s.world, out);
  }
  void set_physics(State& s, std::span<const double> values) const;
  CoverRenderer make_renderer() const { return {}; }

 private:
  void look(State& s) const;
};

/// The same task seen: observations are pictures of the view.
struct TakeCoverView {
  using State = std::span<double>;
  struct Scratch {
    CoverPainter painter;
  };
  using Observation = std::uint8_t;
  using Action = float;
  static constexpr Index kGrain = 4;

  TakeCoverOptions options{};

  static TakeCoverView from(KeywordReader& reader) { return {TakeCoverOptions::from(reader)}; }
  EnvSpec spec() const;

  /// A world as a row of numbers, for the batch: its bytes.
  Index state_size() const { return sizeof(CoverWorld) / sizeof(double); }
  Scratch make_scratch() const { return {CoverPainter(rows())}; }
  void reset(Scratch&, std::span<double> state, Stream& random) const;
  Transition step(Scratch&, std::span<double> state, std::span<const float> action, Stream&) const;
  void observe(Scratch& scratch, std::span<const double> state, std::span<std::uint8_t> out) const;
  void info(std::span<const double> state, std::span<double> out) const;

  Index physics_size() const { return 3; }
  void get_physics(std::span<const double> state, std::span<double> out) const;
  void set_physics(Scratch&, std::span<double> state, std::span<const double> values) const;
  CoverRenderer make_renderer() const { return {}; }

 private:
  Index rows() const { return options.observation == "strip" ? options.strip_rows : 64; }
};
static_assert(sizeof(CoverWorld) % sizeof(double) == 0);

/// The world in a row of numbers; an empty room where the bytes are of none.
CoverWorld cover_world_of(std::span<const double> state);

template <class Scratch>
void CoverRenderer::draw(Scratch&, std::span<const double> state, std::span<std::uint8_t> out) {
  painter_.paint(cover_world_of(state), false, out);
}

}  // namespace palaestra::envs
