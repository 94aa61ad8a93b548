#include <palaestra/cli/python.h>

#include <cstdlib>
#include <utility>

#include <palaestra/cli/process.h>
#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra::cli {

namespace fs = std::filesystem;

namespace {

/// A script in the package of a wheel (palaestra/bin/palaestra), in a build tree (bin/palaestra),
/// or in the sources this was built from.
fs::path script(const std::string& name) {
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& candidate :
       {folder.parent_path() / name, folder.parent_path() / "python/palaestra" / name,
        fs::path(PALAESTRA_SOURCE_FOLDER) / "bindings/palaestra" / name}) {
    if (fs::is_regular_file(candidate, error)) {
      return candidate;
    }
  }
  return {};
}

const char* variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

}  // namespace

fs::path python() {
  if (const char* chosen = variable("PALAESTRA_PYTHON")) {
    return chosen;
  }
  std::error_code error;
  const fs::path built_with = PALAESTRA_PYTHON_OF_BUILD;
  return fs::exists(built_with, error) ? built_with : fs::path("python3");
}

fs::path cache_folder() {
  if (const char* folder = variable("PALAESTRA_CACHE")) {
    return folder;
  }
  if (const char* folder = variable("XDG_CACHE_HOME")) {
    return fs::path(folder) / "palaestra";
  }
  const char* home = variable("HOME");
  return fs::path(home != nullptr ? home : "/tmp") / ".cache" / "palaestra";
}

std::vector<std::pair<std::string, std::string>> bytecode_in_cache() {
  // an empty variable is none: one that is inherited would have Python compile anew each time
  return {{"PYTHONPYCACHEPREFIX", (cache_folder() / "bytecode").string()},
          {"PYTHONDONTWRITEBYTECODE", ""}};
}

ScriptResult run_script(const std::string& name, const std::vector<std::string>& arguments) {
  const fs::path file = script(name);
  if (file.empty()) {
    return {.problem = concat(name, ", which draws it, is not installed beside the program"),
            .output = {}};
  }
  // matplotlib writes its font list somewhere: into our cache, not into the user's home
  const fs::path cache = cache_folder() / "matplotlib";
  std::error_code error;
  fs::create_directories(cache, error);
  std::vector<std::string> command = {python().string(), file.string()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  auto variables = bytecode_in_cache();
  variables.emplace_back("MPLCONFIGDIR", cache.string());
  variables.emplace_back("TMPDIR", cache.parent_path().string());
  auto result = run_process(command, variables);
  if (result.status == 0) {
    return {.problem = {}, .output = std::move(result.output)};
  }
  return {.problem = concat(python().string(), ": ", last_line(result.errors),
                            " (matplotlib draws it; PALAESTRA_PYTHON names another interpreter)"),
          .output = {}};
}

}  // namespace palaestra::cli
