#include <palaestra/envs/dm_control/cartpole.h>

#include <algorithm>
#include <numbers>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/editing.h>
#include <palaestra/envs/dm_control/tolerance.h>

namespace palaestra::envs::dm_control {
namespace {

constexpr int kFirstPole = 2;  // body, behind world and cart

}  // namespace

EnvSpec Cartpole::spec() const {
  const char* const summary = poles > 1  ? "swing up a chain of poles on a cart"
                              : swing_up ? "swing up a pole on a cart"
                                         : "balance a pole on a cart";
  return suite_spec(summary, 2 + 3 * poles, 1);
}

void Cartpole::edit(mjSpec& spec) const {
  if (poles == 1) {
    return;
  }
  const mjsDefault* const pole = mjs_findDefault(&spec, "pole");
  mjsBody* parent = mjs_asBody(element(spec, mjOBJ_BODY, "pole_1"));
  for (int k = 2; k <= poles; ++k) {
    mjsBody* const body = mjs_addBody(parent, pole);
    const Name name("pole", k);
    mjs_setName(body->element, name.text);
    body->pos[2] = 1.0;
    mjs_setName(mjs_addGeom(body, pole)->element, name.text);
    mjs_setName(mjs_addJoint(body, pole)->element, Name("hinge", k).text);
    parent = body;
  }
  mjs_asGeom(element(spec, mjOBJ_GEOM, "floor"))->pos[2] = 1 - poles - 0.05;
  // further away, to see it all
  mjs_asCamera(element(spec, mjOBJ_CAMERA, "fixed"))->pos[1] = -1 - 2 * poles;
  mjs_asCamera(element(spec, mjOBJ_CAMERA, "lookatcart"))->pos[1] = -2 * poles;
}

void Cartpole::bind(const Names&) {}

void Cartpole::start(Start& start) const {
  Stream& random = start.random;
  if (swing_up) {
    start.qpos[0] = 0.01 * random.normal();
    start.qpos[1] = std::numbers::pi + 0.01 * random.normal();
    for (double& angle : start.qpos.subspan(2)) {
      angle = 0.1 * random.normal();
    }
  } else {
    start.qpos[0] = random.uniform(-0.1, 0.1);
    for (double& angle : start.qpos.subspan(1)) {
      angle = random.uniform(-0.034, 0.034);
    }
  }
  for (double& velocity : start.qvel) {
    velocity = 0.01 * random.normal();
  }
}

void Cartpole::observe(const Scene& scene, Sink& sink) const {
  sink.put(scene.data.qpos[0]);
  for (int body = kFirstPole; body < kFirstPole + poles; ++body) {
    const double* const frame = frame_of(scene.data.xmat, body);
    sink.put(frame[kZz]);
    sink.put(frame[kXz]);
  }
  sink.put(scene.data.qvel, static_cast<std::size_t>(scene.model.nv));
}

double Cartpole::reward(const Scene& scene) const {
  const mjData& d = scene.data;
  if (sparse) {
    double in_bounds = tolerance(d.qpos[0], {.low = -0.25, .high = 0.25});
    for (int pole = 0; pole < poles; ++pole) {
      in_bounds *= tolerance(frame_of(d.xmat, kFirstPole + pole)[kZz], {.low = 0.995, .high = 1.0});
    }
    return in_bounds;
  }
  double upright = 0.0, slowest = 1.0;
  for (int pole = 0; pole < poles; ++pole) {
    upright += (frame_of(d.xmat, kFirstPole + pole)[kZz] + 1) / 2;
    slowest = std::min(slowest, tolerance(d.qvel[1 + pole], {.margin = 5}));
  }
  const double centered = (1 + tolerance(d.qpos[0], {.margin = 2})) / 2;
  const double control = (4 + small_control(scene)) / 5;
  return upright / poles * control * ((1 + slowest) / 2) * centered;
}

template class Controlled<Cartpole>;

}  // namespace palaestra::envs::dm_control
