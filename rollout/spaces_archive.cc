#include <palaestra/rollout/spaces_archive.h>

#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/replay/datasets/space_json.h>

namespace palaestra::rollout {
namespace {

std::string text_of(const std::string& name, const Space& space) {
  const std::vector<replay::DataColumn> columns = {
      {.name = name, .dtype = space.dtype, .shape = space.shape, .space = space}};
  return replay::space_text(columns, name);
}

Space space_of(const ArchiveReader& archive, const std::string& name) {
  const std::string key = concat(name, "_space");
  const auto leaves = replay::parse_space(archive.get_text(key), name, key);
  require(leaves.size() == 1 && leaves.front().space, key,
          " is neither a box nor a number of choices");
  return *leaves.front().space;
}

}  // namespace

void put_spaces(ArchiveWriter& archive, const envs::EnvSpec& spec) {
  archive.put_text("observation_space", text_of("observation", spec.observation));
  archive.put_text("action_space", text_of("action", spec.action));
}

envs::EnvSpec get_spaces(const ArchiveReader& archive) {
  envs::EnvSpec spec;
  spec.observation = space_of(archive, "observation");
  spec.action = space_of(archive, "action");
  return spec;
}

}  // namespace palaestra::rollout
