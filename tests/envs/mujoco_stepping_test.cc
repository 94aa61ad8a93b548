#include <doctest/doctest.h>
#include <mujoco/mjxmacro.h>
#include <mujoco/mujoco.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/envs/mujoco/assets.h>
#include <palaestra/envs/mujoco/model.h>
#include <palaestra/envs/mujoco/stepping.h>

#include "tests/core/scratch.h"
#include "tests/envs/engine_data.h"

using namespace palaestra;
using namespace palaestra::envs;
namespace fs = std::filesystem;
using envs::testing::DataPtr;
using envs::testing::new_data;

namespace {

/// Names of the tables of two work spaces that differ in a bit.
std::set<std::string> differences(const mjModel& model, const mjData& a, const mjData& b) {
  std::set<std::string> names;
  const mjModel* const m = &model;
#define X(type, name, rows, columns)                                 \
  if (std::memcmp(a.name, b.name,                                    \
                  sizeof(type) * static_cast<std::size_t>(m->rows) * \
                      static_cast<std::size_t>(columns)) != 0) {     \
    names.insert(#name);                                             \
  }
#define XNV X
#undef MJ_M
#define MJ_M(n) m->n
  MJDATA_POINTERS
#undef MJ_M
#undef XNV
#undef X
  return names;
}

/// Every model file of the two packages whose tasks are steps of the bare engine.
std::vector<fs::path> model_files() {
  std::vector<fs::path> files;
  for (const auto& [package, file] : {std::pair("gymnasium", "envs/mujoco/assets/ant.xml"),
                                      std::pair("dm_control", "suite/cheetah.xml")}) {
    for (const auto& entry :
         fs::directory_iterator(mujoco::find_asset(package, file).parent_path())) {
      if (entry.path().extension() == ".xml") {
        files.push_back(entry.path());
      }
    }
  }
  std::ranges::sort(files);
  return files;
}

/// A model with every component that a row can hold but plugins.
constexpr const char* kRich = R"(
<mujoco>
  <option gravity="0 0 -3"/>
  <worldbody>
    <geom type="plane" size="2 2 1"/>
    <body name="hand" mocap="true" pos="0 0 1"><geom size="0.05" contype="0" conaffinity="0"/></body>
    <body name="ball" pos="0 0 0.9"><freejoint/><geom size="0.1"/></body>
    <body name="arm" pos="1 0 1"><joint name="hinge" axis="0 1 0"/>
      <geom type="capsule" fromto="0 0 0 0.4 0 0" size="0.03"/></body>
  </worldbody>
  <equality>
    <weld body1="hand" body2="ball"/>
    <joint joint1="hinge" polycoef="0.3 0 0 0 0"/>
  </equality>
  <actuator><general joint="hinge" dyntype="filter" dynprm="0.1" gainprm="2"/></actuator>
</mujoco>)";

}  // namespace

TEST_CASE("a plain step leaves the bits of mj_step but for what only pictures look at") {
  const std::set<std::string> left_out = {"cam_xpos", "cam_xmat", "light_xpos", "light_xdir"};
  int plain = 0, touching = 0;
  for (const fs::path& file : model_files()) {
    CAPTURE(file.string());
    const mujoco::Model model = mujoco::load_model(file);
    if (!mujoco::is_plain(*model)) {
      continue;
    }
    ++plain;
    const DataPtr a = new_data(*model), b = new_data(*model);
    Stream random(1, purpose("tests/stepping"), static_cast<std::uint64_t>(plain));
    for (int step = 0; step < 120; ++step) {
      for (int k = 0; k < model->nu; ++k) {
        a->ctrl[k] = b->ctrl[k] = random.uniform(-1.0, 1.0);
      }
      mj_step(model.get(), a.get());
      mujoco::plain_step(model.get(), b.get());
      std::set<std::string> differ = differences(*model, *a, *b);
      std::erase_if(differ, [&](const std::string& name) { return left_out.contains(name); });
      const std::string first = differ.empty() ? "" : *differ.begin();
      CAPTURE(step);
      REQUIRE(first == "");
      REQUIRE(a->time == b->time);
      REQUIRE(a->ncon == b->ncon);
      REQUIRE(a->solver_niter[0] == b->solver_niter[0]);
      touching += a->ncon > 0 ? 1 : 0;
    }
  }
  CHECK(plain >= 20);
  CHECK(touching > 500);
}

TEST_CASE("models that need more than a plain step are told apart") {
  const Scratch folder;
  const auto plain = [&](const std::string& option, const std::string& rest) {
    const fs::path file = folder / "model.xml";
    std::ofstream(file) << "<mujoco>" << option
                        << "<worldbody><body><joint/><geom size='0.1'/><camera name='eye'/>"
                           "<site name='spot'/></body></worldbody>"
                        << rest << "</mujoco>";
    return mujoco::is_plain(*mujoco::load_model(file));
  };
  CHECK(plain("", ""));
  CHECK(plain("<option><flag energy='enable'/></option>", ""));
  CHECK(!plain("<option integrator='RK4'/>", ""));
  CHECK(!plain("<option integrator='implicitfast'/>", ""));
  CHECK(!plain("<option><flag fwdinv='enable'/></option>", ""));
  CHECK(!plain("<option><flag sleep='enable'/></option>", ""));
  CHECK(!plain("", "<sensor><framepos objtype='camera' objname='eye'/></sensor>"));
  CHECK(!plain("",
               "<sensor><framepos objtype='site' objname='spot' reftype='camera' "
               "refname='eye'/></sensor>"));
  CHECK(plain("", "<sensor><framepos objtype='site' objname='spot'/></sensor>"));
}

TEST_CASE("a row is loaded and stored as the engine does it") {
  const Scratch folder;
  const fs::path file = folder / "rich.xml";
  std::ofstream(file) << kRich;
  const mujoco::Model model = mujoco::load_model(file);
  const mjModel* const m = model.get();
  const auto size = static_cast<std::size_t>(mj_stateSize(m, mjSTATE_INTEGRATION));
  const mujoco::Data ours(model);
  const DataPtr theirs = new_data(*model);
  Stream random(2, purpose("tests/stepping"));
  std::vector<double> row(size), stored(size), expected(size);
  for (int k = 0; k < 50; ++k) {
    // a state that somebody stepped to, with another hand and one of the welds open
    theirs->mocap_pos[2] = random.uniform(0.8, 1.2);
    theirs->eq_active[0] = k % 3 != 0;
    theirs->eq_active[1] = k % 2 != 0;
    theirs->ctrl[0] = random.uniform(-1.0, 1.0);
    mj_step(m, theirs.get());
    mj_getState(m, theirs.get(), row.data(), mjSTATE_INTEGRATION);

    ours.parts().load(row);
    mj_getState(m, ours.get(), expected.data(), mjSTATE_INTEGRATION);
    REQUIRE(expected == row);
    std::fill(stored.begin(), stored.end(), 0.0);
    ours.parts().store(stored);
    REQUIRE(stored == row);
  }
}
