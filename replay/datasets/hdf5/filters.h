#pragma once

#include <palaestra/replay/datasets/hdf5/messages.h>

namespace palaestra::replay::hdf5 {

/// A chunk as it was before it was packed, exactly `expected` bytes. Bit i of `mask` says that
/// filter i was left out for this chunk. Throws UserError for damaged data; nothing larger than
/// `expected` and four bytes is ever allocated.
std::vector<std::byte> undo_filters(const Source& source, std::span<const Filter> filters,
                                    std::uint32_t mask, std::size_t element_bytes,
                                    std::vector<std::byte> packed, std::uint64_t expected);

}  // namespace palaestra::replay::hdf5
