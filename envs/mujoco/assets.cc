#include <palaestra/envs/mujoco/assets.h>

#include <dlfcn.h>
#include <mujoco/mujoco.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/envs/mujoco/model.h>

namespace palaestra::envs::mujoco {
namespace {

namespace fs = std::filesystem;

struct Folders {
  std::mutex mutex;
  std::map<std::string, fs::path, std::less<>> by_package;
};

Folders& told_folders() {
  static Folders folders;
  return folders;
}

std::optional<fs::path> told_folder(std::string_view package) {
  Folders& told = told_folders();
  const std::lock_guard lock(told.mutex);
  const auto found = told.by_package.find(package);
  return found == told.by_package.end() ? std::nullopt : std::optional(found->second);
}

/// gymnasium -> PALAESTRA_GYMNASIUM_DIR, gymnasium-robotics -> PALAESTRA_GYMNASIUM_ROBOTICS_DIR
std::string variable_name(std::string_view package) {
  std::string name = "PALAESTRA_";
  for (const char c : package) {
    const bool lower = c >= 'a' && c <= 'z';
    name += lower ? static_cast<char>(c - 'a' + 'A') : (c == '-' ? '_' : c);
  }
  return name + "_DIR";
}

/// The folder that holds the `mujoco` package: libmujoco.so lies inside it.
std::optional<fs::path> folder_of_engine() {
  Dl_info info;
  if (::dladdr(reinterpret_cast<const void*>(&mj_version), &info) == 0 ||
      info.dli_fname == nullptr) {
    return std::nullopt;
  }
  std::error_code ignored;
  const fs::path library = fs::canonical(info.dli_fname, ignored);
  return ignored ? std::nullopt : std::optional(library.parent_path().parent_path());
}

std::vector<fs::path> candidates(std::string_view package) {
  if (const char* folder = std::getenv(variable_name(package).c_str())) {
    return {folder};
  }
  if (const auto folder = told_folder(package)) {
    return {*folder};
  }
  std::vector<fs::path> folders;
  if (const auto folder = folder_of_engine()) {
    folders.push_back(*folder / package);
  }
  const std::string_view configured = PALAESTRA_SITE_PACKAGES;
  if (!configured.empty()) {
    folders.push_back(fs::path(configured) / package);
  }
  return folders;
}

}  // namespace

void set_package_folder(std::string_view package, const fs::path& folder) {
  Folders& told = told_folders();
  const std::lock_guard lock(told.mutex);
  told.by_package[std::string(package)] = folder;
}

fs::path find_asset(std::string_view package, const fs::path& relative) {
  std::string places;
  for (const fs::path& folder : candidates(package)) {
    fs::path file = folder / relative;
    std::error_code ignored;
    if (fs::is_regular_file(file, ignored)) {
      return file;
    }
    places += concat(places.empty() ? "" : ", ", file.string());
  }
  throw UserError(concat("the model file ", relative.filename().string(), " of the Python package ",
                         package, " was not found (looked for ", places,
                         "); install it with: pip install -c constraints.txt ", package,
                         ", or set ", variable_name(package), " to its folder"));
}

fs::path gymnasium_model(const std::string& name) {
  require(!name.empty(), "option xml_file is \"\"; accepted: a path that begins with / . or ~, or ",
          "the name of a model file of gymnasium");
  if (name.front() == '/' || name.front() == '.') {
    return name;
  }
  if (name.front() == '~') {
    const char* const home = std::getenv("HOME");
    const std::size_t end = std::min(name.find('/'), name.size());
    require(end == 1 && home != nullptr, "option xml_file is \"", name, "\"; accepted: ~/ and a ",
            "path, with HOME in the environment");
    return fs::path(home) / name.substr(std::min(end + 1, name.size()));
  }
  return find_asset(kGymnasium.name, fs::path("envs/mujoco/assets") / name);
}

}  // namespace palaestra::envs::mujoco
