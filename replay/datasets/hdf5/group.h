#pragma once

#include <map>

#include <palaestra/replay/datasets/hdf5/source.h>

namespace palaestra::replay::hdf5 {

/// Links that a group may have; more is taken for damage.
inline constexpr std::size_t kMostLinks = std::size_t{1} << 24;

/// Adds the links of a symbol table message (groups before HDF5 1.8, and h5py's default). Throws
/// UserError for what is damaged.
void add_symbols(const Source& source, std::span<const std::byte> message,
                 std::map<std::string, Address>& links);
/// Adds the link of one link message, if it is a hard one.
void add_link(const Source& source, std::span<const std::byte> message,
              std::map<std::string, Address>& links);

/// A name from the file in quotes, for messages.
std::string shown_name(std::string_view name);

}  // namespace palaestra::replay::hdf5
