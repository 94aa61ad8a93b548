#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace palaestra::cli {

/// The interpreter that draws for us: PALAESTRA_PYTHON, else that of the build, else python3.
std::filesystem::path python();

/// The folder for downloads and caches: PALAESTRA_CACHE, else XDG_CACHE_HOME/palaestra, else
/// ~/.cache/palaestra.
std::filesystem::path cache_folder();

/// Variables with which Python keeps what it has compiled in the cache folder, and reads it from
/// there: packages may be installed without bytecode, or where nobody may write.
std::vector<std::pair<std::string, std::string>> bytecode_in_cache();

struct ScriptResult {
  std::string problem;  ///< why it did not do its work; empty when it did
  std::string output;   ///< what it wrote to standard output
};

/// Runs a script of the Python package (curve.py, _report/__main__.py) by its path. What it and its
/// libraries keep for themselves is in the cache folder.
ScriptResult run_script(const std::string& name, const std::vector<std::string>& arguments);

}  // namespace palaestra::cli
