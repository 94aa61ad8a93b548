// palaestra bench: our figures, the peers' beside them, and the limits they are measured against.

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

#include <CLI/CLI.hpp>

#include <palaestra/benchmarks/families.h>
#include <palaestra/cli/bench_table.h>
#include <palaestra/cli/global.h>
#include <palaestra/cli/peers.h>
#include <palaestra/cli/version.h>
#include <palaestra/core/error.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>

namespace palaestra::cli {
namespace {

using benchmarks::Family;
using benchmarks::Row;
using benchmarks::Wanted;

struct BenchArguments {
  std::vector<std::string> names;
  bool peers = false;
};

std::vector<Row> selected(std::vector<Row> rows, const Wanted& wanted) {
  std::erase_if(rows, [&](const Row& row) { return !wanted.row(row.name); });
  return rows;
}

/// What is measured together: a family, the peers' scripts of its name, or both.
struct Group {
  std::string name;
  const Family* family = nullptr;
  std::vector<std::filesystem::path> scripts{};
};

std::vector<Group> all_groups(const std::optional<Peers>& peers) {
  std::vector<Group> groups;
  for (const Family& family : benchmarks::families()) {
    groups.push_back({.name = family.name, .family = &family});
  }
  for (const auto& script : peers ? peers->scripts() : std::vector<std::filesystem::path>()) {
    const std::string name = Peers::family_of(script);
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const Group& known) { return known.name == name; });
    if (group == groups.end()) {
      group = groups.insert(group, {.name = name});
    }
    group->scripts.push_back(script);
  }
  return groups;
}

std::vector<Group> chosen_groups(const std::vector<std::string>& names,
                                 const std::optional<Peers>& peers) {
  std::vector<Group> groups = all_groups(peers);
  std::vector<std::string> known;
  known.reserve(groups.size());
  for (const Group& group : groups) {
    known.push_back(group.name);
  }
  std::string list;
  for (const std::string& name : known) {
    list += (list.empty() ? "" : ", ") + name;
  }
  std::set<std::string> wanted;
  for (const std::string& name : names) {
    const std::string family = name.substr(0, name.find('/'));
    require(std::find(known.begin(), known.end(), family) != known.end(), "unknown benchmark \"",
            name, "\"; there are ", list, did_you_mean(family, known));
    wanted.insert(family);
  }
  std::erase_if(
      groups, [&](const Group& group) { return !wanted.empty() && wanted.count(group.name) == 0; });
  return groups;
}

std::vector<Row> measure_peers(const Global& global, const Peers& peers, const Group& group) {
  std::vector<Row> rows;
  for (const auto& script : group.scripts) {
    global.note(concat("bench: ", group.name, ": ", script.filename().string()));
    const PeerRows result = peers.run(script);
    if (!result.problem.empty()) {
      global.note(concat("bench: warning: ", script.filename().string(), ": ", result.problem));
    }
    rows.insert(rows.end(), result.rows.begin(), result.rows.end());
  }
  return rows;
}

/// Ours, the peers, ours again: as far as separate processes can take turns. The mean of the two
/// passes met the same machine as the peers between them.
std::vector<Row> measure(const Global& global, const Wanted& wanted,
                         const std::optional<Peers>& peers, const Group& group) {
  const auto ours = [&] {
    if (group.family == nullptr) {
      return std::vector<Row>();
    }
    global.note(concat("bench: ", group.name, ": ", group.family->summary));
    return selected(group.family->run(wanted), wanted);
  };
  std::vector<Row> rows = ours();
  if (!group.scripts.empty()) {
    const auto theirs = selected(measure_peers(global, *peers, group), wanted);
    const bool beside = std::any_of(theirs.begin(), theirs.end(), [&](const Row& peer) {
      return std::any_of(rows.begin(), rows.end(), [&](const Row& row) { return peer.same(row); });
    });
    if (beside) {
      average_with(rows, ours());
    }
    merge_peers(rows, theirs);
  }
  return rows;
}

Json optional(double value) { return value > 0 ? Json(value) : Json(nullptr); }
Json optional(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json to_json(const Row& row) {
  return {{"name", row.name},
          {"value", row.value},
          {"unit", row.unit},
          {"threads", row.threads},
          {"n", row.n},
          {"peer", optional(row.peer)},
          {"peer_version", optional(row.peer_version)},
          {"peer_value", optional(row.peer_value)},
          {"ratio", optional(row.ratio())},
          {"limit", optional(row.limit)},
          {"share_of_limit", optional(row.share_of_limit())}};
}

/// What the columns of the rows do not say, by name of the row.
Json notes_of(const std::vector<Row>& rows) {
  Json notes = Json::object();
  for (const Row& row : rows) {
    notes[row.name] = {{"better", row.higher_is_better ? "higher" : "lower"},
                       {"limit", optional(row.limit_name)}};
  }
  return notes;
}

std::string nothing_measured(const BenchArguments& arguments, const Wanted& wanted) {
  const std::vector<std::string> offered(wanted.offered().begin(), wanted.offered().end());
  std::string text = concat(
      "nothing was measured",
      arguments.peers ? ": no peer works, or no benchmark is called " : ": no benchmark is called ",
      join(arguments.names, ", "));
  for (const std::string& name : arguments.names) {
    text += did_you_mean(name, offered);
  }
  return text + " (`palaestra bench FAMILY` shows all of a family)";
}

int run_bench(const Global& global, const BenchArguments& arguments) {
  std::optional<Peers> peers;
  if (arguments.peers) {
    peers.emplace();  // says at once when they are not installed
  }
  const auto groups = chosen_groups(arguments.names, peers);
  Json document = {{"machine", machine_facts()}, {"program", program_facts()}};
  const Wanted wanted(arguments.names);
  std::vector<Row> all;
  for (const Group& group : groups) {
    const auto rows = measure(global, wanted, peers, group);
    if (!global.json && !rows.empty()) {
      if (all.empty()) {
        print_machine(global.human(), document["machine"], document["program"]);
      }
      print_table(global.human(), rows);
    }
    all.insert(all.end(), rows.begin(), rows.end());
  }
  require(!all.empty(), nothing_measured(arguments, wanted));
  document["rows"] = Json::array();
  for (const Row& row : all) {
    document["rows"].push_back(to_json(row));
  }
  document["notes"] = notes_of(all);
  global.write_json(document);
  return kDone;
}

}  // namespace

void add_bench(CLI::App& app, const Global& global, Run& run) {
  auto arguments = std::make_shared<BenchArguments>();
  CLI::App* command = app.add_subcommand("bench", "Measure speed, against peers and limits");
  command->fallthrough();
  command
      ->add_option("names", arguments->names,
                   "Families or beginnings of row names, such as envs or mujoco/HalfCheetah-v5")
      ->type_name("NAME");
  command->add_flag("--peers", arguments->peers,
                    "Measure the peers too, in the environment that `make peers` makes");
  command->footer("");  // not the program's beside ours
  command->footer([] {
    std::string text = examples(
        {"bench", "bench mujoco/HalfCheetah-v5 --json", "bench envs replay --json=bench.json"});
    text += "\nFamilies:";
    for (const Family& family : benchmarks::families()) {
      text += concat("\n  ", family.name, ": ", family.summary);
    }
    return text + "\nWith --peers also: python (this package and others through Python)\n";
  });
  command->callback([&global, &run, arguments] {
    run = [&global, arguments] { return run_bench(global, *arguments); };
  });
}

}  // namespace palaestra::cli
