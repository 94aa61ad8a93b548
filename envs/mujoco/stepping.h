#pragma once

struct mjModel_;
struct mjData_;

namespace palaestra::envs::mujoco {

/// Whether plain_step() is a step of the model: Euler's method, and nothing that reads what it
/// leaves out (cameras) or would need more (flexes, plugins, histories, sleep).
bool is_plain(const mjModel_& model);

/// One mj_step of a model that is_plain(), put together from the engine's stages. The bits are the
/// same but for the places of cameras and lights and for energies, which are left out: only
/// pictures look at the ones (and compute them), nobody at the others, and they are a tenth of a
/// small model's step. Callbacks of a user (mjcb_control) are not called.
void plain_step(const mjModel_* model, mjData_* data);

}  // namespace palaestra::envs::mujoco
