#include <palaestra/envs/mujoco/state_parts.h>

#include <mujoco/mujoco.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace palaestra::envs::mujoco {

static_assert(std::is_same_v<mjtNum, double>);

namespace {

/// Parts are a few numbers long: what a call of memcpy costs is much of a small model's step.
void copy(const double* from, std::size_t count, double* to) {
  constexpr std::size_t kBlock = 4;
  std::size_t k = 0;
  for (; k + kBlock <= count; k += kBlock) {
    std::memcpy(to + k, from + k, kBlock * sizeof(double));
  }
  for (; k < count; ++k) {
    to[k] = from[k];
  }
}

}  // namespace

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
    copy(row.data() + part.offset, part.count, part.place);
  }
  for (const Part<bool>& part : flags_) {
    std::transform(row.data() + part.offset, row.data() + part.offset + part.count, part.place,
                   [](double flag) { return flag != 0; });
  }
}

void StateParts::store(std::span<double> row) const {
  for (const Part<double>& part : numbers_) {
    copy(part.place, part.count, row.data() + part.offset);
  }
  for (const Part<bool>& part : flags_) {
    std::copy_n(part.place, part.count, row.data() + part.offset);
  }
}

}  // namespace palaestra::envs::mujoco
