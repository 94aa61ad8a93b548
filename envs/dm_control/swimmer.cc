#include <palaestra/envs/dm_control/swimmer.h>

#include <palaestra/envs/dm_control/controlled_impl.h>
#include <palaestra/envs/dm_control/editing.h>
#include <palaestra/envs/dm_control/tolerance.h>

namespace palaestra::envs::dm_control {
namespace {

void add_sensor(mjSpec& spec, mjtSensor type, const Name& name, const Name& site) {
  mjsSensor* const sensor = mjs_addSensor(&spec);
  sensor->type = type;
  sensor->objtype = mjOBJ_SITE;
  mjs_setString(sensor->objname, site.text);
  mjs_setName(sensor->element, name.text);
}

}  // namespace

EnvSpec Swimmer::spec() const {
  return suite_spec(links == 6 ? "make a chain of 6 links swim to a target"
                               : "make a chain of 15 links swim to a target",
                    (links - 1) + 2 + 3 * links, links - 1);
}

void Swimmer::edit(mjSpec& spec) const {
  const mjsDefault* const common = mjs_findDefault(&spec, "swimmer");
  const mjsDefault* const visual = mjs_findDefault(&spec, "visual");
  const mjsDefault* const inertial = mjs_findDefault(&spec, "inertial");
  mjsBody* parent = mjs_asBody(element(spec, mjOBJ_BODY, "head"));
  const double limit = 360.0 / links;  // degrees
  for (int k = 0; k < links - 1; ++k) {
    mjsBody* const body = mjs_addBody(parent, common);
    mjs_setName(body->element, Name("segment", k).text);
    body->pos[1] = 0.1;
    mjs_setName(mjs_addGeom(body, visual)->element, Name("visual", k).text);
    mjs_setName(mjs_addGeom(body, inertial)->element, Name("inertial", k).text);
    const Name site("site", k), joint("joint", k);
    mjs_setName(mjs_addSite(body, common)->element, site.text);
    mjsJoint* const bend = mjs_addJoint(body, common);
    mjs_setName(bend->element, joint.text);
    bend->range[0] = -limit;
    bend->range[1] = limit;

    mjsActuator* const motor = mjs_addActuator(&spec, mjs_getSpecDefault(&spec));
    mjs_setToMotor(motor);
    motor->trntype = mjTRN_JOINT;
    mjs_setString(motor->target, joint.text);
    mjs_setName(motor->element, Name("motor", k).text);
    add_sensor(spec, mjSENS_VELOCIMETER, Name("velocimeter", k), site);
    add_sensor(spec, mjSENS_GYRO, Name("gyro", k), site);
    parent = body;
  }
}

void Swimmer::bind(const Names& names) {
  head = names.body("head");
  nose = names.geom("nose");
  target = names.geom("target");
  velocities = names.sensor("head_vel");  // then its gyro, and the same of the other links
}

void Swimmer::start(Start& start) const {
  start.randomize_joints();
  const double box = start.random.uniform() < 0.2 ? 0.3 : 2.0;
  start.episode[0] = start.random.uniform(-box, box);
  start.episode[1] = start.random.uniform(-box, box);
}

Vector Swimmer::nose_to_target(const Scene& scene) const {
  // the height of the target is the model's
  const Vector place = {scene.episode[0], scene.episode[1],
                        vector_of(scene.data.geom_xpos, target)[2]};
  return in_frame(place - vector_of(scene.data.geom_xpos, nose), frame_of(scene.data.xmat, head));
}

void Swimmer::observe(const Scene& scene, Sink& sink) const {
  constexpr std::size_t kRoot = 3, kNumbers = 6;
  sink.put(scene.data.qpos + kRoot, static_cast<std::size_t>(scene.model.nq) - kRoot);
  sink.put(nose_to_target(scene).data(), 2);
  const double* velocity = scene.data.sensordata + velocities;
  for (int link = 0; link < links; ++link) {
    sink.put(velocity, 2);
    sink.put(velocity[kNumbers - 1]);
    velocity += kNumbers;
  }
}

double Swimmer::reward(const Scene& scene) const {
  const Vector offset = nose_to_target(scene);
  const double size = vector_of(scene.model.geom_size, target)[0];
  return tolerance(length(offset[0], offset[1]),
                   {.high = size, .margin = 5 * size, .sigmoid = Sigmoid::kLongTail});
}

template class Controlled<Swimmer>;

}  // namespace palaestra::envs::dm_control
