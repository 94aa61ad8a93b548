#include <doctest/doctest.h>
#include <mujoco/mjxmacro.h>
#include <mujoco/mujoco.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <palaestra/core/hash.h>
#include <palaestra/envs/dm_control/acrobot.h>
#include <palaestra/envs/dm_control/ball_in_cup.h>
#include <palaestra/envs/dm_control/cartpole.h>
#include <palaestra/envs/dm_control/cheetah.h>
#include <palaestra/envs/dm_control/finger.h>
#include <palaestra/envs/dm_control/fish.h>
#include <palaestra/envs/dm_control/hopper.h>
#include <palaestra/envs/dm_control/humanoid.h>
#include <palaestra/envs/dm_control/manipulator.h>
#include <palaestra/envs/dm_control/pendulum.h>
#include <palaestra/envs/dm_control/point_mass.h>
#include <palaestra/envs/dm_control/quadruped.h>
#include <palaestra/envs/dm_control/reacher.h>
#include <palaestra/envs/dm_control/swimmer.h>
#include <palaestra/envs/dm_control/tolerance.h>
#include <palaestra/envs/dm_control/walker.h>
#include <palaestra/envs/random_actions.h>
#include <palaestra/envs/registry.h>

using namespace palaestra;
using namespace palaestra::envs;
using namespace palaestra::envs::dm_control;

namespace {

constexpr const char* kTables = PALAESTRA_TESTS "/golden/dm_control/";

/// "inf" too.
double number(std::istream& from) {
  std::string text;
  from >> text;
  return std::strtod(text.c_str(), nullptr);
}

Sigmoid sigmoid(const std::string& name) {
  return name == "gaussian"    ? Sigmoid::kGaussian
         : name == "linear"    ? Sigmoid::kLinear
         : name == "quadratic" ? Sigmoid::kQuadratic
                               : Sigmoid::kLongTail;
}

/// A task on the bare engine.
struct Bare {
  std::string id;
  mujoco::Model model;
  int substeps;
  /// Writes an episode's numbers into a model; null where there is nothing to write.
  std::function<void(mjModel&, std::span<const double>)> arrange;
};
template <class Task>
Bare bare(const std::string& id, Task task) {
  Bare bare{id, Controlled<Task>::load(id, task), Task::kSubsteps, nullptr};
  if constexpr (Controlled<Task>::kOwnModel) {
    task.bind(Names(*bare.model));
    bare.arrange = [task](mjModel& model, std::span<const double> episode) {
      task.arrange(model, episode);
    };
  }
  return bare;
}
std::vector<Bare> all_bare() {
  return {
      bare("dm_control/acrobot-swingup", Acrobot{}),
      bare("dm_control/acrobot-swingup_sparse", Acrobot{.sparse = true}),
      bare("dm_control/ball_in_cup-catch", BallInCup{}),
      bare("dm_control/cartpole-balance", Cartpole{}),
      bare("dm_control/cartpole-balance_sparse", Cartpole{.sparse = true}),
      bare("dm_control/cartpole-swingup", Cartpole{.swing_up = true}),
      bare("dm_control/cartpole-swingup_sparse", Cartpole{.swing_up = true, .sparse = true}),
      bare("dm_control/cartpole-three_poles", Cartpole{.poles = 3, .swing_up = true}),
      bare("dm_control/cartpole-two_poles", Cartpole{.poles = 2, .swing_up = true}),
      bare("dm_control/cheetah-run", Cheetah{}),
      bare("dm_control/finger-spin", Finger{Finger::kSpin}),
      bare("dm_control/finger-turn_easy", Finger{Finger::kTurnEasy}),
      bare("dm_control/finger-turn_hard", Finger{Finger::kTurnHard}),
      bare("dm_control/fish-swim", Fish{Fish::kSwim}),
      bare("dm_control/fish-upright", Fish{Fish::kUpright}),
      bare("dm_control/hopper-hop", Hopper{Hopper::kHop}),
      bare("dm_control/hopper-stand", Hopper{Hopper::kStand}),
      bare("dm_control/humanoid-run", Humanoid{Humanoid::kRun}),
      bare("dm_control/humanoid-run_pure_state", Humanoid{Humanoid::kRunPureState}),
      bare("dm_control/humanoid-stand", Humanoid{Humanoid::kStand}),
      bare("dm_control/humanoid-walk", Humanoid{Humanoid::kWalk}),
      bare("dm_control/manipulator-bring_ball", Manipulator{Manipulator::kBall, false}),
      bare("dm_control/manipulator-bring_peg", Manipulator{Manipulator::kPeg, false}),
      bare("dm_control/manipulator-insert_ball", Manipulator{Manipulator::kBall, true}),
      bare("dm_control/manipulator-insert_peg", Manipulator{Manipulator::kPeg, true}),
      bare("dm_control/pendulum-swingup", Pendulum{}),
      bare("dm_control/point_mass-easy", PointMass{PointMass::kEasy}),
      bare("dm_control/point_mass-hard", PointMass{PointMass::kHard}),
      bare("dm_control/quadruped-run", Quadruped{Quadruped::kRun}),
      bare("dm_control/quadruped-walk", Quadruped{Quadruped::kWalk}),
      bare("dm_control/reacher-easy", Reacher{Reacher::kEasy}),
      bare("dm_control/reacher-hard", Reacher{Reacher::kHard}),
      bare("dm_control/swimmer-swimmer15", Swimmer{15}),
      bare("dm_control/swimmer-swimmer6", Swimmer{6}),
      bare("dm_control/walker-run", Walker{Walker::kRun}),
      bare("dm_control/walker-stand", Walker{Walker::kStand}),
      bare("dm_control/walker-walk", Walker{Walker::kWalk}),
  };
}

/// Bytes of every table of a model by its name.
std::map<std::string, std::span<const std::byte>> tables_of(const mjModel& model) {
  std::map<std::string, std::span<const std::byte>> tables;
  const mjModel* const m = &model;
#define X(type, name, rows, columns) \
  tables[#name] = std::as_bytes(     \
      std::span(m->name, static_cast<std::size_t>(m->rows) * static_cast<std::size_t>(columns)));
#define XNV X
#undef MJ_M
#define MJ_M(n) m->n
  MJMODEL_POINTERS
#undef MJ_M
#undef XNV
#undef X
  return tables;
}

/// The numbers of mjOption that decide how a model moves.
std::vector<double> option_of(const mjModel& m) {
  const mjOption& o = m.opt;
  return {o.timestep,
          o.gravity[0],
          o.gravity[1],
          o.gravity[2],
          o.wind[0],
          o.wind[1],
          o.wind[2],
          o.density,
          o.viscosity,
          o.impratio,
          o.tolerance,
          static_cast<double>(o.iterations),
          static_cast<double>(o.integrator),
          static_cast<double>(o.cone),
          static_cast<double>(o.jacobian),
          static_cast<double>(o.solver),
          static_cast<double>(o.disableflags & ~mjDSBL_AUTORESET),  // ours, see load_model
          static_cast<double>(o.enableflags),
          static_cast<double>(m.nq),
          static_cast<double>(m.nv),
          static_cast<double>(m.na)};
}

/// The tables that tests/golden/make_dm_control_tables.py leaves out.
bool is_left_out(const std::string& name, const std::string& domain) {
  static const std::map<std::string, std::vector<std::string>> kOut = {
      {"", {"geom_matid", "geom_rgba", "site_matid", "site_rgba", "tendon_matid", "tendon_rgba"}},
      {"finger", {"site_pos", "site_size"}},
      {"fish", {"geom_pos"}},
      {"manipulator", {"body_pos", "body_quat"}},
      {"point_mass", {"wrap_prm"}},
      {"reacher", {"geom_pos", "geom_size"}},
      {"swimmer", {"geom_pos"}}};
  const auto in = [&name](const std::string& key) {
    const auto found = kOut.find(key);
    return found != kOut.end() && std::ranges::find(found->second, name) != found->second.end();
  };
  return in("") || in(domain);
}

/// The first sixteen digits of a hash over names and numbers of one part of a model.
std::string part_hash(const Bare& bare, const std::string& part) {
  Sha256 hash;
  if (part == "option") {
    hash.update(std::as_bytes(std::span<const double>(option_of(*bare.model))));
    return hash.hex().substr(0, 16);
  }
  const std::string domain = bare.id.substr(11, bare.id.find('-') - 11);
  for (const auto& [name, bytes] : tables_of(*bare.model)) {
    const std::string head = name.substr(0, name.find('_'));
    if ((head == part || head == part + "0") && !is_left_out(name, domain)) {
      hash.update(std::as_bytes(std::span<const char>(name)));
      hash.update(bytes);
    }
  }
  return hash.hex().substr(0, 16);
}

using DataPtr = std::unique_ptr<mjData, decltype(&mj_deleteData)>;

}  // namespace

TEST_CASE("tolerances are dm_control's") {
  std::ifstream file(std::string(kTables) + "tolerance.txt");
  std::string x;
  int count = 0;
  while (file >> x) {
    Bounds bounds;
    bounds.low = number(file);
    bounds.high = number(file);
    bounds.margin = number(file);
    std::string name;
    file >> name;
    bounds.sigmoid = sigmoid(name);
    bounds.value_at_margin = number(file);
    const double expected = number(file);
    CAPTURE(x);
    CAPTURE(name);
    CHECK(std::abs(tolerance(std::stod(x), bounds) - expected) <= 1e-15);
    ++count;
  }
  CHECK(count > 500);
}

TEST_CASE("models are those that dm_control makes, table by table") {
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> expected;
  std::ifstream file(std::string(kTables) + "models.txt");
  for (std::string id, part, hash; file >> id >> part >> hash;) {
    expected[id].emplace_back(part, hash);
  }
  for (const Bare& bare : all_bare()) {
    CAPTURE(bare.id);
    REQUIRE(expected[bare.id].size() == 16);
    for (const auto& table : expected[bare.id]) {
      CAPTURE(table.first);
      CHECK(part_hash(bare, table.first) == table.second);
    }
  }
}

TEST_CASE("swapping states gives the bits of dm_control's own loop on one mjData per environment") {
  for (const Bare& bare : all_bare()) {
    CAPTURE(bare.id);
    constexpr Index kRows = 3;
    const auto batch = make(bare.id, {.size = kRows, .threads = Threads(2), .time_limit = 0});
    // every environment has an mjData and, for what is its episode's own, a model
    std::vector<std::unique_ptr<EpisodeModel>> models;
    std::vector<DataPtr> own;
    std::vector<double> physics(static_cast<std::size_t>(batch->physics_size()));
    const auto engine = static_cast<std::size_t>(bare.model->nq + bare.model->nv + bare.model->na);
    for (Index row = 0; row < kRows; ++row) {
      mjModel* const m = &**models.emplace_back(std::make_unique<EpisodeModel>(bare.model));
      mjData* const d = own.emplace_back(mj_makeData(m), &mj_deleteData).get();
      batch->get_physics(row, physics);
      batch->set_physics(row, physics);  // forgets what reset() came through
      if (bare.arrange) {
        bare.arrange(*m, std::span<const double>(physics).subspan(engine));
      }
      mjModel still = *m;
      still.opt.disableflags |= mjDSBL_ACTUATION;
      mj_forward(&still, d);
      mj_setState(m, d, physics.data(), mjSTATE_QPOS | mjSTATE_QVEL | mjSTATE_ACT);
      mj_forward(&still, d);
    }
    RandomActions actions(batch->spec(), kRows, 3);
    std::vector<double> state(engine);
    for (Index t = 0; t < 60; ++t) {
      actions.step(*batch, t);
      for (Index row = 0; row < kRows; ++row) {
        const mjModel* const m = &**models[static_cast<std::size_t>(row)];
        mjData* const d = own[static_cast<std::size_t>(row)].get();
        std::ranges::copy(actions.numbers().subspan(static_cast<std::size_t>(row * m->nu),
                                                    static_cast<std::size_t>(m->nu)),
                          d->ctrl);
        int rest = bare.substeps;
        if (m->opt.integrator != mjINT_RK4) {
          mj_step2(m, d);
          --rest;
        }
        for (; rest > 0; --rest) {
          mj_step(m, d);
        }
        mj_step1(m, d);
        mj_getState(m, d, state.data(), mjSTATE_QPOS | mjSTATE_QVEL | mjSTATE_ACT);
        batch->get_physics(row, physics);
        REQUIRE(std::memcmp(state.data(), physics.data(), engine * sizeof(double)) == 0);
      }
    }
  }
}
