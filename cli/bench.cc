// palaestra bench: our figures, the peers' beside them, and the limits they are measured against.

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <set>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <palaestra/benchmarks/families.h>
#include <palaestra/cli/global.h>
#include <palaestra/cli/peers.h>
#include <palaestra/cli/progress.h>
#include <palaestra/cli/version.h>
#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra::cli {
namespace {

using benchmarks::Family;
using benchmarks::Row;
using Json = nlohmann::ordered_json;

struct BenchArguments {
  std::vector<std::string> names;
  bool peers = false;
};

/// "mujoco" or "mujoco/HalfCheetah-v5/step" (any beginning of a row's name up to a slash).
bool selects(const std::string& wanted, const std::string& name) {
  return name == wanted || name.starts_with(wanted + "/");
}

bool selected(const std::vector<std::string>& names, const std::string& row) {
  return names.empty() || std::any_of(names.begin(), names.end(), [&](const std::string& wanted) {
           return selects(wanted, row);
         });
}

std::vector<const Family*> chosen_families(const std::vector<std::string>& names, bool peers) {
  std::vector<std::string> known;
  for (const Family& family : benchmarks::families()) {
    known.push_back(family.name);
  }
  if (peers) {
    known.emplace_back("python");  // rows that only a script of benchmarks/peers measures
  }
  std::string list;
  for (const std::string& name : known) {
    list += (list.empty() ? "" : ", ") + name;
  }
  std::set<std::string> wanted;
  for (const std::string& name : names) {
    const std::string family = name.substr(0, name.find('/'));
    require(std::find(known.begin(), known.end(), family) != known.end(), "unknown benchmark \"",
            name, "\"", did_you_mean(family, known), "; there are ", list);
    wanted.insert(family);
  }
  std::vector<const Family*> chosen;
  for (const Family& family : benchmarks::families()) {
    if (wanted.empty() || wanted.count(family.name) > 0) {
      chosen.push_back(&family);
    }
  }
  return chosen;
}

Json optional(double value) { return value > 0 ? Json(value) : Json(nullptr); }
Json optional(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json to_json(const Row& row) {
  return {{"name", row.name},
          {"value", row.value},
          {"unit", row.unit},
          {"higher_is_better", row.higher_is_better},
          {"threads", row.threads},
          {"n", row.n},
          {"peer", optional(row.peer)},
          {"peer_version", optional(row.peer_version)},
          {"peer_value", optional(row.peer_value)},
          {"ratio", optional(row.ratio())},
          {"limit", optional(row.limit)},
          {"limit_name", optional(row.limit_name)},
          {"share_of_limit", optional(row.share_of_limit())}};
}

void print(std::ostream& out, const Row& row) {
  out << std::left << std::setw(40) << row.name << std::right << " n " << std::setw(5) << row.n
      << "  threads " << row.threads << "  " << std::setw(10) << engineering(row.value) << ' '
      << row.unit;
  if (row.peer_value > 0) {
    out << "   " << engineering(row.peer_value) << " (" << row.peer << ' ' << row.peer_version
        << "), " << std::setprecision(3) << row.ratio() << "x";
  }
  if (row.limit > 0) {
    out << "   " << std::setprecision(3) << 100 * row.share_of_limit() << " % of "
        << engineering(row.limit) << " (" << row.limit_name << ")";
  }
  out << std::endl;
}

/// A second pass around the peers: the same speed of the machine, on average, for both.
void average_with(std::vector<Row>& rows, const std::vector<Row>& again) {
  for (Row& row : rows) {
    for (const Row& other : again) {
      if (row.name == other.name && row.n == other.n && row.threads == other.threads &&
          row.peer == other.peer) {
        row.value = (row.value + other.value) / 2;
        row.limit = (row.limit + other.limit) / 2;
        row.peer_value = (row.peer_value + other.peer_value) / 2;
      }
    }
  }
}

std::vector<Row> filtered(std::vector<Row> rows, const std::vector<std::string>& names) {
  std::erase_if(rows, [&](const Row& row) { return !selected(names, row.name); });
  return rows;
}

int run_bench(const Global& global, const BenchArguments& arguments) {
  const auto families = chosen_families(arguments.names, arguments.peers);
  std::optional<Peers> peers;
  if (arguments.peers) {
    peers.emplace();  // says at once when they are not installed
  }
  std::vector<Row> rows;
  for (const Family* family : families) {
    global.note(concat("bench: ", family->name, ": ", family->summary));
    for (Row& row : filtered(family->run(), arguments.names)) {
      rows.push_back(std::move(row));
    }
  }
  if (peers) {
    std::vector<Row> measured;
    for (const auto& script : peers->scripts()) {
      global.note(concat("bench: peers: ", script.filename().string()));
      const PeerRows result = peers->run(script);
      if (!result.problem.empty()) {
        global.note(concat("bench: warning: ", script.filename().string(), ": ", result.problem));
      }
      for (Row& row : filtered(result.rows, arguments.names)) {
        measured.push_back(std::move(row));
      }
    }
    std::vector<Row> again;
    for (const Family* family : families) {
      if (std::any_of(measured.begin(), measured.end(),
                      [&](const Row& row) { return selects(family->name, row.name); })) {
        for (Row& row : family->run()) {
          again.push_back(std::move(row));
        }
      }
    }
    average_with(rows, again);
    merge_peers(rows, measured);
  }
  Json list = Json::array();
  for (const Row& row : rows) {
    list.push_back(to_json(row));
    if (!global.json) {
      print(global.human(), row);
    }
  }
  require(!rows.empty(), "no benchmark has such a name");
  Json document = {{"machine", machine_facts()}, {"program", program_facts()}};
  document["rows"] = std::move(list);
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
    std::string text = examples({"bench", "bench mujoco/HalfCheetah-v5 --json",
                                 "bench envs replay --peers --json=bench.json"});
    text += "\nFamilies:";
    for (const Family& family : benchmarks::families()) {
      text += concat("\n  ", family.name, ": ", family.summary);
    }
    return text;
  });
  command->callback([&global, &run, arguments] {
    run = [&global, arguments] { return run_bench(global, *arguments); };
  });
}

}  // namespace palaestra::cli
