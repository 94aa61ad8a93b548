#pragma once

#include <string>
#include <vector>

#include <palaestra/envs/registry.h>

namespace palaestra::envs {

/// Holds an environment against everything that every environment promises: a sane spec, options
/// checked by name, observations within their space, resets that vary with row and episode but not
/// with n, random steps that vary with row and episode, masks, the same bits for 1, 2, 3 and 7
/// threads and any split of a batch, the exact time limit, three auto-reset modes that tell the
/// same story, sums and lengths of episodes, states that can be saved (to memory and to a temporary
/// file), restored and branched in the middle of an episode, bad actions and states refused with
/// nothing changed; goals, where there are any, that judge as steps do and can be set. Random
/// actions from addressed streams; some seconds for an engine, less without
/// one.
///
/// Returns what failed, in words; empty = passed. For environments of this suite and of others:
///
///   for (const std::string& failure : check_conformance(entry<MyTask>("MyTask-v0"))) { ... }
std::vector<std::string> check_conformance(const Registration& registration,
                                           const Keywords& keywords = {});

/// SHA-256 over observation, reward, terminated and truncated of 1,000 steps of 4 rows under random
/// actions and automatic resets.
std::string golden_hash(const Registration& registration, const Keywords& keywords = {});

}  // namespace palaestra::envs
