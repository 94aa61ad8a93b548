#pragma once

#include <palaestra/core/archive.h>
#include <palaestra/envs/spec.h>

namespace palaestra::rollout {

/// Keeps the spaces of an agent that belongs to no environment we know: texts "observation_space"
/// and "action_space", as Minari writes them.
void put_spaces(ArchiveWriter& archive, const envs::EnvSpec& spec);
/// A spec with these spaces and nothing else. Throws UserError where they are missing or are none.
envs::EnvSpec get_spaces(const ArchiveReader& archive);

}  // namespace palaestra::rollout
