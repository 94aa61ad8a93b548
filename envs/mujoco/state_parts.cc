#include <palaestra/envs/mujoco/state_parts.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace palaestra::envs::mujoco {

static_assert(std::is_same_v<mjtNum, double>);

StateParts::StateParts(const mjModel_& model, mjData_& data) {
  const auto size = [&model](int components) {
    return static_cast<std::size_t>(mj_stateSize(&model, components));
  };
  const auto add = [&](auto& parts, int component, auto* place) {
    if (size(component) > 0) {  // components lie in the order of their bits
      parts.push_back({place, size((component - 1) & mjSTATE_INTEGRATION), size(component)});
    }
  };
  add(numbers_, mjSTATE_TIME, &data.time);
  add(numbers_, mjSTATE_QPOS, data.qpos);
  add(numbers_, mjSTATE_QVEL, data.qvel);
  add(numbers_, mjSTATE_ACT, data.act);
  add(numbers_, mjSTATE_HISTORY, data.history);
  add(numbers_, mjSTATE_WARMSTART, data.qacc_warmstart);
  add(numbers_, mjSTATE_CTRL, data.ctrl);
  add(flags_, mjSTATE_EQ_ACTIVE, data.eq_active);
  add(numbers_, mjSTATE_MOCAP_POS, data.mocap_pos);
  add(numbers_, mjSTATE_MOCAP_QUAT, data.mocap_quat);
  add(numbers_, mjSTATE_PLUGIN, data.plugin_state);
}

void StateParts::load(std::span<const double> row) const {
  for (const Part<double>& part : numbers_) {
    std::memcpy(part.place, row.data() + part.offset, part.count * sizeof(double));
  }
  for (const Part<bool>& part : flags_) {
    std::transform(row.data() + part.offset, row.data() + part.offset + part.count, part.place,
                   [](double flag) { return flag != 0; });
  }
}

void StateParts::store(std::span<double> row) const {
  for (const Part<double>& part : numbers_) {
    std::memcpy(row.data() + part.offset, part.place, part.count * sizeof(double));
  }
  for (const Part<bool>& part : flags_) {
    std::copy_n(part.place, part.count, row.data() + part.offset);
  }
}

}  // namespace palaestra::envs::mujoco
