#pragma once

#include <array>
#include <span>
#include <string>

#include <palaestra/envs/box2d/engine.h>
#include <palaestra/envs/box2d/terrain.h>
#include <palaestra/envs/environment.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/render/canvas.h>
#include <palaestra/envs/render/image.h>
#include <palaestra/envs/trigonometry.h>

namespace palaestra::envs::box2d {

/// Everything that an episode of the walker draws, in the original's order.
struct WalkerStart {
  using Cloud = std::array<double, 10>;  // x, y of five corners; only for pictures

  Terrain terrain;
  std::array<Cloud, 10> clouds{};
  double force = 0.0;  // N along x, for the first step

  template <Draws Source>
  void draw(Source& random, bool hardcore);
};

/// Walk on two legs over uneven ground; the hard course has stumps, stairs and pits.
///
/// Observation  float32[24]: hull angle (rad), angular velocity (x 0.04), velocity (vx 0.12,
///              vy 0.08); per leg hip angle, hip speed/4, knee angle + 1, knee speed/6, contact of
///              the foot; ten distances ahead and below as parts of 5.33 m
/// Action       float32[4] within [-1, 1]: sign is direction, size the share of 80 N m, for hip and
///              knee of each leg
/// Reward       change of 130 x/30 - 5 abs(angle), less 0.028 of each abs(action); -100 for a fall
/// Ends         fall (the hull touches, or x < 0) or the end of the course
/// Options      hardcore (0), under the hardcore id 1
/// Source       Gymnasium 1.4.0 `BipedalWalker-v3`. Oracle: tests/envs/bipedal_walker_test.cc;
///              ground exact, episodes by distribution (Gymnasium runs on Box2D 2.3)
struct BipedalWalker {
  /// The world of one row: ground, hull, and thigh and shank of two legs.
  class State final : private b2ContactListener {
   public:
    /// Hull, then upper and lower leg of either side.
    b2Body& body(int k) { return k == 0 ? *hull_ : *legs_[k - 1]; }
    const b2Body& body(int k) const { return k == 0 ? *hull_ : *legs_[k - 1]; }
    const WalkerStart& start() const { return start_; }
    std::span<const float> lidar() const { return lidar_; }

   private:
    friend struct BipedalWalker;
    void BeginContact(b2Contact* contact) override;
    void EndContact(b2Contact* contact) override;

    World world_;
    WalkerStart start_;
    std::array<b2Fixture*, Terrain::kPoints - 1> edges_{};
    std::vector<b2Fixture*> solids_;
    b2Body* hull_ = nullptr;
    b2Body* legs_[4] = {};
    b2RevoluteJoint* joints_[4] = {};
    bool touches_[2] = {}, fallen_ = false;
    double shaping_ = 0.0;
    std::array<float, 10> lidar_{};
    std::array<double, 24> observation_{};
  };
  using Observation = float;
  using Action = float;
  static constexpr Index kGrain = 4;

  std::string id = "BipedalWalker-v3";
  bool hardcore = false;
  Index time_limit = 1600;

  static BipedalWalker from(KeywordReader& options);
  EnvSpec spec() const;

  /// Builds the world from `s.start()` as it was drawn, and takes a step without controls.
  void begin(State& s) const;
  template <Draws Source>
  void begin(State& s, Source& random) const {
    s.start_.draw(random, hardcore);
    begin(s);
  }

  void reset(State& s, Stream& random) const { begin(s, random); }
  Transition step(State& s, std::span<const float> action, Stream& random) const;
  void observe(const State& s, std::span<float> out) const;

  static constexpr render::ImageSize render_size() { return {600, 400, 3}; }
  void render(const State& s, render::Canvas& canvas) const;

 private:
  void look(State& s) const;
};

template <Draws Source>
void WalkerStart::draw(Source& random, bool hardcore) {
  constexpr double kTop = 400.0 / 30.0 * 3 / 4;
  terrain.draw(random, hardcore);
  for (Cloud& cloud : clouds) {
    const double x = random.uniform(0.0, double{Terrain::kPoints}) * Terrain::kStep;
    for (std::size_t a = 0; a < 5; ++a) {
      const auto [sine, cosine] = sine_cosine(3.14 * 2 * static_cast<double>(a) / 5);
      cloud[2 * a] = x + 15 * Terrain::kStep * sine + random.uniform(0.0, 5 * Terrain::kStep);
      cloud[2 * a + 1] =
          kTop + 5 * Terrain::kStep * cosine + random.uniform(0.0, 5 * Terrain::kStep);
    }
  }
  force = random.uniform(-5.0, 5.0);
}

}  // namespace palaestra::envs::box2d
