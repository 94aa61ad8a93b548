#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace palaestra::envs::mujoco {

/// Tells where an installed Python package lives, so that `find_asset("gymnasium", ...)` looks
/// there first: `set_package_folder("gymnasium", gymnasium.__path__[0])`. Safe to call from any
/// thread.
void set_package_folder(std::string_view package, const std::filesystem::path& folder);

/// The file `relative` of an installed Python package. The models are read where the package put
/// them, never copied, so that a task is the original's own. Looked for, in this order:
///   PALAESTRA_<PACKAGE>_DIR in the environment (PALAESTRA_GYMNASIUM_DIR), and then only there
///   the folder given to set_package_folder, and then only there
///   beside the `mujoco` package whose library is loaded
///   the site-packages of the Python that the build was configured with
/// Throws UserError that names what was looked for, where, and how to install it.
std::filesystem::path find_asset(std::string_view package, const std::filesystem::path& relative);

/// The file that Gymnasium's option `xml_file` means: a path if it begins with "/" or "." (seen
/// from the working directory) or "~" (seen from HOME), else a name in the folder of models of the
/// installed gymnasium package. Throws UserError for an empty name, and as find_asset() does.
std::filesystem::path gymnasium_model(const std::string& name);

}  // namespace palaestra::envs::mujoco
