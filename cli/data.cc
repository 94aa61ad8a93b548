// palaestra data: data sets on disk. This file: the command itself, and convert.

#include <palaestra/cli/data.h>
#include <palaestra/cli/parse_problem.h>

#include <charconv>
#include <filesystem>
#include <ostream>

#include <CLI/CLI.hpp>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/replay/datasets/convert.h>

namespace palaestra::cli {

replay::DataFormat format_of(const std::string& name, const std::string& path) {
  if (name.empty()) {
    const std::string ending = std::filesystem::path(path).extension().string();
    const bool file = ending == ".hdf5" || ending == ".h5" || ending == ".hdf";
    return file ? replay::DataFormat::kD4rl : replay::DataFormat::kMinari;
  }
  const std::vector<std::string> names{"minari", "d4rl"};
  require(name == names[0] || name == names[1], "the format is \"", name,
          "\"; accepted: minari, d4rl", did_you_mean(name, names));
  return name == names[0] ? replay::DataFormat::kMinari : replay::DataFormat::kD4rl;
}

namespace {

struct ConvertArguments {
  std::string in, out, to, episodes;
  Index time_limit = 0;
  int compression = 0;
  bool force = false;
};

/// "A:B", "A:", ":B" as a range of episodes. Throws UserError for anything else.
std::pair<Index, std::optional<Index>> parse_range(const std::string& text) {
  const std::size_t colon = text.find(':');
  const auto number = [&](std::size_t begin, std::size_t end) -> std::optional<Index> {
    Index value = 0;
    const auto result = std::from_chars(text.data() + begin, text.data() + end, value);
    if (begin == end || result.ec != std::errc() || result.ptr != text.data() + end || value < 0) {
      return {};
    }
    return value;
  };
  if (text.empty()) {
    return {0, {}};
  }
  const auto first = colon == std::string::npos ? std::nullopt : number(0, colon);
  const auto last = colon == std::string::npos ? std::nullopt : number(colon + 1, text.size());
  const bool good =
      colon != std::string::npos && (first || colon == 0) && (last || colon + 1 == text.size());
  require(good, "--episodes is ", shown(text),
          "; accepted: A:B, the episodes from A up to and without B, or A: or :B");
  return {first.value_or(0), last};
}

int run_convert(const Global& global, const ConvertArguments& arguments) {
  const replay::DataFormat format = format_of(arguments.to, arguments.out);
  const auto [first, end] = parse_range(arguments.episodes);
  const replay::DataSet data(arguments.in, {.time_limit = arguments.time_limit});
  const replay::ConvertResult result = convert(data, arguments.out, format,
                                               {.first_episode = first,
                                                .end_episode = end,
                                                .compression = arguments.compression,
                                                .replace = arguments.force});
  for (const std::string& loss : result.losses) {
    global.note(concat("not in ", arguments.out, ": ", loss));
  }
  if (!result.moved.empty()) {
    global.note(concat("moved what was there to ", result.moved.string()));
  }
  global.write_json({{"in", arguments.in},
                     {"out", arguments.out},
                     {"from", name_of(data.format())},
                     {"to", name_of(format)},
                     {"episodes", result.episodes},
                     {"steps", result.steps},
                     {"losses", result.losses}});
  if (!global.json) {
    global.human() << "episodes  " << result.episodes << '\n'
                   << "steps     " << result.steps << '\n'
                   << "out       " << arguments.out << " (" << name_of(format) << ")\n";
  }
  return kDone;
}

void add_convert(CLI::App& data, const Global& global, Run& run) {
  auto arguments = std::make_shared<ConvertArguments>();
  CLI::App* command = data.add_subcommand("convert", "Write a data set in another format");
  command->fallthrough();
  command->add_option("in", arguments->in, "Minari folder or D4RL file")
      ->required()
      ->type_name("IN");
  command->add_option("out", arguments->out, "Folder or file to be made")
      ->required()
      ->type_name("OUT");
  command
      ->add_option("--to", arguments->to,
                   "minari or d4rl (default: d4rl where OUT ends in .hdf5 or .h5)")
      ->type_name("FORMAT");
  command->add_option("--episodes", arguments->episodes, "Only episodes A up to and without B")
      ->type_name("A:B");
  command->add_option("--compression", arguments->compression, "gzip level 0 (default) to 9")
      ->type_name("L")
      ->check(whole_number);
  command
      ->add_option("--time-limit", arguments->time_limit,
                   "Steps after which an episode ends where a D4RL file has no timeouts")
      ->type_name("T")
      ->check(whole_number);
  command->add_flag("--force", arguments->force, "Move aside what has the name already");
  command->footer(examples({"data convert cartpole-v0 cartpole.hdf5",
                            "data convert cartpole.hdf5 first_ten-v0 --episodes :10"}) +
                  "\nValues keep their bits; what the other format cannot hold is told.");
  command->callback([&global, &run, arguments] {
    run = [&global, arguments] { return run_convert(global, *arguments); };
  });
}

}  // namespace

void add_data(CLI::App& app, const Global& global, Run& run) {
  CLI::App* command = app.add_subcommand("data", "Data sets on disk: Minari folders, D4RL files");
  command->fallthrough();
  command->require_subcommand(1, 1);
  add_data_info(*command, global, run);
  add_data_check(*command, global, run);
  add_convert(*command, global, run);
  add_data_collect(*command, global, run);
  command->footer(examples({"data collect --env CartPole-v1 --episodes 20 --out cartpole-v0",
                            "data info cartpole-v0", "data convert cartpole-v0 cartpole.hdf5"}) +
                  "\n`palaestra data COMMAND --help` says more.");
}

}  // namespace palaestra::cli
