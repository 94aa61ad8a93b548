#pragma once

#include <map>
#include <string>
#include <variant>

namespace palaestra::envs {

/// An environment's own keyword arguments by name, checked by the environment: numbers (booleans as
/// 0 and 1) and text.
using Keyword = std::variant<double, std::string>;
using Keywords = std::map<std::string, Keyword>;

}  // namespace palaestra::envs
