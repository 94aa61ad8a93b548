#pragma once

#include <string>
#include <vector>

#include <palaestra/envs/random_actions.h>
#include <palaestra/envs/registry.h>

namespace palaestra::envs {

/// Holds an environment against everything that every environment promises: a sane spec,
/// observations within their space, resets that vary with row and episode but not with n, the same
/// bits for 1, 2, 3 and 7 threads and any split of a batch, the exact time limit, the three
/// auto-reset modes, masks, save and restore in the middle of an episode, bad actions refused with
/// nothing changed. Random actions from addressed streams; a second or two.
///
/// Returns what failed, in words; empty = passed. For environments of this suite and of others.
std::vector<std::string> check_conformance(const Registration& registration,
                                           const Keywords& keywords = {});

/// SHA-256 over observation, reward, terminated and truncated of 1,000 steps of 4 rows under random
/// actions and automatic resets.
std::string golden_hash(const Registration& registration, const Keywords& keywords = {});

}  // namespace palaestra::envs
