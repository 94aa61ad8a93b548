#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>

namespace palaestra::replay {

/// Does to bytes whatever a user could do to a file that holds them: walks an HDF5 file, opens it
/// as D4RL's and as Minari's main_data.hdf5, reads all columns, checks it. Bytes that start with
/// '{' are taken for a metadata.json. `folder` exists, belongs to the caller and is written to.
/// Returns the messages of all UserErrors, empty where everything went well; anything else that is
/// thrown passes through.
std::string exercise(std::span<const std::byte> bytes, const std::filesystem::path& folder);

}  // namespace palaestra::replay
