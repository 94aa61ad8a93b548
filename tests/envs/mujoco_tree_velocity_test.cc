#include <doctest/doctest.h>
#include <mujoco/mujoco.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <palaestra/core/random.h>
#include <palaestra/envs/mujoco/assets.h>
#include <palaestra/envs/mujoco/model.h>
#include <palaestra/envs/mujoco/tree_velocity.h>

#include "tests/core/scratch.h"
#include "tests/envs/engine_data.h"

using namespace palaestra;
using namespace palaestra::envs;
namespace fs = std::filesystem;
using envs::testing::DataPtr;
using envs::testing::new_data;

namespace {

/// Every kind of joint, a body with two joints, joints off their bodies' middles, two trees and a
/// body that nothing moves.
constexpr const char* kJoints = R"(
<mujoco>
  <worldbody>
    <body pos="0 0 1"><freejoint/><geom size="0.1" pos="0.1 0 0.05"/>
      <body pos="0.3 0 0"><joint type="ball" pos="0 0.1 0"/>
        <geom type="capsule" fromto="0 0 0 0.4 0.1 0" size="0.03"/>
        <body pos="0.4 0 0" euler="20 30 40">
          <joint type="slide" axis="1 2 3"/><joint axis="0 1 1" pos="0.1 0 0"/>
          <geom size="0.05" pos="0 0 0.2"/>
        </body>
      </body>
    </body>
    <body pos="1 1 1"><joint type="slide" axis="0 1 0"/><joint axis="0 0 1" pos="0.2 0 0"/>
      <geom size="0.08"/></body>
    <body pos="2 0 0"><geom size="0.1"/></body>
  </worldbody>
</mujoco>)";

/// At random places and velocities.
void check_against_engine(const mjModel& m, std::uint64_t number) {
  const DataPtr theirs = new_data(m), ours = new_data(m);
  Stream random(1, purpose("tests/tree_velocity"), number);
  for (int draw = 0; draw < 20; ++draw) {
    for (int k = 0; k < m.nq; ++k) {
      theirs->qpos[k] = ours->qpos[k] = random.uniform(-1.0, 1.0);
    }
    for (int k = 0; k < m.nv; ++k) {
      theirs->qvel[k] = ours->qvel[k] = random.uniform(-5.0, 5.0);
    }
    mj_kinematics(&m, theirs.get());
    mj_comPos(&m, theirs.get());
    mj_comVel(&m, theirs.get());
    mj_subtreeVel(&m, theirs.get());

    mj_kinematics(&m, ours.get());
    mujoco::tree_velocities(m, *ours);
    for (int k = 0; k < 3 * m.nbody; ++k) {
      REQUIRE(std::abs(ours->subtree_com[k] - theirs->subtree_com[k]) < 1e-12);
    }
    for (int body = 1; body < m.nbody; ++body) {
      if (m.body_parentid[body] != 0) {
        continue;
      }
      for (int k = 3 * body; k < 3 * body + 3; ++k) {
        CAPTURE(body);
        REQUIRE(std::abs(ours->subtree_linvel[k] - theirs->subtree_linvel[k]) < 1e-12);
      }
    }
  }
}

}  // namespace

TEST_CASE("trees of bodies move as the engine says") {
  const Scratch folder;
  const fs::path file = folder / "joints.xml";
  std::ofstream(file) << kJoints;
  check_against_engine(*mujoco::load_model(file), 0);

  std::uint64_t number = 0;
  for (const char* name : {"cheetah", "hopper", "walker", "humanoid", "quadruped", "fish"}) {
    CAPTURE(name);
    check_against_engine(*mujoco::load_model(mujoco::find_asset(
                             "dm_control", fs::path("suite") / (std::string(name) + ".xml"))),
                         ++number);
  }
}
