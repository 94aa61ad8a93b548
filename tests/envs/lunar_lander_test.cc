#include <doctest/doctest.h>

#include <palaestra/envs/box2d/lunar_lander.h>
#include <palaestra/envs/random_actions.h>
#include <palaestra/envs/registry.h>

#include "tests/envs/box2d_policies.h"
#include "tests/envs/box2d_transcript.h"

using namespace palaestra;
using namespace palaestra::envs;
using namespace palaestra::envs::box2d;
using namespace palaestra::testing;

namespace {

/// Linear and angular momentum (about the origin) of hull and legs: what the joints between them
/// cannot change, however the engine solves them.
struct Momentum {
  double x = 0, y = 0, spin = 0;
};

Momentum momentum(const LunarLanderTask::State& s) {
  Momentum sum;
  for (int k = 0; k < 3; ++k) {
    const b2Body& body = s.body(k);
    const b2Vec2 place = body.GetWorldCenter(), velocity = body.GetLinearVelocity();
    const auto mass = static_cast<double>(body.GetMass());
    const b2Vec2 local = body.GetLocalCenter();
    const double about_centre =
        static_cast<double>(body.GetInertia()) - mass * static_cast<double>(b2Dot(local, local));
    sum.x += mass * static_cast<double>(velocity.x);
    sum.y += mass * static_cast<double>(velocity.y);
    sum.spin += mass * static_cast<double>(b2Cross(place, velocity)) +
                about_centre * static_cast<double>(body.GetAngularVelocity());
  }
  return sum;
}

/// Puts hull and legs where the original's were.
void place(LunarLanderTask::State& s, std::span<const float> places) {
  for (int k = 0; k < 3; ++k, places = places.subspan(6)) {
    s.body(k).SetTransform(b2Vec2(places[0], places[1]), places[2]);
    s.body(k).SetLinearVelocity(b2Vec2(places[3], places[4]));
    s.body(k).SetAngularVelocity(places[5]);
  }
}

bool stands(std::span<const float> observation) {
  return observation[6] != 0.0f || observation[7] != 0.0f;
}

/// The start of a recorded episode, rebuilt from the original's draws.
template <class Action>
LanderStart check_start(const ArchiveReader& file, const std::string& part,
                        const LunarLander<Action>& task, RecordedDraws& draws,
                        LunarLanderTask::State& s) {
  const LanderStart start = LanderStart::draw(draws, task.wind);
  task.begin(s, start);
  CHECK(difference(s.ground(), block<double>(file, part + ".ground")) <= 1e-9);
  std::vector<float> masses, ours(8);
  for (int k = 0; k < 3; ++k) {
    const b2Body& body = s.body(k);
    const b2Vec2 centre = body.GetLocalCenter();
    masses.insert(masses.end(), {body.GetMass(), body.GetInertia(), centre.x, centre.y});
  }
  CHECK(difference(masses, block<double>(file, part + ".masses")) <= 1e-5);
  const auto observations = block<float>(file, part + ".observation");
  task.observe(s, ours);
  // place, velocity and angle, angular velocity: the first step snaps light legs to their limits
  const std::span<const float> theirs(observations);
  CHECK(difference(std::span(ours).first(2), theirs.first(2)) <= 1e-5);
  CHECK(difference(std::span(ours).first(5), theirs.first(5)) <= 1e-4);
  CHECK(difference(std::span(ours).first(8), theirs.first(8)) <= 5e-4);
  return start;
}

/// Flies a recorded episode twice. Step by step from the original's own places, the momentum of
/// hull and legs must come out alike: thrust, wind and gravity are right, whatever the joints do.
/// And in one go: within 1e-4 until the motors have swung the legs to the limits of their joints,
/// some 22 steps; Box2D 2.3 lets them overshoot where 2.4 stops them.
template <class Action>
void follow(const ArchiveReader& file, const std::string& part, const LunarLander<Action>& task) {
  CAPTURE(part);
  RecordedDraws draws(block<double>(file, part + ".draws"));
  LunarLanderTask::State s, free;
  task.begin(free, check_start(file, part, task, draws, s));

  const auto observations = block<float>(file, part + ".observation");
  const auto places = block<float>(file, part + ".places");
  const auto actions = block<Action>(file, part + ".action");
  const std::size_t steps = observations.size() / 8 - 1, width = actions.size() / steps;
  const auto seen = [&](std::size_t t) {
    return std::span<const float>(observations).subspan(8 * t, 8);
  };
  const auto placed = [&](std::size_t t) {
    return std::span<const float>(places).subspan(18 * t, 18);
  };
  LunarLanderTask::State theirs;
  task.begin(theirs, LanderStart{});
  double worst = 0.0, drift = 0.0;
  std::size_t t = 0, horizon = 0;
  std::vector<float> ours(8);
  for (; t < steps && !stands(seen(t + 1)) && std::abs(seen(t + 1)[0]) < 1.0f; ++t) {
    const auto thrust = task.thrust(std::span<const Action>(actions).subspan(width * t, width));
    const std::array<double, 2> dispersion = {draws.uniform(-1, 1), draws.uniform(-1, 1)};
    place(s, placed(t));
    task.advance(s, thrust, dispersion);
    place(theirs, placed(t + 1));
    const Momentum a = momentum(s), b = momentum(theirs);
    worst = std::max(
        {worst, std::abs(a.x - b.x), std::abs(a.y - b.y), std::abs(a.spin - b.spin) / 10.0});

    task.advance(free, thrust, dispersion);
    task.observe(free, ours);
    drift = std::max(drift, difference(std::span(ours).first(6), seen(t + 1).first(6)));
    horizon = drift <= 1e-4 ? t + 1 : horizon;
  }
  CHECK(t >= 40);
  CHECK(worst <= 5e-4);
  CHECK(horizon >= 20);
  CHECK(drift <= 0.02);
  MESSAGE(part << ": " << t << " steps in the air; momentum within " << worst
               << " kg m/s per step; on their own within 1e-4 for " << horizon << " steps, within "
               << drift << " for all");
}

template <class Action>
Episodes land(const std::string& policy, Index episodes) {
  constexpr bool kDiscrete = std::is_same_v<Action, std::int64_t>;
  const auto batch = make("LunarLander-v3", {.size = episodes, .seed = 3},
                          {{"continuous", kDiscrete ? 0.0 : 1.0}});
  RandomActions random(batch->spec(), episodes, 5);
  const auto* observation = static_cast<const float*>(batch->columns().observation);
  const auto width = static_cast<std::size_t>(batch->spec().action.size());
  std::vector<Action> actions(static_cast<std::size_t>(episodes) * width);
  std::vector<double> flight(static_cast<std::size_t>(episodes));
  Episodes all = play(*batch, [&](std::size_t i, Index t) {
    const std::span<const float> seen(observation + 8 * i, 8);
    if (flight[i] == static_cast<double>(t) && !stands(seen)) {
      flight[i] += 1.0;
    }
    const auto row = static_cast<Index>(i);
    if (policy == "random") {
      random.draw(row, row, t);
      random.apply(*batch, row, row + 1, 0);
      return;
    }
    if constexpr (kDiscrete) {
      actions[i] = lander_choice(seen);
    } else {
      lander_thrust(seen, std::span(actions).subspan(2 * i, 2));
    }
    batch->step_rows(row, row + 1, 0, std::span<const Action>(actions));
  });
  for (std::size_t i = 0; i < flight.size(); ++i) {  // counted from the observation before
    all.flight[i] = std::min(flight[i] - 1.0, all.length[i]);
  }
  return all;
}

}  // namespace

TEST_CASE("box2d transcript: the lander flies as the original until it touches the ground") {
  const ArchiveReader file = recordings("LunarLander");
  LunarLander<std::int64_t> discrete, windy;
  windy.wind = true;
  windy.gravity = -6.0;
  windy.wind_power = 18.0;
  windy.turbulence_power = 1.8;
  const LunarLander<float> continuous;
  for (int seed = 0; seed < 4; ++seed) {
    follow(file, concat("discrete", seed), discrete);
    follow(file, concat("continuous", seed), continuous);
    follow(file, concat("windy", seed), windy);
  }
}

TEST_CASE("the lander's whole episodes are distributed as the original's") {
  const ArchiveReader file = recordings("LunarLander");
  constexpr Index kEpisodes = 250;
  for (const std::string policy : {"heuristic", "random"}) {
    CAPTURE(policy);
    for (const bool discrete : {true, false}) {
      CAPTURE(discrete);
      const Episodes ours =
          discrete ? land<std::int64_t>(policy, kEpisodes) : land<float>(policy, kEpisodes);
      const Episodes theirs =
          recorded_episodes(file, policy + (discrete ? "_discrete" : "_continuous"));
      check_alike(ours.total, theirs.total);
      check_alike(ours.flight, theirs.flight);
      check_ends(ours, theirs);
      check_alike(ours.length, theirs.length);
      MESSAGE(concat(policy, discrete ? ", discrete" : ", continuous")
              << ": median return " << median(ours.total) << " (theirs " << median(theirs.total)
              << "), length " << median(ours.length) << " (" << median(theirs.length)
              << "), flight " << median(ours.flight) << " (" << median(theirs.flight) << ")");
    }
  }
}

TEST_CASE("the lander's options are checked") {
  const auto refused = [](const Keywords& options, const char* message) {
    CHECK_THROWS_WITH_AS(make("LunarLander-v3", {}, options), message, UserError);
  };
  refused({{"gravity", 0.0}},
          "LunarLander-v3: option gravity is 0; accepted: numbers between -12 and 0, without the "
          "two");
  refused({{"gravity", -12.0}},
          "LunarLander-v3: option gravity is -12; accepted: numbers between -12 and 0, without "
          "the two");
  refused({{"gravity", 1.0}}, "LunarLander-v3: option gravity is 1; accepted: -12.0 to 0.0");
  refused({{"wind_power", 20.5}},
          "LunarLander-v3: option wind_power is 20.5; accepted: 0.0 to 20.0");
  refused({{"turbulence_power", -0.5}},
          "LunarLander-v3: option turbulence_power is -0.5; accepted: 0.0 to 2.0");
  refused({{"continuous", 0.5}},
          "LunarLander-v3: option continuous is 0.5; accepted: 0 or 1 (false or true)");
  refused({{"wind", 1.0}}, "LunarLander-v3 has no option \"wind\"; did you mean \"wind_power\"?");
}

TEST_CASE("the option `continuous` decides the actions under both ids") {
  const auto actions = [](const char* id, const Keywords& options) {
    return find(id).spec(options).action.kind == Space::Kind::kDiscrete ? "discrete" : "continuous";
  };
  CHECK(actions("LunarLander-v3", {}) == std::string("discrete"));
  CHECK(actions("LunarLander-v3", {{"continuous", 1.0}}) == std::string("continuous"));
  CHECK(actions("LunarLanderContinuous-v3", {}) == std::string("continuous"));
  CHECK(actions("LunarLanderContinuous-v3", {{"continuous", 0.0}}) == std::string("discrete"));
  // the same engine behind both: the same draws and thrusts lead to the same place
  const auto discrete = make("LunarLander-v3", {.seed = 1});
  const auto continuous = make("LunarLander-v3", {.seed = 1}, {{"continuous", 1.0}});
  for (int t = 0; t < 40; ++t) {
    discrete->step(std::vector<std::int64_t>{2});
    continuous->step(std::vector<float>{5.0f, 0.5f});  // cut to 1; 0.5 is still off
    for (std::size_t k = 0; k < 8; ++k) {
      CHECK(static_cast<const float*>(discrete->columns().observation)[k] ==
            static_cast<const float*>(continuous->columns().observation)[k]);
    }
  }
}
