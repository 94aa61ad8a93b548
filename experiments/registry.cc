#include <palaestra/experiments/registry.h>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/text.h>

namespace palaestra::experiments {
namespace {

std::string file_of(const std::string& name) {
  return concat("experiments/", name, '/', name, ".toml");
}

}  // namespace

std::vector<std::string> experiment_names() {
  std::vector<std::string> names;
  for (const auto& [file, text] : embedded_files()) {
    const auto slash = file.find('/', file.find('/') + 1);
    const std::string name = file.substr(file.find('/') + 1, slash - file.find('/') - 1);
    if (file == file_of(name)) {
      names.push_back(name);
    }
  }
  return names;
}

Experiment find_experiment(const std::string& name) {
  if (name.ends_with(".toml")) {
    return read_experiment(read_text(name), name, embedded_files());
  }
  const auto file = embedded_files().find(file_of(name));
  const auto names = experiment_names();
  require(file != embedded_files().end(), "unknown experiment ", shown(name), "; there are ",
          join(names, ", "), " and all", did_you_mean(name, names));
  return read_experiment(file->second, file->first, embedded_files());
}

}  // namespace palaestra::experiments
