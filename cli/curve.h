#pragma once

#include <filesystem>
#include <string>

namespace palaestra::cli {

/// Draws RUN/curve.png through the Python side: PALAESTRA_PYTHON, else the interpreter of the
/// build, else python3. Returns why there is no picture; empty when there is.
std::string draw_curve(const std::filesystem::path& run);

/// The interpreter that draw_curve() would use.
std::filesystem::path python();

/// The folder for downloads and caches: PALAESTRA_CACHE, else XDG_CACHE_HOME/palaestra, else
/// ~/.cache/palaestra.
std::filesystem::path cache_folder();

}  // namespace palaestra::cli
