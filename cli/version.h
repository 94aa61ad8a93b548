#pragma once

namespace palaestra::cli {

/// Set by cmake/write_version.cmake at each build.
extern const char* const kCommit;
extern const char* const kVersion;

}  // namespace palaestra::cli
