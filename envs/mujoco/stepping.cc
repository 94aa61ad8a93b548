#include <palaestra/envs/mujoco/stepping.h>

#include <mujoco/mujoco.h>

namespace palaestra::envs::mujoco {
namespace {

bool looks_through_camera(const mjModel& model, int sensor) {
  const bool about =
      model.sensor_objtype[sensor] == mjOBJ_CAMERA || model.sensor_reftype[sensor] == mjOBJ_CAMERA;
  return about || model.sensor_type[sensor] == mjSENS_CAMPROJECTION;
}

}  // namespace

bool is_plain(const mjModel& model) {
  bool cameras = false;
  for (int sensor = 0; sensor < model.nsensor; ++sensor) {
    cameras = cameras || looks_through_camera(model, sensor);
  }
  return model.opt.integrator == mjINT_EULER && (model.opt.enableflags & ~mjENBL_ENERGY) == 0 &&
         model.nflex == 0 && model.nplugin == 0 && model.nhistory == 0 && !cameras;
}

void plain_step(const mjModel* m, mjData* d) {
  mj_checkPos(m, d);
  mj_checkVel(m, d);
  d->flg_energypos = d->flg_energyvel = d->flg_subtreevel = d->flg_rnepost = false;

  // mj_fwdPosition without mj_camlight and mj_flex
  mj_kinematics(m, d);
  mj_comPos(m, d);
  mj_tendon(m, d);
  mj_makeM(m, d);
  mj_factorM(m, d);
  mj_collision(m, d);
  mj_makeConstraint(m, d);
  mj_island(m, d);
  mj_transmission(m, d);
  mj_projectConstraint(m, d);

  mj_sensorPos(m, d);
  mj_fwdVelocity(m, d);
  mj_sensorVel(m, d);
  mj_fwdActuation(m, d);
  mj_fwdAcceleration(m, d);
  mj_fwdConstraint(m, d);
  mj_sensorAcc(m, d);
  mj_checkAcc(m, d);
  mj_Euler(m, d);
}

}  // namespace palaestra::envs::mujoco
