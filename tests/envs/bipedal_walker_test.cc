#include <palaestra/core/error.h>
#include <palaestra/envs/box2d/bipedal_walker.h>

#include <doctest/doctest.h>

#include <palaestra/envs/random_actions.h>
#include <palaestra/envs/registry.h>

#include "tests/envs/box2d_policies.h"
#include "tests/envs/box2d_transcript.h"

using namespace palaestra;
using namespace palaestra::envs;
using namespace palaestra::envs::box2d;
using namespace palaestra::testing;

namespace {

/// The start of a recorded episode, rebuilt from the original's draws, and the steps after it.
/// Returns for how many the two engines stay within 1e-4: until a knee meets its limit, which Box2D
/// 2.3 lets it overshoot.
std::size_t follow(const ArchiveReader& file, const std::string& part, const BipedalWalker& task) {
  CAPTURE(part);
  RecordedDraws draws(block<double>(file, part + ".draws"));
  BipedalWalker::State s;
  task.begin(s, draws);
  CHECK(draws.used() == block<double>(file, part + ".draws").size());
  CHECK(difference(s.start().terrain.height, block<double>(file, part + ".ground")) <= 1e-9);

  std::vector<double> solids;
  for (const Terrain::Quad& quad : s.start().terrain.solids) {
    const b2PolygonShape shape = polygon(quad, 1.0);  // the engine puts the corners in its order
    for (int k = 0; k < 4; ++k) {
      solids.push_back(static_cast<double>(shape.m_vertices[k].x));
      solids.push_back(static_cast<double>(shape.m_vertices[k].y));
    }
  }
  CHECK(difference(solids, block<double>(file, part + ".solids")) <= 1e-9);
  CHECK(task.hardcore == !solids.empty());

  std::vector<float> masses, ours(24);
  for (int k = 0; k < 5; ++k) {
    const b2Body& body = s.body(k);
    const b2Vec2 centre = body.GetLocalCenter();
    masses.insert(masses.end(), {body.GetMass(), body.GetInertia(), centre.x, centre.y});
  }
  CHECK(difference(masses, block<double>(file, part + ".masses")) <= 1e-5);

  task.observe(s, ours);
  const auto theirs = block<float>(file, part + ".observation");
  CHECK(difference(ours, std::span(theirs).first(24)) <= 1e-5);

  const auto actions = block<float>(file, part + ".action");
  const auto rewards = block<double>(file, part + ".reward");
  Stream none;
  for (std::size_t t = 0; t < rewards.size(); ++t) {
    const Transition step = task.step(s, std::span(actions).subspan(4 * t, 4), none);
    task.observe(s, ours);
    if (difference(ours, std::span(theirs).subspan(24 * (t + 1), 24)) > 1e-4) {
      return t;
    }
    CHECK(std::abs(step.reward - rewards[t]) <= 1e-4);
  }
  return rewards.size();
}

Episodes walk(const std::string& policy, const std::string& id, Index episodes) {
  const auto batch = make(id, {.size = episodes, .seed = 3});
  RandomActions random(batch->spec(), episodes, 5);
  const auto* observation = static_cast<const float*>(batch->columns().observation);
  std::vector<WalkerGait> gaits(static_cast<std::size_t>(episodes));
  std::vector<float> actions(static_cast<std::size_t>(episodes) * 4);
  return play(*batch, [&](std::size_t i, Index t) {
    const auto row = static_cast<Index>(i);
    if (policy == "random") {
      random.draw(row, row, t);
      random.apply(*batch, row, row + 1, 0);
    } else {
      gaits[i].act({observation + 24 * i, 24}, std::span(actions).subspan(4 * i, 4));
      batch->step_rows(row, row + 1, 0, std::span<const float>(actions));
    }
  });
}

}  // namespace

TEST_CASE("box2d transcript: the walker starts as the original, on the same ground") {
  const ArchiveReader file = recordings("BipedalWalker");
  BipedalWalker plain, hard;
  hard.hardcore = true;
  std::vector<double> horizons;
  for (int seed = 0; seed < 6; ++seed) {
    horizons.push_back(static_cast<double>(follow(file, concat("plain", seed), plain)));
    horizons.push_back(static_cast<double>(follow(file, concat("hardcore", seed), hard)));
    MESSAGE(concat("seed ", seed, ": within 1e-4 for ", horizons[horizons.size() - 2], " and ",
                   horizons.back(), " steps"));
  }
  CHECK(*std::ranges::max_element(horizons) >= 14.0);
}

TEST_CASE("the walker's whole episodes are distributed as the original's") {
  const ArchiveReader file = recordings("BipedalWalker");
  for (const std::string course : {"plain", "hardcore"}) {
    for (const std::string policy : {"heuristic", "random"}) {
      CAPTURE(course);
      CAPTURE(policy);
      const Episodes ours =
          walk(policy, course == "plain" ? "BipedalWalker-v3" : "BipedalWalkerHardcore-v3", 250);
      const Episodes theirs = recorded_episodes(file, concat(policy, "_", course));
      check_alike(ours.total, theirs.total);
      if (policy == "random") {
        check_alike(ours.length, theirs.length);
      } else {
        // the gait leans on the knees' limits, which the two engines solve differently: as far and
        // as often to the end, and a tenth longer on the way
        CHECK(std::abs(median(ours.length) / median(theirs.length) - 1.0) <= 0.25);
      }
      check_ends(ours, theirs);
      MESSAGE(concat(policy, ", ", course, ": median return ", median(ours.total), " (theirs ",
                     median(theirs.total), "), length ", median(ours.length), " (",
                     median(theirs.length), ")"));
    }
  }
}

TEST_CASE("the walker sees what the engine's own search of its tree finds") {
  class Nearest final : public b2RayCastCallback {
   public:
    float fraction = 1.0f;
    float ReportFixture(b2Fixture* fixture, const b2Vec2&, const b2Vec2&, float f) override {
      if ((fixture->GetFilterData().categoryBits & 1) == 0) {
        return -1.0f;
      }
      return fraction = f;
    }
  };
  for (const bool hardcore : {false, true}) {
    BipedalWalker task;
    task.hardcore = hardcore;
    BipedalWalker::State s;
    WalkerGait gait;
    std::vector<float> observation(24), action(4);
    Index seen = 0;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Stream random(seed, purpose("tests/walker"));
      task.reset(s, random);
      for (int t = 0; t < 60; ++t) {
        // walks on from places all over the course, so that every obstacle is seen
        b2Body& hull = s.body(0);
        const b2Vec2 shift(static_cast<float>(random.uniform(-1.0, 80.0)) - hull.GetPosition().x,
                           static_cast<float>(random.uniform(-0.5, 1.0)));
        for (int k = 0; k < 5; ++k) {
          s.body(k).SetTransform(s.body(k).GetPosition() + shift, s.body(k).GetAngle());
        }
        gait.act(observation, action);
        task.step(s, action, random);
        task.observe(s, observation);
        const b2World& world = *hull.GetWorld();
        const b2Vec2 from = hull.GetPosition();
        for (int k = 0; k < 10; ++k) {
          const auto [sine, cosine] = sine_cosine(1.5 * k / 10.0);
          const b2Vec2 to = vector(static_cast<double>(from.x) + sine * 160 / 30.0,
                                   static_cast<double>(from.y) - cosine * 160 / 30.0);
          Nearest nearest;
          world.RayCast(&nearest, from, to);
          CHECK(nearest.fraction == s.lidar()[static_cast<std::size_t>(k)]);
          seen += nearest.fraction < 1.0f;
        }
      }
    }
    CHECK(seen > 1000);
  }
}

TEST_CASE("the hard course is an option under both ids, which keep their time limits") {
  CHECK(find("BipedalWalker-v3").spec({}).time_limit == 1600);
  CHECK(find("BipedalWalkerHardcore-v3").spec({}).time_limit == 2000);
  const auto option = make("BipedalWalker-v3", {.seed = 1}, {{"hardcore", 1.0}});
  const auto id = make("BipedalWalkerHardcore-v3", {.seed = 1});
  const auto plain = make("BipedalWalker-v3", {.seed = 1});
  bool differs = false;
  for (int t = 0; t < 30; ++t) {
    const std::vector<float> action = {0.5f, -0.25f, 7.0f, 0.0f};  // beyond 1 counts as 1
    for (AnyBatch* batch : {option.get(), id.get(), plain.get()}) {
      batch->step(action);
    }
    const auto seen = [](const AnyBatch& batch) {
      return std::span(static_cast<const float*>(batch.columns().observation), 24);
    };
    CHECK(std::ranges::equal(seen(*option), seen(*id)));
    differs = differs || !std::ranges::equal(seen(*option), seen(*plain));
  }
  CHECK(option->spec().time_limit == 1600);
  CHECK(differs);  // the draws of the force come after another ground
}
