#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <palaestra/core/archive.h>
#include <palaestra/core/files.h>

#include "tests/core/scratch.h"

namespace palaestra::agents::testing {

/// A file of a test's own, gone at the end.
struct SavedFile {
  Scratch folder;
  std::filesystem::path path = folder / "saved.safetensors";

  std::string bytes() const { return read_text(path); }
};

/// Saves an agent, or a part of one, as all there is in a file.
template <class Part>
void save(const Part& part, const SavedFile& file, std::string_view prefix = "agent.") {
  ArchiveWriter writer;
  part.save(writer, prefix);
  writer.save(file.path);
}

/// Loads what save() saved. Throws what `part.load` throws.
template <class Part>
void load(Part& part, const SavedFile& file, std::string_view prefix = "agent.") {
  part.load(ArchiveReader(file.path), prefix);
}

}  // namespace palaestra::agents::testing
