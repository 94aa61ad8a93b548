#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace palaestra::cli {

/// "data collect": the command that was named.
std::string command_of(const CLI::App& app);

/// What is wrong with a line that does not parse, in our own words where CLI11's do not help.
std::string parse_problem(const CLI::App& app, const CLI::ParseError& error);

/// What stands where a command should, and is none; empty where nothing does. For --help and
/// --version, which are answered before the rest of the line is looked at.
std::string unknown_command(const CLI::App& app);

/// Throws UserError for an option or argument that was given as an empty text.
void require_no_empty_values(const CLI::App& app);

// For CLI::Option::check(): what is wrong with the text of an option, or nothing.

/// Decimal digits, perhaps after a minus, that fit an Index.
std::string whole_number(const std::string& text);
/// One of a few words.
std::function<std::string(const std::string&)> one_of(std::vector<std::string> words);

}  // namespace palaestra::cli
