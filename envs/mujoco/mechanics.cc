#include <palaestra/envs/mujoco/mechanics.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/envs/mujoco/engine.h>
#include <palaestra/envs/mujoco/stepping.h>

namespace palaestra::envs::mujoco {
namespace {

std::size_t size_of_state(const mjModel_& model, int components) {
  return static_cast<std::size_t>(mj_stateSize(&model, components));
}

/// Runs engine code; an error leaves half a computation and a stack frame behind, so clean up.
template <class Body>
void engine(const Data& data, Body body) {
  try {
    guarded(body);
  } catch (const EngineError&) {
    mj_resetData(&data.model(), data.get());
    throw;
  }
}

void make_steps(const mjModel* m, mjData* d, bool plain, int frames) {
  for (int frame = 0; frame < frames; ++frame) {
    if (plain) {
      plain_step(m, d);
    } else {
      mj_step(m, d);
    }
  }
}

bool any_bad(const mjtNum* x, mjtSize n) {
  return std::any_of(x, x + n, [](mjtNum value) { return mju_isBad(value) != 0; });
}

/// The last of the substeps is not checked by the engine before the next call, hence the scan.
bool diverged(const mjModel* m, const mjData* d) {
  for (const int warning : {mjWARN_BADQPOS, mjWARN_BADQVEL, mjWARN_BADQACC, mjWARN_BADCTRL}) {
    if (d->warning[warning].number != 0) {
      return true;
    }
  }
  return any_bad(d->qpos, m->nq) || any_bad(d->qvel, m->nv);
}

std::string text(const ModelSizes& s) {
  return concat(s.positions, " positions, ", s.velocities, " velocities, ", s.controls,
                " controls, ", s.bodies, " bodies, ", s.sites, " sites, ", s.tendons, " tendons");
}

}  // namespace

Layout layout_of(const mjModel_& model, std::size_t remembered) {
  const std::size_t engine_size = size_of_state(model, mjSTATE_INTEGRATION);
  return {.positions = static_cast<std::size_t>(model.nq),
          .velocities = static_cast<std::size_t>(model.nv),
          .activations = static_cast<std::size_t>(model.na),
          .controls = static_cast<std::size_t>(model.nu),
          // components lie in the order of their bits: time, positions, velocities, ...
          .qpos = size_of_state(model, mjSTATE_TIME),
          .qvel = size_of_state(model, mjSTATE_TIME | mjSTATE_QPOS),
          .memory = engine_size,
          .derived = engine_size + remembered};
}

ModelSizes sizes_of(const mjModel_& m) { return {m.nq, m.nv, m.nu, m.nbody, m.nsite, m.ntendon}; }

void require_model(const mjModel_& model, const char* id, const ModelSizes& sizes, double range) {
  const ModelSizes found = sizes_of(model);
  require(found == sizes, id, ": the model file has ", text(found), "; expected ", text(sizes),
          " (the files of gymnasium 1.4.0)");
  for (Index k = 0; k < 2 * sizes.controls; ++k) {
    const auto bound = static_cast<float>(model.actuator_ctrlrange[k]);
    const auto expected = static_cast<float>(k % 2 == 0 ? -range : range);
    require(bound == expected, id, ": control ", k / 2, " of the model file is bounded by ", bound,
            ", expected ", expected, " (the files of gymnasium 1.4.0)");
  }
}

void require_fitting(const mjModel_& model, const char* id, const std::string& file,
                     const ModelSizes& least, bool exact) {
  const ModelSizes found = sizes_of(model);
  const auto fits = [exact](Index has, Index needs) { return exact ? has == needs : has >= needs; };
  require(fits(found.positions, least.positions) && fits(found.velocities, least.velocities) &&
              fits(found.controls, least.controls) && found.bodies >= least.bodies &&
              found.sites >= least.sites && found.tendons >= least.tendons,
          id, ": the model of xml_file ", file, " has ", text(found), "; accepted: ", text(least),
          exact ? " (bodies, sites and tendons may be more)" : ", or more of any");
  require(model.opt.timestep > 0, id, ": the time step of the model of xml_file ", file, " is ",
          model.opt.timestep, " s; accepted: more than 0");
}

int require_body(const mjModel_& model, const char* id, const char* name) {
  const int body = mj_name2id(&model, mjOBJ_BODY, name);
  std::vector<std::string> names;
  for (int i = 0; i < model.nbody; ++i) {
    const char* const known = mj_id2name(&model, mjOBJ_BODY, i);
    names.emplace_back(known == nullptr ? "" : known);
  }
  require(body >= 0, id, ": the model has no body named \"", name, "\"", did_you_mean(name, names));
  return body;
}

Space control_space(const mjModel_& model) {
  Space space = Space::box(model.nu, 0.0, 0.0);
  for (std::size_t k = 0; k < space.low.size(); ++k) {
    space.low[k] = model.actuator_ctrlrange[2 * k];
    space.high[k] = model.actuator_ctrlrange[2 * k + 1];
  }
  return space;
}

double step_seconds(const mjModel_& model, int frame_skip) {
  return model.opt.timestep * frame_skip;
}

void start_over(const Data& data) {
  engine(data, [m = &data.model(), d = data.get()] { mj_resetData(m, d); });
}

void settle(const Data& data) {
  engine(data, [m = &data.model(), d = data.get()] { mj_forward(m, d); });
}

void place(const Data& data, std::span<const double> qpos, std::span<const double> qvel) {
  engine(data, [m = &data.model(), d = data.get(), qpos, qvel] {
    std::copy(qpos.begin(), qpos.end(), d->qpos);
    std::copy(qvel.begin(), qvel.end(), d->qvel);
    mj_forward(m, d);
  });
}

void unpack(const Data& data, std::span<const double> row) { data.parts().load(row); }

bool advance(const Data& data, std::span<const double> row, std::span<const float> action,
             int frames, bool external_forces) {
  bool good = true;
  data.parts().load(row);
  engine(data, [m = &data.model(), d = data.get(), plain = data.plain(), action, frames,
                external_forces, &good] {
    std::fill_n(d->warning, static_cast<int>(mjNWARNING), mjWarningStat{});
    std::copy(action.begin(), action.end(), d->ctrl);
    make_steps(m, d, plain, frames);
    if (external_forces) {
      mj_rnePostConstraint(m, d);
    }
    if (diverged(m, d)) [[unlikely]] {
      good = false;
      mj_resetData(m, d);  // no NaN is left for the next row to find
    }
  });
  return good;
}

bool go_on(const Data& data, int frames) {
  bool good = true;
  engine(data, [m = &data.model(), d = data.get(), plain = data.plain(), frames, &good] {
    make_steps(m, d, plain, frames);
    if (diverged(m, d)) [[unlikely]] {
      good = false;
      mj_resetData(m, d);
    }
  });
  return good;
}

bool go_on_from_forces(const Data& data, int frames) {
  engine(data, [m = &data.model(), d = data.get()] { mj_step2(m, d); });
  return go_on(data, frames - 1);
}

void refresh(const Data& data, Fresh fresh) {
  if (fresh == Fresh::kNothing) {
    return;
  }
  engine(data, [m = &data.model(), d = data.get(), fresh] {
    mj_kinematics(m, d);
    if (fresh == Fresh::kSensors) {
      mj_comPos(m, d);
      mj_sensorPos(m, d);
      d->flg_subtreevel = 0;  // velocities of subtrees are of the last substep's beginning
      mj_comVel(m, d);
      mj_sensorVel(m, d);
    }
  });
}

void forward_without_actuation(const Data& data) {
  engine(data, [m = &data.model(), d = data.get()] {
    mjModel still = *m;  // shares every array
    still.opt.disableflags |= mjDSBL_ACTUATION;
    mj_forward(&still, d);
  });
}

Index contacts(const Data& data) {
  Index count = 0;
  engine(data, [m = &data.model(), d = data.get(), &count] {
    mj_kinematics(m, d);
    mj_comPos(m, d);
    mj_collision(m, d);
    count = d->ncon;
  });
  return count;
}

void pack(const Data& data, std::span<double> row) { data.parts().store(row); }

}  // namespace palaestra::envs::mujoco
