#include <palaestra/cli/parse_problem.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include <CLI/CLI.hpp>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/core/types.h>

namespace palaestra::cli {
namespace {

/// The command that was named, down to its last word.
const CLI::App& chosen_of(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : chosen_of(*chosen.front());
}

/// The commands that the chosen one has.
std::vector<std::string> commands_below(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command :
       chosen_of(app).get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  const auto collect = [&](const CLI::App& from) {
    for (const CLI::Option* option : from.get_options()) {
      for (const std::string& name : option->get_lnames()) {
        names.push_back("--" + name);
      }
    }
  };
  collect(chosen_of(app));
  collect(app);
  return names;
}

bool is_option(const std::string& word) { return word.starts_with("-"); }

std::string unexpected_argument(const CLI::App& app, const std::string& argument) {
  if (is_option(argument)) {
    const std::string name = argument.substr(0, argument.find('='));
    const std::string command = command_of(app);
    return concat("unknown option ", name, did_you_mean(name, option_names(app)), " (palaestra ",
                  command, command.empty() ? "" : " ", "--help lists all)");
  }
  const auto commands = commands_below(app);
  if (commands.empty()) {
    return concat("argument \"", argument, "\" is one too many");
  }
  const std::string command = command_of(app);
  return concat("unknown command \"", argument, "\"", did_you_mean(argument, commands),
                " (palaestra ", command, command.empty() ? "" : " ", "has ", join(commands, ", "),
                ")");
}

/// "--n is "abc"; accepted: ..." from CLI11's "--n: is "abc"; accepted: ...".
std::string check_problem(std::string text) {
  const auto at = text.find(": is ");
  return at == std::string::npos ? text : text.replace(at, 2, " ");
}

}  // namespace

std::string command_of(const CLI::App& app) {
  std::string name;
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    name += (name.empty() ? "" : " ") + at->get_name();
  }
  return name;
}

std::string unknown_command(const CLI::App& app) {
  const auto rest = app.remaining(true);
  if (commands_below(app).empty() || rest.empty() || is_option(rest.front())) {
    return {};
  }
  return unexpected_argument(app, rest.front());
}

std::string parse_problem(const CLI::App& app, const CLI::ParseError& error) {
  // a mistyped option is also the cause where a required one is missing
  const bool missing = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if (missing || dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
    if (std::string unknown = unknown_command(app); !unknown.empty()) {
      return unknown;
    }
    const auto rest = app.remaining(true);
    const auto option = std::find_if(rest.begin(), rest.end(), is_option);
    if (option != rest.end()) {
      return unexpected_argument(app, *option);
    }
    if (!missing && !rest.empty()) {
      return unexpected_argument(app, rest.front());
    }
    if (const auto commands = commands_below(app); missing && !commands.empty()) {
      return concat("one of its commands is needed: ", join(commands, ", "));
    }
  }
  return check_problem(error.what());
}

void require_no_empty_values(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_min() == 0) {
      continue;  // a flag
    }
    for (const std::string& value : option->results()) {
      require(!value.empty(), option->get_name(), " is empty; accepted: ",
              option->get_type_name().empty() ? "a text" : option->get_type_name());
    }
  }
  for (const CLI::App* below : app.get_subcommands()) {
    require_no_empty_values(*below);
  }
}

std::string whole_number(const std::string& text) {
  Index value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end) {
    return {};
  }
  return concat("is ", shown(text), "; accepted: a whole number",
                error == std::errc::result_out_of_range ? " below 2^63" : "");
}

std::function<std::string(const std::string&)> one_of(std::vector<std::string> words) {
  return [words = std::move(words)](const std::string& text) {
    return std::ranges::find(words, text) != words.end()
               ? std::string()
               : concat("is ", shown(text), "; accepted: ", join(words, ", "),
                        did_you_mean(text, words));
  };
}

}  // namespace palaestra::cli
