#pragma once

#include <string_view>

#include <palaestra/core/error.h>
#include <palaestra/replay/storage.h>

namespace palaestra::replay {

/// Throws UserError where rows stand alone (Room::single): whatever needs the rows before or behind
/// a row cannot be served then.
inline void require_neighbours(const Storage& storage, std::string_view caller) {
  require(!storage.room().single, caller,
          ": rows that are removed by lowest priority stand alone, without episodes");
}

}  // namespace palaestra::replay
