#pragma once

#include <string_view>

#include <palaestra/envs/adapters/wrappers.h>
#include <palaestra/envs/registry.h>

namespace palaestra::rollout {

/// Environment options from "name=value,name=value". `true` and `false` count as 1 and 0, what is
/// no number is text; spaces around names and values are ignored. Throws UserError for anything
/// else, for a number that is not finite and for a name given twice. Whether the environment knows
/// the names and takes the values is checked when it is made.
envs::Keywords parse_keywords(std::string_view text);

/// Facts about an environment whose options are given as text. Throws UserError as parse_keywords()
/// and envs::find() do.
envs::EnvSpec find_spec(std::string_view env, std::string_view options);
/// The same in wrappers: what an agent sees.
envs::EnvSpec find_spec(std::string_view env, std::string_view options,
                        const envs::Wrappers& wrappers);

}  // namespace palaestra::rollout
