// palaestra data info, data check: what a data set is, and whether it is what it should be.

#include <algorithm>
#include <numeric>
#include <ostream>

#include <CLI/CLI.hpp>

#include <palaestra/cli/data.h>
#include <palaestra/cli/parse_problem.h>
#include <palaestra/core/error.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>
#include <palaestra/replay/datasets/check.h>
#include <palaestra/replay/datasets/space_json.h>

namespace palaestra::cli {
namespace {

struct InfoArguments {
  std::string path;
  Index time_limit = 0;
};

Json columns_of(const replay::DataSet& data) {
  Json list = Json::array();
  for (const replay::DataColumn& column : data.columns()) {
    list.push_back({{"name", column.name},
                    {"dtype", name_of(column.dtype)},
                    {"shape", column.shape},
                    {"state", column.state},
                    {"space", column.space ? Json(to_string(*column.space)) : Json(nullptr)}});
  }
  return list;
}

/// Returns between the reference scores of the metadata, where it has them: 0 and 1 at the two.
Json score_of(const Json& metadata, double return_mean) {
  const auto low = metadata.find("ref_min_score"), high = metadata.find("ref_max_score");
  if (low == metadata.end() || high == metadata.end() || !low->is_number() || !high->is_number() ||
      low->get<double>() == high->get<double>()) {
    return nullptr;
  }
  return (return_mean - low->get<double>()) / (high->get<double>() - low->get<double>());
}

int run_info(const Global& global, const InfoArguments& arguments) {
  const replay::DataSet data(arguments.path, {.time_limit = arguments.time_limit});
  Index steps = 0, terminated = 0, truncated = 0, cut_off = 0, shortest = 0, longest = 0;
  std::vector<double> returns;
  for (Index e = 0; e < data.episodes(); ++e) {
    const replay::EpisodeFacts facts = data.episode(e);
    steps += facts.length;
    shortest = e == 0 ? facts.length : std::min(shortest, facts.length);
    longest = std::max(longest, facts.length);
    terminated += facts.terminated ? 1 : 0;
    truncated += facts.truncated && !facts.terminated ? 1 : 0;
    cut_off += facts.truncated || facts.terminated ? 0 : 1;
    returns.push_back(data.episode_return(e));
  }
  const auto count = static_cast<double>(returns.size());
  const double sum = std::accumulate(returns.begin(), returns.end(), 0.0);
  const auto [low, high] = std::minmax_element(returns.begin(), returns.end());
  const bool any = !returns.empty();
  const Json metadata = replay::parse_json_object(data.metadata(), "the metadata");

  Json document = {{"path", arguments.path},      {"format", name_of(data.format())},
                   {"episodes", data.episodes()}, {"steps", steps},
                   {"terminated", terminated},    {"truncated", truncated},
                   {"cut_off", cut_off}};
  const auto number = [&](double value) { return any ? Json(value) : Json(nullptr); };
  document["length_min"] = any ? Json(shortest) : Json(nullptr);
  document["length_max"] = any ? Json(longest) : Json(nullptr);
  document["length_mean"] = number(static_cast<double>(steps) / count);
  document["return_min"] = number(any ? *low : 0);
  document["return_max"] = number(any ? *high : 0);
  document["return_mean"] = number(sum / count);
  document["score_mean"] = any ? score_of(metadata, sum / count) : Json(nullptr);
  document["columns"] = columns_of(data);
  document["ignored"] = data.ignored();
  document["metadata"] = metadata;
  global.write_json(document);
  if (!global.json) {
    std::ostream& out = global.human();
    for (const char* name :
         {"format", "episodes", "steps", "terminated", "truncated", "cut_off", "length_min",
          "length_max", "length_mean", "return_min", "return_max", "return_mean", "score_mean"}) {
      const Json& value = document[name];
      if (!value.is_null()) {
        out << name << std::string(13 - std::string_view(name).size(), ' ')
            << (value.is_string() ? value.get<std::string>() : json_text(value)) << '\n';
      }
    }
    for (const Json& column : document["columns"]) {
      out << "column       " << column["name"].get<std::string>() << "  "
          << column["dtype"].get<std::string>() << ' ' << json_text(column["shape"])
          << (column["state"].get<bool>() ? "  state" : "") << '\n';
    }
    if (const auto origin = metadata.find("palaestra"); origin != metadata.end()) {
      out << "made by      " << origin->dump() << '\n';
    }
    for (const std::string& line : data.ignored()) {
      out << "not read     " << line << '\n';
    }
  }
  return kDone;
}

int run_check(const Global& global, const InfoArguments& arguments) {
  const replay::DataSet data(arguments.path, {.time_limit = arguments.time_limit});
  const replay::DataSetCheck result = check(data);
  const bool any = result.episodes > 0;
  const auto number = [&](double value) { return any ? Json(value) : Json(nullptr); };
  global.write_json({{"path", arguments.path},
                     {"format", name_of(data.format())},
                     {"good", result.good()},
                     {"episodes", result.episodes},
                     {"steps", result.steps},
                     {"terminated", result.terminated},
                     {"truncated", result.truncated},
                     {"cut_off", result.cut_off},
                     {"length_mean", number(result.length_mean)},
                     {"return_mean", number(result.return_mean)},
                     {"return_std", number(result.return_std)},
                     {"return_min", number(result.return_min)},
                     {"return_max", number(result.return_max)},
                     {"problems", result.problems},
                     {"more_problems", result.more_problems},
                     {"remarks", result.remarks}});
  for (const std::string& remark : result.remarks) {
    global.note(remark);
  }
  if (!result.good()) {
    std::string text = concat(arguments.path, " is not as it should be:");
    for (const std::string& problem : result.problems) {
      text += "\n  " + problem;
    }
    if (result.more_problems > 0) {
      text += concat("\n  and ", result.more_problems, " more");
    }
    throw UserError(text);
  }
  if (!global.json) {
    global.human() << "good      " << result.episodes << " episodes, " << result.steps
                   << " steps, mean return " << result.return_mean << '\n';
  }
  return kDone;
}

void add(CLI::App& data, const Global& global, Run& run, const char* name, const char* summary,
         int (*what)(const Global&, const InfoArguments&), const std::string& footer) {
  auto arguments = std::make_shared<InfoArguments>();
  CLI::App* command = data.add_subcommand(name, summary);
  command->fallthrough();
  command->add_option("path", arguments->path, "Minari folder or D4RL file")
      ->required()
      ->type_name("PATH");
  command
      ->add_option("--time-limit", arguments->time_limit,
                   "Steps after which an episode ends where a D4RL file has no timeouts")
      ->type_name("T")
      ->check(whole_number);
  command->footer(footer);
  command->callback([&global, &run, arguments, what] {
    run = [&global, arguments, what] { return what(global, *arguments); };
  });
}

}  // namespace

void add_data_info(CLI::App& data, const Global& global, Run& run) {
  add(data, global, run, "info", "Say what a data set holds", run_info,
      examples({"data info cartpole-v0", "data info cartpole.hdf5 --json"}));
}

void add_data_check(CLI::App& data, const Global& global, Run& run) {
  add(data, global, run, "check", "Read a data set whole and say what is wrong with it", run_check,
      examples({"data check cartpole-v0", "data check cartpole.hdf5 --json"}) +
          "\nExit code 2 where anything is wrong; the message says which episode, step and "
          "column.");
}

}  // namespace palaestra::cli
