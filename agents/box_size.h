#pragma once

#include <string_view>

#include <palaestra/core/error.h>
#include <palaestra/core/space.h>

namespace palaestra::agents {

/// How many numbers the `what` space holds. Throws UserError naming `agent` unless it is a box.
inline Index box_size(std::string_view agent, std::string_view what, const Space& space) {
  require(space.kind == Space::Kind::kBox, agent, ": the ", what, " space is ", to_string(space),
          "; ", agent, " needs a box of numbers");
  return space.size();
}

}  // namespace palaestra::agents
