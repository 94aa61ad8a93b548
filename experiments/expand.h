#pragma once

#include <string>
#include <vector>

#include <toml++/toml.h>

namespace palaestra::experiments {

/// The tables that a table of an experiment stands for: itself, or with
///
///   each = [ { p = 0.1, least = 0.88 }, { p = 0.2, least = 0.78 } ]
///
/// one for each entry, in which every text has `{p}` replaced by the entry's value, and a text that
/// is nothing but `{least}` is the value itself, a number. A list of such lists stands for every
/// combination of their entries, the last list running fastest. What is wrong goes to `problems`.
std::vector<toml::table> expand(const toml::table& table, const std::string& where,
                                std::vector<std::string>& problems);

}  // namespace palaestra::experiments
