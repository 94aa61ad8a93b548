#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include <palaestra/agents/ailboost/agent.h>
#include <palaestra/agents/bc/agent.h>
#include <palaestra/agents/dac/config.h>
#include <palaestra/agents/decision_transformer/learner.h>
#include <palaestra/agents/discriminator/learner.h>
#include <palaestra/agents/doc/transformer/learner.h>
#include <palaestra/agents/iqlearn/agent.h>
#include <palaestra/agents/return_bc/agent.h>
#include <palaestra/agents/sac/config.h>
#include <palaestra/agents/sac/learner.h>
#include <palaestra/agents/td3/agent.h>
#include <palaestra/agents/valuedice/agent.h>
#include <palaestra/core/error.h>
#include <tests/agents/sequence/episodes.h>

namespace palaestra::agents {
namespace {

using discriminator::DiscriminatorConfig;

/// The table of settings as the agents' pages have it.
template <class Config>
std::string settings_table() {
  Config config;
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

template <class Config>
void check_page(const std::string& file, std::span<const rollout::Metric> metrics) {
  std::ifstream stream(std::filesystem::path(PALAESTRA_SOURCE) / "docs/agents" / file);
  const std::string page{std::istreambuf_iterator<char>(stream), {}};
  const std::string table = settings_table<Config>();
  CAPTURE(table);
  CHECK(page.find(table) != std::string::npos);
  for (const auto& metric : metrics) {
    CAPTURE(metric.name);
    CHECK(page.find(concat("| `", metric.name, "` |")) != std::string::npos);
  }
}

TEST_CASE("the page of an agent has every setting with its default, and every metric") {
  sac::Learner learner(3, 1, {}, 0, Threads{1});
  check_page<SacConfig>("sac.md", learner.metrics());
  Td3 td3(Space::box(3, -1, 1), Space::box(1, -1, 1), {}, 0);
  check_page<Td3Config>("td3.md", td3.metrics());
  ValueDice dice(Space::box(3, -1, 1), Space::box(1, -1, 1), {}, 0);
  check_page<ValueDiceConfig>("valuedice.md", dice.metrics());
  Bc bc(Space::box(3, -1, 1), Space::box(1, -1, 1), {}, 0);
  check_page<BcConfig>("bc.md", bc.metrics());
  IqLearn iqlearn(Space::box(3, -1, 1), Space::box(1, -1, 1), {}, 0);
  check_page<IqLearnConfig>("iqlearn.md", iqlearn.metrics());
  for (const auto loss :
       {discriminator::Loss::kRkl, discriminator::Loss::kJs, discriminator::Loss::kWass}) {
    DiscriminatorConfig judge;
    judge.loss = loss;
    check_page<DiscriminatorConfig>("discriminators.md",
                                    discriminator::Learner(3, 1, judge, 0).metrics());
  }
  // what its parts log is on the parts' pages
  const rollout::Metric reward[] = {{"reward", 0}};
  check_page<DacConfig>("dac.md", reward);

  AilBoost boost(Space::box(3, -1, 1), Space::box(1, -1, 1), {}, 0);
  check_page<AilBoostConfig>("ailboost.md", boost.metrics());

  const sequence::testing::Episodes episodes(true, {2, 3});
  decision_transformer::DecisionTransformerConfig dt;
  dt.width = 4;
  check_page<decision_transformer::DecisionTransformerConfig>(
      "decision_transformer.md", decision_transformer::Learner(episodes.task, dt, 0).metrics());
  ReturnBc return_bc(Space::box(3, -1, 1), Space::box(1, -1, 1), {}, 0);
  check_page<return_bc::ReturnBcConfig>("return_bc.md", return_bc.metrics());
  doc::SequenceConfig config;
  config.width = 4;
  check_page<doc::SequenceConfig>("doc_transformer.md",
                                  doc::SequenceLearner(episodes.task, config, 0).metrics());
}

}  // namespace
}  // namespace palaestra::agents
