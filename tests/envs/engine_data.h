#pragma once

#include <mujoco/mujoco.h>

#include <memory>

namespace palaestra::envs::testing {

/// A work space of the bare engine, to hold ours against.
using DataPtr = std::unique_ptr<mjData, decltype(&mj_deleteData)>;
inline DataPtr new_data(const mjModel& model) { return {mj_makeData(&model), &mj_deleteData}; }

}  // namespace palaestra::envs::testing
