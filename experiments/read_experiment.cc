#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>

#include <toml++/toml.h>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/experiments/check_experiment.h>
#include <palaestra/experiments/expand.h>
#include <palaestra/experiments/experiment.h>
#include <palaestra/experiments/read_figures.h>
#include <palaestra/experiments/toml_reader.h>
#include <palaestra/experiments/toml_text.h>

namespace palaestra::experiments {
namespace {

constexpr std::array<std::string_view, 12> kStatistics = {
    "mean",   "median",          "interquartile_mean", "optimality_gap",
    "lowest", "highest",         "share_at_least",     "difference",
    "ratio",  "mean_difference", "improvement",        "distinct"};
constexpr std::array<std::string_view, 3> kKinds = {"hard", "provisional", "reported"};
constexpr std::array<std::string_view, 5> kCommands = {"train", "rollout", "bench", "record",
                                                       "study"};
constexpr std::array<std::string_view, 2> kProductCommands = {"train", "data collect"};
constexpr std::array<std::string_view, 3> kComparisons = {">=", "<=", "=="};

/// Options in the order of the file: `env = "X"` is `--env X`, a table `set` is `--set key=value`.
/// A later table of the same keys replaces an earlier one's values.
std::vector<std::string> command_line(const std::vector<const toml::table*>& layers,
                                      TomlReader& reader) {
  std::vector<std::pair<std::string, std::string>> options;  // "--env", or "--set key"
  std::vector<std::string> words;
  const auto put = [&](const std::string& name, const toml::node& node) {
    const std::string value = text_of(node);
    if (value.empty()) {
      reader.problem("option ", name, " is neither text nor number nor truth value");
    }
    const auto same = std::ranges::find(options, name, &std::pair<std::string, std::string>::first);
    if (same == options.end()) {
      options.emplace_back(name, value);
    } else {
      same->second = value;
    }
  };
  for (const toml::table* layer : layers) {
    for (const auto& [key, node] : *layer) {
      const std::string name(key.str());
      if (const toml::array* names = node.as_array()) {  // words without an option
        for (const toml::node& word : *names) {
          words.push_back(text_of(word));
        }
      } else if (const toml::table* settings = node.as_table()) {
        for (const auto& [setting, value] : *settings) {
          put(concat("--", name, ' ', setting.str()), value);
        }
      } else {
        put("--" + name, node);
      }
    }
  }
  for (const auto& [name, value] : options) {
    const auto space = name.find(' ');
    if (space == std::string::npos && (value == "true" || value == "false")) {
      if (value == "true") {  // a flag, such as --peers
        words.push_back(name);
      }
      continue;
    }
    words.push_back(name.substr(0, space));
    words.push_back(space == std::string::npos ? value
                                               : concat(name.substr(space + 1), '=', value));
  }
  return words;
}

/// Steps times environments of one run: what its cost grows with.
double work_of(const std::vector<std::string>& options) {
  double steps = 0, n = 1;
  for (std::size_t i = 0; i + 1 < options.size(); ++i) {
    if (options[i] == "--steps") {
      steps = std::atof(options[i + 1].c_str());
    } else if (options[i] == "--n") {
      n = std::atof(options[i + 1].c_str());
    } else if (options[i] == "--set" && (options[i + 1].starts_with("steps=") ||
                                         options[i + 1].starts_with("updates="))) {  // of a study
      steps = std::atof(options[i + 1].c_str() + options[i + 1].find('=') + 1);
    }
  }
  return steps * n;
}

/// Command lines and work of a table with `options`, and what differs at a scale.
void read_options(TomlReader& reader, std::array<std::vector<std::string>, 3>& lines,
                  std::array<double, 3>& work) {
  const toml::table* options = reader.table("options", true);
  if (options == nullptr) {
    return;
  }
  for (std::size_t scale = 0; scale < kScaleNames.size(); ++scale) {
    std::vector<const toml::table*> layers = {options};
    if (reader.has(kScaleNames[scale])) {
      if (const toml::table* layer = reader.table(kScaleNames[scale], true)) {
        layers.push_back(layer);
      }
    }
    lines[scale] = command_line(layers, reader);
    work[scale] = work_of(lines[scale]);
  }
}

Index read_threads(TomlReader& reader) {
  const auto threads = static_cast<Index>(reader.number("threads", 1.0));
  if (threads < 1 || threads > 64) {
    reader.problem("threads is ", threads, "; accepted: 1 to 64");
  }
  return threads;
}

Product read_product(const toml::table& table, const std::string& where,
                     std::vector<std::string>& problems) {
  TomlReader reader(table, where, problems);
  Product product;
  product.name = reader.text("name");
  const bool is_name = std::ranges::all_of(
      product.name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; });
  if (!is_name) {  // it becomes a folder
    reader.problem("name is ", shown(product.name), "; accepted: letters, digits, - and _");
  }
  product.command = kProductCommands[reader.choice("command", kProductCommands)];
  product.threads = read_threads(reader);
  read_options(reader, product.options, product.work);
  reader.finish();
  return product;
}

Arm read_arm(const toml::table& table, const Experiment& experiment, const std::string& where,
             const std::map<std::string, std::string>& files, std::vector<std::string>& problems) {
  TomlReader reader(table, where, problems);
  Arm arm;
  arm.method = reader.text("method");
  arm.task = reader.text("task");
  arm.name = concat(arm.method, '/', arm.task);
  arm.command = kCommands[reader.choice("command", kCommands)];
  arm.seeds = reader.by_scale("seeds", true);
  arm.first_seed =
      static_cast<Index>(reader.number("first_seed", static_cast<double>(experiment.first_seed)));
  arm.tuning_seeds =
      reader.has("tuning_seeds") ? reader.integers("tuning_seeds") : experiment.tuning_seeds;
  arm.threads = read_threads(reader);
  if (arm.command == "record") {
    const std::string file = reader.text("file");
    arm.record_of = reader.text("implementation");
    std::ranges::copy(reader.by_scale("last_step", true, 1'000'000'000), arm.work.begin());
    const auto text = files.find(file);
    if (text == files.end()) {
      reader.problem("file is ", shown(file), ", which is no record of this program");
    } else {
      arm.record = text->second;
    }
  } else {
    read_options(reader, arm.options, arm.work);
  }
  if (arm.command == "train") {
    arm.logged = reader.texts("logged", false);
    arm.cuts = reader.integers("cuts");
    const double shortest = std::ranges::min(arm.work);
    for (std::size_t i = 0; i < arm.cuts.size(); ++i) {
      const Index before = i == 0 ? 0 : arm.cuts[i - 1];
      if (arm.cuts[i] <= before || static_cast<double>(arm.cuts[i]) >= shortest) {
        reader.problem("cuts has ", arm.cuts[i], "; accepted: ascending numbers below steps");
      }
    }
  }
  reader.finish();
  return arm;
}

Score read_score(const toml::table& table, const std::string& where,
                 std::vector<std::string>& problems) {
  TomlReader reader(table, where, problems);
  Score score;
  score.tasks = reader.texts("tasks", true);
  score.zero = reader.text("zero");
  score.one = reader.text("one");
  score.metric = reader.text("metric");
  score.numbers = reader.texts("numbers", true);
  if (table.contains("arrival")) {
    score.arrival = reader.number("arrival");
  }
  reader.finish();
  return score;
}

Gate read_gate(const toml::table& table, const std::string& where,
               std::vector<std::string>& problems) {
  TomlReader reader(table, where, problems);
  Gate gate;
  gate.id = reader.text("id");
  gate.kind = static_cast<GateKind>(reader.choice("kind", kKinds));
  gate.statement = reader.text("statement");
  gate.source = reader.text("source");
  gate.published = reader.text("published", false);
  gate.seeds = reader.by_scale("seeds", true);
  if (reader.has("all_of")) {
    gate.all_of = reader.texts("all_of", true);
    gate.fails_with = reader.texts("fails_with", false);
    gate.comparison = std::string(">=");
    gate.threshold = static_cast<double>(gate.all_of.size());
    if (gate.kind != GateKind::kReported) {
      reader.problem("all_of is for reported claims; kind is ",
                     kKinds[static_cast<std::size_t>(gate.kind)]);
    }
    reader.finish();
    return gate;
  }
  gate.arms = reader.texts("arms", true);
  gate.against = reader.texts("against", false);
  gate.metric = reader.text("metric");
  gate.against_metric = reader.has("against_metric") ? reader.text("against_metric") : gate.metric;
  gate.statistic = static_cast<Statistic>(reader.choice("statistic", kStatistics));
  if (gate.statistic == Statistic::kShareAtLeast) {
    gate.at_least = reader.number("at_least");
  }
  gate.comparison = kComparisons[reader.choice("comparison", kComparisons)];
  gate.threshold = reader.number("threshold");
  gate.tolerance = reader.number("tolerance", 0.0);
  if (gate.tolerance != 0 && (gate.comparison != "==" || gate.tolerance < 0)) {
    reader.problem("tolerance is ", gate.tolerance, " with comparison ", gate.comparison,
                   "; accepted: above 0, with ==");
  }
  if (reader.has("fails_at")) {
    gate.fails_at = reader.number("fails_at");
    const bool beyond = gate.comparison == ">="   ? *gate.fails_at <= gate.threshold
                        : gate.comparison == "<=" ? *gate.fails_at >= gate.threshold
                                                  : false;
    if (gate.kind != GateKind::kReported || !beyond) {
      reader.problem("fails_at is ", *gate.fails_at,
                     "; accepted: of reported claims, on the far side of threshold, with >= or <=");
    }
  }
  const bool compares =
      gate.statistic == Statistic::kDifference || gate.statistic == Statistic::kRatio ||
      gate.statistic == Statistic::kMeanDifference || gate.statistic == Statistic::kImprovement;
  if (compares == gate.against.empty()) {
    reader.problem("statistic ", kStatistics[static_cast<std::size_t>(gate.statistic)],
                   compares ? " needs arms to compare with: against = [...]"
                            : " compares with no other arms; take `against` out");
  }
  if (gate.statistic == Statistic::kImprovement && gate.against.size() != gate.arms.size()) {
    reader.problem("improvement needs as many arms in `against` as in `arms`");
  }
  reader.finish();
  return gate;
}

}  // namespace

Experiment read_experiment(std::string_view text, const std::string& source,
                           const std::map<std::string, std::string>& files) {
  toml::table root;
  try {
    root = toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw UserError(
        concat(source, ": line ", error.source().begin.line, ": ", error.description()));
  }
  std::vector<std::string> problems;
  TomlReader reader(root, "experiment", problems);
  Experiment experiment;
  experiment.text = text;
  experiment.name = reader.text("name");
  experiment.title = reader.text("title");
  experiment.claim = reader.text("claim");
  experiment.source = reader.text("source");
  std::ranges::copy(reader.by_scale("cpu_s", true, 100'000'000), experiment.cost.begin());
  experiment.first_seed = static_cast<Index>(reader.number("first_seed", 0.0));
  experiment.tuning_seeds = reader.integers("tuning_seeds");
  const auto each = [&](std::string_view key, bool needed, auto&& read) {
    const toml::array* tables = reader.has(key) ? root.get_as<toml::array>(key) : nullptr;
    reader.known(key);
    if (!needed && !reader.has(key)) {
      return;
    }
    if (tables == nullptr || !tables->is_array_of_tables()) {
      reader.problem("there is no [[", key, "]]");
      return;
    }
    for (std::size_t i = 0; i < tables->size(); ++i) {
      const std::string where = concat(key, ' ', i + 1);
      for (const toml::table& table : expand(*tables->get(i)->as_table(), where, problems)) {
        read(table, where);
      }
    }
  };
  each("product", false, [&](const toml::table& table, const std::string& where) {
    experiment.products.push_back(read_product(table, where, problems));
  });
  each("arm", true, [&](const toml::table& table, const std::string& where) {
    experiment.arms.push_back(read_arm(table, experiment, where, files, problems));
  });
  each("score", false, [&](const toml::table& table, const std::string& where) {
    experiment.scores.push_back(read_score(table, where, problems));
  });
  each("gate", true, [&](const toml::table& table, const std::string& where) {
    experiment.gates.push_back(read_gate(table, where, problems));
  });
  each("figure", false, [&](const toml::table& table, const std::string& where) {
    experiment.figures.push_back(read_figure(table, where, problems));
  });
  each("published", false, [&](const toml::table& table, const std::string& where) {
    experiment.published.push_back(read_published(table, where, problems));
  });
  reader.finish();
  if (problems.empty()) {
    check_experiment(experiment, problems);
    check_figures(experiment, problems);
  }
  require(problems.empty(), source, " is no experiment:\n  ", join(problems, "\n  "));
  return experiment;
}

std::string_view product_in(std::string_view option) {
  const auto equals = option.starts_with('@') ? 0 : option.find("=@") + 1;
  return equals < option.size() && option[equals] == '@' ? option.substr(equals + 1)
                                                         : std::string_view();
}

const Arm& arm_of(const Experiment& experiment, std::string_view name) {
  const auto arm = std::ranges::find(experiment.arms, name, &Arm::name);
  if (arm == experiment.arms.end()) {
    throw std::logic_error(concat("no arm ", name, " in ", experiment.name));
  }
  return *arm;
}

Scale scale_from(std::string_view name) {
  const auto at = std::ranges::find(kScaleNames, name);
  if (at == kScaleNames.end()) {
    const std::vector<std::string> names(kScaleNames.begin(), kScaleNames.end());
    throw UserError(concat("--scale is ", shown(name), "; accepted: ", join(names, ", "),
                           did_you_mean(name, names)));
  }
  return static_cast<Scale>(at - kScaleNames.begin());
}

std::string_view name_of(Scale scale) { return kScaleNames[static_cast<std::size_t>(scale)]; }

}  // namespace palaestra::experiments
