#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace palaestra {

/// Tables keep the order of their members.
using Json = nlohmann::ordered_json;

// nlohmann's parse() and dump() are templates that take seconds wherever they are compiled; these
// are compiled once.

/// The value of a text. `watch` is told what the parser meets (nlohmann's parser callback). Throws
/// Json::parse_error, which knows the byte, for what is no JSON, and whatever `watch` throws.
Json parse_json(std::string_view text, const Json::parser_callback_t& watch = nullptr);

/// The same for a text that may have been cut short: a value that is_discarded() for what is no
/// JSON.
Json try_parse_json(std::string_view text);

/// On one line, or with a line per member, `indent` columns deeper per level. Throws
/// Json::type_error for a string that is no UTF-8.
std::string json_text(const Json& json, int indent = -1);

}  // namespace palaestra
