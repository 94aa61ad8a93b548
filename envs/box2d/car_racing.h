#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <palaestra/envs/box2d/car.h>
#include <palaestra/envs/box2d/track.h>
#include <palaestra/envs/environment.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/render/canvas.h>
#include <palaestra/envs/render/image.h>

namespace palaestra::envs::box2d {

/// Colours of an episode, channels of 0 to 255. Fractions are dropped when painting.
struct CarColors {
  double road[3] = {102, 102, 102};
  double field[3] = {102, 204, 102};
  double patch[3] = {102, 230, 102};

  template <Draws Source>
  void draw(Source& random);
  bool operator==(const CarColors&) const = default;
};

/// What an episode may take over from the one before.
struct CarLooks {
  CarColors colors;
  Index drawn = 0;  ///< 1: they were drawn when the episode began
  bool operator==(const CarLooks&) const = default;
};

/// Options of a reset.
struct CarReset {
  bool randomize = true;  ///< where colours are drawn at all: draw them anew
};

/// What discrete and continuous controls of the car share.
class CarRacingTask {
 public:
  using Kept = CarLooks;
  /// The world of one row: a car, and tiles that notice what touches them.
  class State final : private b2ContactListener {
   public:
    const Track& track() const { return track_; }
    const Car& car() const { return car_; }
    Car& car() { return car_; }
    Index visited() const { return visited_; }
    double time() const { return time_; }  ///< s since the reset
    const CarColors& colors() const { return kept_.colors; }
    /// Whether something has touched tile i, which then loses its shade.
    bool repainted(std::size_t i) const { return marks_[i] != 0; }

   private:
    friend class CarRacingTask;
    void BeginContact(b2Contact* contact) override { touch(*contact, true); }
    void EndContact(b2Contact* contact) override { touch(*contact, false); }
    void touch(b2Contact& contact, bool begin);

    World world_;
    Track track_;
    Car car_;
    Kept kept_;
    std::vector<std::uint8_t> marks_;  // per tile: 1 touched by anything, 3 by a wheel
    Index visited_ = 0;
    double earned_ = 0.0, paid_ = 0.0;  // reward so far, and how much of it steps have returned
    double time_ = 0.0, lap_share_ = 0.0;
    bool lap_ = false, finished_ = false;
  };
  using Observation = std::uint8_t;
  static constexpr Index kGrain = 1;

  std::string id = "CarRacing-v3";
  double lap_complete_percent = 0.95;  // a share, in spite of its name
  bool domain_randomize = false;
  Car::Tuning tuning;
  Index tiles = 0;  // of every track; 0: as it comes
  Index side = 96;  // of the picture, pixels
  bool panel = true;

  void read(KeywordReader& options);
  EnvSpec spec() const;

  /// Draws an episode, builds its world and takes a step without controls, as the original's reset
  /// does.
  template <Draws Source>
  void begin(State& s, Source& random, const CarReset& how = {}) const {
    s.kept_.drawn = domain_randomize && how.randomize ? 1 : 0;
    if (s.kept_.drawn != 0) {
      s.kept_.colors.draw(random);
    }
    s.track_.draw(random, tiles);
    build(s);
  }
  Transition advance(State& s, const Car::Controls& controls) const;

  static CarReset read_beginning(KeywordReader& options) {
    return {.randomize = options.flag("randomize", true)};
  }
  void reset(State& s, Stream& random, const CarReset& how = {}) const { begin(s, random, how); }
  Kept kept(const State& s) const { return s.kept_; }
  bool restart(State& s, Stream& random, const Kept& kept) const;
  void observe(const State& s, std::span<std::uint8_t> out) const;
  void info(const State& s, std::span<double> out) const { out[0] = s.finished_ ? 1.0 : 0.0; }

  static constexpr render::ImageSize render_size() { return {600, 400, 3}; }
  void render(const State& s, render::Canvas& canvas) const;

 private:
  void build(State& s) const;
};

/// Drive a car around a track that is different in every episode, seen from above.
///
/// Observation  uint8[96, 96, 3]: the view around the car, which points up, and five instruments
///              below, without the score's digits; under the fixed id uint8[64, 64, 3], the view
///              alone
/// Action       float32[3]: steering (-1 left, 1 right), gas (cut to [0, 1]), brake (from 0.9 on
///              the wheels lock); or int64 in 0..4: nothing, right, left, gas, brake
/// Reward       1000/N for each of the N tiles when a wheel first touches it, less 0.1 per step;
///              -100 for leaving the field
/// Ends         all tiles touched; the first tile touched with more than lap_complete_percent of
///              all; or the field left
/// Options      continuous (1), lap_complete_percent (0.95): 0 to 1, domain_randomize (0): new
///              colours in every episode, but for a reset with the option randomize of 0, which
///              keeps those of the episode before; friction_limit (1) and engine_power (1): factors
///              on the original's, 0.5 to 2; under the fixed id tiles: 289, or 245 to 340
/// Source       Gymnasium 1.4.0 `CarRacing-v3`; the fixed tracks are those that Dropout's Dream
///              Land trains on. Oracle: tests/envs/car_racing_test.cc
template <class A>
struct CarRacing : CarRacingTask {
  using Action = A;

  static CarRacing from(KeywordReader& options) {
    CarRacing task;
    task.read(options);
    return task;
  }

  EnvSpec spec() const {
    EnvSpec s = CarRacingTask::spec();
    s.action = std::is_floating_point_v<A> ? Space::box({-1.0, 0.0, 0.0}, {1.0, 1.0, 1.0})
                                           : Space::discrete(5);
    return s;
  }

  Transition step(State& s, std::span<const Action> action, Stream&) const {
    return advance(s, controls(action));
  }

  static Car::Controls controls(std::span<const Action> action);
};

template <Draws Source>
void CarColors::draw(Source& random) {
  for (double* color : {road, field}) {
    for (int k = 0; k < 3; ++k) {
      color[k] = random.uniform(0.0, 210.0);
    }
  }
  std::copy_n(field, 3, patch);
  patch[integer(random, 0, 3)] += 20.0;
}

}  // namespace palaestra::envs::box2d
