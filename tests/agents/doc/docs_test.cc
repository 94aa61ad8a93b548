#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include <palaestra/core/error.h>
#include <tests/agents/doc/data.h>

namespace palaestra::agents::doc {
namespace {

std::string settings_table() {
  DocConfig config;
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

}  // namespace

TEST_CASE("the page of DoC has every setting of its networks with its default, and every metric") {
  std::ifstream stream(PALAESTRA_SOURCE "/docs/agents/doc.md");
  const std::string page{std::istreambuf_iterator<char>(stream), {}};
  const std::string table = settings_table();
  CAPTURE(table);
  CHECK(page.find(table) != std::string::npos);
  const testing::Data data(true, testing::episode_lengths());
  const Learner learner(data.task(), testing::small_config(), 0);
  for (const auto& metric : learner.metrics()) {
    CAPTURE(metric.name);
    CHECK(page.find(concat("| `", metric.name, "` |")) != std::string::npos);
  }
}

}  // namespace palaestra::agents::doc
