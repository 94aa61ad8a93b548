#include <palaestra/envs/keywords.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra::envs {
namespace {

/// As it would be written: text in quotes.
std::string shown(const Keyword& value) {
  const auto* text = std::get_if<std::string>(&value);
  return text != nullptr ? concat('"', *text, '"') : concat(std::get<double>(value));
}

/// The names in order, each once; numbers of one name as a range: "desc, weight_0 to weight_2".
std::string listed(const std::vector<std::string>& names) {
  std::vector<std::string> once;
  for (const std::string& name : names) {  // an option may be looked at before it is read
    if (std::find(once.begin(), once.end(), name) == once.end()) {
      once.push_back(name);
    }
  }
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < once.size(); ++i) {
    parts.push_back(once[i]);
    if (once[i].ends_with("_0")) {
      const std::string stem = once[i].substr(0, once[i].size() - 1);
      const std::size_t first = i;
      while (i + 1 < once.size() && once[i + 1] == concat(stem, i + 1 - first)) {
        i += 1;
      }
      if (i > first) {
        parts.back() += " to " + once[i];
      }
    }
  }
  return join(parts, ", ");
}

}  // namespace

const Keyword* KeywordReader::given(const std::string& name) {
  known_.push_back(name);
  const auto found = keywords_.find(name);
  return found == keywords_.end() ? nullptr : &found->second;
}

double KeywordReader::number(const std::string& name, double fallback, double low, double high) {
  return number(name, low, high).value_or(fallback);
}

std::optional<double> KeywordReader::number(const std::string& name, double low, double high) {
  const Keyword* value = given(name);
  if (value == nullptr) {
    return std::nullopt;
  }
  const auto* number = std::get_if<double>(value);
  require(number != nullptr && std::isfinite(*number) && *number >= low && *number <= high, id_,
          ": option ", name, " is ", shown(*value), "; accepted: ", to_text(low), " to ",
          to_text(high));
  return *number;
}

double KeywordReader::bound(const std::string& name, double fallback) {
  const Keyword* value = given(name);
  if (value == nullptr) {
    return fallback;
  }
  const auto* number = std::get_if<double>(value);
  require(number != nullptr && !std::isnan(*number), id_, ": option ", name, " is ", shown(*value),
          "; accepted: a number or an infinity");
  return *number;
}

std::string KeywordReader::text(const std::string& name, const std::string& fallback) {
  const Keyword* value = given(name);
  if (value == nullptr) {
    return fallback;
  }
  const auto* text = std::get_if<std::string>(value);
  require(text != nullptr, id_, ": option ", name, " is ", shown(*value), "; accepted: text");
  return *text;
}

bool KeywordReader::is_text(const std::string& name) {
  const Keyword* value = given(name);
  return value != nullptr && std::holds_alternative<std::string>(*value);
}

std::string KeywordReader::choice(const std::string& name, const std::string& fallback,
                                  const std::vector<std::string>& accepted) {
  const Keyword* value = given(name);
  if (value == nullptr) {
    return fallback;
  }
  const auto* text = std::get_if<std::string>(value);
  std::string list;
  for (const std::string& word : accepted) {
    list += (list.empty() ? "" : ", ") + word;
  }
  require(text != nullptr && std::find(accepted.begin(), accepted.end(), *text) != accepted.end(),
          id_, ": option ", name, " is ", shown(*value), "; accepted: ", list);
  return *text;
}

bool KeywordReader::flag(const std::string& name, bool fallback) {
  const double value = number(name, fallback ? 1.0 : 0.0, 0.0, 1.0);
  require(value == 0.0 || value == 1.0, id_, ": option ", name, " is ", value,
          "; accepted: 0 or 1 (false or true)");
  return value == 1.0;
}

std::string KeywordReader::hint(const std::string& name) const {
  if (known_.empty()) {
    return "; it has none";
  }
  const std::string meant = did_you_mean(name, known_);
  return meant.empty() ? "; accepted: " + listed(known_) : meant;
}

void KeywordReader::finish() const {
  for (const auto& [name, value] : keywords_) {
    require(std::find(known_.begin(), known_.end(), name) != known_.end(), id_, " has no option \"",
            name, "\"", hint(name));
  }
}

}  // namespace palaestra::envs
