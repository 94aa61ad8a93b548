#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include <palaestra/agents/sac/config.h>
#include <palaestra/agents/sac/learner.h>
#include <palaestra/core/error.h>

namespace palaestra::agents {
namespace {

/// The table of settings as docs/agents/sac.md has it.
std::string settings_table() {
  SacConfig config;
  Settings settings;
  settings.add(config, "");
  std::string table = "| key | default | accepted | what |\n| --- | --- | --- | --- |\n";
  for (const FieldInfo& field : settings.describe()) {
    table +=
        concat("| `", field.key, "` | `", toml_value(field.default_value), "` | ",
               field.accepted.empty() ? field.type_name : field.accepted, " | ", field.doc, " |\n");
  }
  return table;
}

TEST_CASE("the page of SAC has every setting with its default, and every metric") {
  std::ifstream stream(PALAESTRA_SOURCE "/docs/agents/sac.md");
  const std::string page{std::istreambuf_iterator<char>(stream), {}};
  const std::string table = settings_table();
  CAPTURE(table);
  CHECK(page.find(table) != std::string::npos);
  sac::Learner learner(3, 1, {}, 0, Threads{1});
  for (const auto& metric : learner.metrics()) {
    CAPTURE(metric.name);
    CHECK(page.find(concat("| `", metric.name, "` |")) != std::string::npos);
  }
}

}  // namespace
}  // namespace palaestra::agents
