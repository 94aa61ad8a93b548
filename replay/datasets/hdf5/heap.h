#pragma once

#include <functional>

#include <palaestra/replay/datasets/hdf5/source.h>

namespace palaestra::replay::hdf5 {

enum class HeapUse : std::uint8_t { kLinks, kAttributes };

/// Calls `use` for each message that a group or data set keeps in a fractal heap, which it does
/// when it has more than eight links or attributes. `tree` is the address of the index of names.
void for_each_in_heap(const Source& source, Address heap, Address tree, HeapUse heap_use,
                      const std::function<void(std::span<const std::byte>)>& use);

/// The text that a reference of 16 bytes points to in one of the file's global heaps.
std::string read_variable_text(const Source& source, std::span<const std::byte> reference);

}  // namespace palaestra::replay::hdf5
