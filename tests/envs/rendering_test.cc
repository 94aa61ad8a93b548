// Pictures through AnyBatch: of every environment that draws.

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/envs/batch.h>
#include <palaestra/envs/random_actions.h>
#include <palaestra/envs/registry.h>

namespace palaestra::envs {
namespace {

using Picture = std::vector<std::uint8_t>;

/// A task that draws nothing.
struct Blind {
  struct State {
    double x;
  };
  using Observation = float;
  using Action = std::int64_t;

  EnvSpec spec() const {
    EnvSpec s;
    s.id = "Blind-v0";
    s.observation = Space::box({0}, {1});
    s.action = Space::discrete(2);
    return s;
  }
  void reset(State& s, Stream&) const { s.x = 0; }
  Transition step(State&, std::span<const Action>, Stream&) const { return {}; }
  void observe(const State& s, std::span<float> out) const { out[0] = static_cast<float>(s.x); }
};

/// Draws over a background, which must not show through anywhere.
Picture picture_of(AnyBatch& batch, Index row, std::uint8_t background) {
  Picture picture(static_cast<std::size_t>(batch.render_size().bytes()), background);
  batch.render(row, picture);
  return picture;
}

/// Those without an engine: OpenGL takes its time, and tests/python/test_render_mujoco.py looks at
/// the others.
bool is_quick(const EnvSpec& spec) {
  return spec.render_fps > 0 && spec.engine.rfind("mujoco", 0) != 0;
}

}  // namespace

TEST_CASE("rendering: a picture covers its image, is of the state alone and changes nothing") {
  int drawn = 0;
  for (const Registration& registration : registrations()) {
    const EnvSpec spec = registration.spec({});
    if (!is_quick(spec)) {
      continue;
    }
    CAPTURE(spec.id);
    ++drawn;
    const auto batch = registration.make({.size = 2, .seed = 5}, {});
    const auto undisturbed = registration.make({.size = 2, .seed = 5}, {});
    RandomActions actions(spec, 2, 1);
    const render::ImageSize size = batch->render_size();
    CHECK(size.channels == 3);
    CHECK(size.bytes() > 0);
    for (Index step = 0; step < 3; ++step) {
      const Picture first = picture_of(*batch, 1, 0);
      CHECK(first == picture_of(*batch, 1, 255));
      CHECK(first == picture_of(*undisturbed, 1, 99));
      picture_of(*batch, 0, 7);
      CHECK(first == picture_of(*batch, 1, 3));
      actions.step(*batch, step);
      actions.step(*undisturbed, step);
      const std::vector<Index> rows = {0, 1};
      std::vector<std::byte> a(static_cast<std::size_t>(2 * batch->state_bytes())), b(a);
      batch->get_state(rows, a);
      undisturbed->get_state(rows, b);
      CHECK(a == b);
    }
  }
  CHECK(drawn >= 11);
}

TEST_CASE("rendering: bad rows, wrong room, and tasks that draw nothing") {
  const auto batch = make("CartPole-v1", {.size = 2});
  Picture picture(static_cast<std::size_t>(batch->render_size().bytes()), 9);
  CHECK_THROWS_WITH_AS(batch->render(2, picture),
                       "CartPole-v1: row 2 is outside the batch; accepted: 0 to 1", UserError);
  CHECK_THROWS_WITH_AS(
      batch->render(0, std::span(picture).first(10)),
      "CartPole-v1: a picture of 600 x 400 pixels has 720000 bytes, got room for 10", UserError);
  CHECK(std::all_of(picture.begin(), picture.end(), [](int byte) { return byte == 9; }));

  Batch<Blind> blind(Blind{}, {});
  CHECK_THROWS_WITH_AS(blind.render_size(), "Blind-v0 draws no pictures", UserError);
  CHECK_THROWS_WITH_AS(blind.render(0, picture), "Blind-v0 draws no pictures", UserError);
}

}  // namespace palaestra::envs
