#include <doctest/doctest.h>
#include <mujoco/mujoco.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <palaestra/envs/dm_control/planar_tree.h>
#include <palaestra/envs/mujoco/assets.h>
#include <palaestra/envs/mujoco/model.h>

#include "tests/core/scratch.h"
#include "tests/envs/engine_data.h"

using namespace palaestra;
using namespace palaestra::envs;
using envs::testing::DataPtr;
using envs::testing::new_data;
namespace fs = std::filesystem;

namespace {

/// A tree with everything that one may have: a turned root, a slanted slider, a hinge the other way
/// round, with a zero of its own and off its body's middle, a body without a joint; and beside it a
/// body that nothing moves.
constexpr const char* kPlanar = R"(
<mujoco>
  <worldbody>
    <body pos="0 0 1" euler="0 30 0">
      <joint type="slide" axis="1 0 0"/><joint type="slide" axis="1 0 2"/><joint axis="0 1 0"/>
      <geom size="0.1" pos="0.1 0.2 0.05"/>
      <body pos="0.3 0.1 0" euler="0 -20 0"><joint axis="0 -1 0" pos="0.1 0 0.2" ref="40"/>
        <geom type="capsule" fromto="0 0 0 0.4 0.1 0.1" size="0.03"/>
        <body pos="0.4 0 0.1" euler="0 70 0"><geom size="0.05" pos="0 0 0.2"/>
          <body pos="0 0 0.1"><joint axis="0 1 0" pos="0 0 -0.1"/><geom size="0.04"/></body>
        </body>
      </body>
    </body>
    <body pos="2 0 0"><geom size="0.1"/></body>
  </worldbody>
</mujoco>)";

mujoco::Model model_of(const std::string& text) {
  const Scratch folder;
  const fs::path file = folder / "model.xml";
  std::ofstream(file) << text;
  return mujoco::load_model(file);
}

/// At random places and velocities. The tree's root is the first body.
void check_against_engine(const mjModel& m, std::uint64_t number) {
  const DataPtr data = new_data(m);
  const dm_control::PlanarTree tree(m);
  Stream random(1, purpose("tests/planar_tree"), number);
  for (int draw = 0; draw < 50; ++draw) {
    for (int k = 0; k < m.nq; ++k) {
      data->qpos[k] = random.uniform(-4.0, 4.0);
    }
    for (int k = 0; k < m.nv; ++k) {
      data->qvel[k] = random.uniform(-5.0, 5.0);
    }
    const double speed = tree.forward_speed(*data);
    mj_kinematics(&m, data.get());
    mj_comPos(&m, data.get());
    mj_comVel(&m, data.get());
    mj_subtreeVel(&m, data.get());
    REQUIRE(std::abs(speed - data->subtree_linvel[3]) < 1e-12);
  }
}

}  // namespace

TEST_CASE("planar trees move forward as the engine says") {
  check_against_engine(*model_of(kPlanar), 0);
  std::uint64_t number = 0;
  for (const char* name : {"cheetah", "hopper", "walker"}) {
    CAPTURE(name);
    check_against_engine(*mujoco::load_model(mujoco::find_asset(
                             "dm_control", fs::path("suite") / (std::string(name) + ".xml"))),
                         ++number);
  }
}

TEST_CASE("trees that leave the plane are refused") {
  const auto refusal = [](const std::string& bodies) -> std::string {
    try {
      const dm_control::PlanarTree tree(
          *model_of("<mujoco><worldbody>" + bodies + "</worldbody></mujoco>"));
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  };
  const auto has = [](const std::string& text, const char* part) {
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  const std::string hinge = R"(<joint axis="0 1 0"/>)", geom = R"(<geom size="0.1"/>)";
  const std::string closed = geom + "</body>";
  has(refusal(R"(<body euler="10 0 0">)" + hinge + closed), "turned out of the plane");
  has(refusal(R"(<body><joint axis="0 0 1"/>)" + closed), "only hinge about y");
  has(refusal("<body>" + hinge + hinge + closed), "only hinge about y");
  has(refusal("<body><freejoint/>" + closed), "only hinge about y");
  has(refusal("<body>" + hinge + geom + R"(<body><joint type="slide" axis="1 0 0"/>)" + closed +
              "</body>"),
      "slider of the root");
  has(refusal("<body>" + closed), "0 bodies that move");
  has(refusal("<body>" + hinge + closed + "<body>" + hinge + closed), "second tree");
  std::string opened, shut;
  for (int k = 0; k < 17; ++k) {
    opened.append("<body>").append(hinge).append(geom);
    shut.append("</body>");
  }
  has(refusal(opened + shut), "17 bodies that move");
  CHECK(refusal("<body>" + hinge + closed).empty());
}
