// palaestra study: one computation of an experiment.

#include <ctime>
#include <memory>
#include <ostream>

#include <CLI/CLI.hpp>

#include <palaestra/cli/global.h>
#include <palaestra/core/error.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>
#include <palaestra/experiments/study.h>

namespace palaestra::cli {
namespace {

struct StudyArguments {
  std::string name;
  std::vector<std::string> set;
};

int run_study(const Global& global, const StudyArguments& arguments) {
  const experiments::StudyInfo& info = experiments::find_study(arguments.name);
  const auto study = info.defaults();
  Settings settings;
  study->add_to(settings);
  for (const std::string& assignment : arguments.set) {
    const auto equals = assignment.find('=');
    require(equals != std::string::npos && equals > 0, "--set ", shown(assignment),
            " is not of the form key=value");
    settings.set(assignment.substr(0, equals), assignment.substr(equals + 1));
  }
  settings.validate();

  experiments::Measurement result;
  result.seed = static_cast<Index>(global.seed);
  study->run(global.seed, global.thread_count(), result);

  const Json values = to_json(result);
  Json document = {{"study", info.name},
                   {"seed", global.seed},
                   {"settings", settings.to_toml()},
                   {"numbers", values["numbers"]},
                   {"texts", values["texts"]},
                   {"curves", values["curves"]},
                   {"cpu_s", static_cast<double>(std::clock()) / CLOCKS_PER_SEC}};
  global.write_json(document);
  if (!global.json) {
    for (const auto& [name, value] : result.numbers) {
      global.human() << name << "  " << value << '\n';
    }
    for (const auto& [name, value] : result.texts) {
      global.human() << name << "  " << value << '\n';
    }
  }
  return kDone;
}

std::string list_studies() {
  std::string text = "Studies and their settings (--set KEY=VALUE):";
  for (const experiments::StudyInfo& info : experiments::studies()) {
    text += concat("\n  ", info.name, ": ", info.summary, " (", info.source, ")");
    const auto study = info.defaults();
    Settings settings;
    study->add_to(settings);
    for (const FieldInfo& field : settings.describe()) {
      text += concat("\n      ", field.key, " = ", toml_value(field.default_value), "  ", field.doc,
                     field.accepted.empty() ? "" : concat(" (", field.accepted, ")"));
    }
  }
  return text;
}

}  // namespace

void add_study(CLI::App& app, const Global& global, Run& run) {
  auto arguments = std::make_shared<StudyArguments>();
  CLI::App* command =
      app.add_subcommand("study", "Run one computation of an experiment, for one seed");
  command->fallthrough();
  command->add_option("name", arguments->name, "Which")->required()->type_name("NAME");
  command->add_option("--set", arguments->set, "Change one setting; may be repeated")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command->footer("");  // not the program's beside ours
  command->footer([] {
    return examples({"study doc_bandit --set p=0.1 --set method=doc --seed 3",
                     "study doc_enumerable --set task=gambling --set method=return_conditioned "
                     "--set asked=5 --json"}) +
           "\n\n" + list_studies();
  });
  command->callback([&global, &run, arguments] {
    run = [&global, arguments] { return run_study(global, *arguments); };
  });
}

}  // namespace palaestra::cli
