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

/// Flies a recorded episode from the original's draws. Everything before the first step must be
/// exact; the flight is compared until a leg touches the ground.
template <class Action>
void follow(const ArchiveReader& file, const std::string& part, const LunarLander<Action>& task) {
  CAPTURE(part);
  RecordedDraws draws(block<double>(file, part + ".draws"));
  const LanderStart start = LanderStart::draw(draws, task.wind);
  typename LunarLander<Action>::State s;
  task.begin(s, start);

  const auto ground = block<double>(file, part + ".ground");  // (x, y) of eleven points
  REQUIRE(ground.size() == 22);
  for (std::size_t i = 0; i < 11; ++i) {
    CHECK(std::abs(s.ground()[i] - ground[2 * i + 1]) <= 1e-9);
    CHECK(ground[2 * i] == doctest::Approx(2.0 * static_cast<double>(i)));
  }
  std::vector<float> masses;
  for (const b2Body* body : {&s.hull(), &s.leg(0), &s.leg(1)}) {
    const b2Vec2 centre = body->GetLocalCenter();
    masses.insert(masses.end(), {body->GetMass(), body->GetInertia(), centre.x, centre.y});
  }
  CHECK(difference(masses, block<double>(file, part + ".masses")) <= 1e-5);

  const auto observations = block<float>(file, part + ".observation");
  const auto rewards = block<double>(file, part + ".reward");
  const auto actions = block<Action>(file, part + ".action");
  const std::size_t width = actions.size() / rewards.size();
  std::vector<float> ours(8);
  const auto theirs = [&](std::size_t t) { return std::span(observations).subspan(8 * t, 8); };
  task.observe(s, ours);
  CHECK(difference(ours, theirs(0)) <= 1e-5);
  double flight = 0.0, reward = 0.0;
  std::size_t t = 0;
  for (; t < rewards.size() && theirs(t + 1)[6] == 0.0f && theirs(t + 1)[7] == 0.0f; ++t) {
    const auto action = std::span<const Action>(actions).subspan(width * t, width);
    const double d0 = draws.uniform(-1, 1), d1 = draws.uniform(-1, 1);
    const Transition step = task.advance(s, task.thrust(action), {d0, d1});
    task.observe(s, ours);
    if (step.terminated) {  // the hull meets a slope, or the edge of the window
      break;
    }
    flight = std::max(flight, difference(ours, theirs(t + 1)));
    reward = std::max(reward, std::abs(step.reward - rewards[t]));
  }
  CHECK(t >= 40);
  CHECK(flight <= 1e-4);
  CHECK(reward <= 1e-2);  // a hundred times the change of the observation
  MESSAGE(part << ": " << t << " steps in the air, observations within " << flight
               << ", rewards within " << reward);
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
  Index t = 0;
  return play(
      *batch,
      [&](std::size_t i) {
        const std::span<const float> seen(observation + 8 * i, 8);
        if constexpr (kDiscrete) {
          actions[i] = lander_choice(seen);
        } else {
          lander_thrust(seen, std::span(actions).subspan(2 * i, 2));
        }
      },
      [&] {
        if (policy == "random") {
          random.step(*batch, t++);
        } else {
          batch->step(std::span<const Action>(actions));
        }
      });
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
    check_alike(land<std::int64_t>(policy, kEpisodes),
                recorded_episodes(file, policy + "_discrete"));
    check_alike(land<float>(policy, kEpisodes), recorded_episodes(file, policy + "_continuous"));
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
  refused({{"gravity", 1.0}}, "LunarLander-v3: option gravity is 1; accepted: -12 to 0");
  refused({{"wind_power", 20.5}}, "LunarLander-v3: option wind_power is 20.5; accepted: 0 to 20");
  refused({{"turbulence_power", -0.5}},
          "LunarLander-v3: option turbulence_power is -0.5; accepted: 0 to 2");
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
