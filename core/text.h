#pragma once

#include <span>
#include <string>
#include <string_view>

namespace palaestra {

/// The candidate closest to `word` (Damerau-Levenshtein distance, ties to the earlier one), or an
/// empty string when none is within a third of the word's length, at least 2. A candidate that
/// starts with `word` counts as close.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

/// `; did you mean "X"?` for the nearest candidate, or an empty string.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

/// The shortest decimal text that reads back to the same double, as Python's repr() gives it;
/// always marks a real number ("1.0", "1e-05", "nan", "inf").
std::string to_text(double value);

/// The parts with `separator` between them.
std::string join(std::span<const std::string> parts, std::string_view separator);

/// The last line that is not empty, without its end: of a traceback, the one that says what went
/// wrong.
std::string last_line(std::string_view text);

/// Whether `text` is well-formed UTF-8 (RFC 3629).
bool is_utf8(std::string_view text);

/// `text` in quotes for a message: escaped, and cut after 80 bytes.
std::string shown(std::string_view text);

/// Appends `text` as a JSON string, quotes included; bytes that are no UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

}  // namespace palaestra
