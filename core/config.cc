#include <palaestra/core/config.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra {
namespace {

constexpr std::string_view kTypeNames[] = {"bool", "integer",  "number",
                                           "text", "integers", "numbers"};

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// The whole of `text` as a number, or nothing.
template <class T>
std::optional<T> parse(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+')) {
    text.remove_prefix(1);
  }
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

/// The same whole number, where there is one.
std::optional<Index> whole(double value) {
  if (!(std::abs(value) <= 0x1p62) || value != std::floor(value)) {
    return std::nullopt;
  }
  return static_cast<Index>(value);
}

std::optional<Index> parse_integer(std::string_view text) {
  if (const auto integer = parse<Index>(text)) {
    return integer;
  }
  const auto number = parse<double>(text);  // "1e6"
  return number ? whole(*number) : std::nullopt;
}

/// The elements of "1, 2" or "[1, 2]"; nothing when one of them is malformed.
template <class T, class Parse>
std::optional<std::vector<T>> parse_list(std::string_view text, Parse parse_element) {
  text = trimmed(text);
  if (text.starts_with('[') && text.ends_with(']') && text.size() >= 2) {
    text = trimmed(text.substr(1, text.size() - 2));
  }
  std::vector<T> list;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const auto element = parse_element(text.substr(0, comma));
    if (!element) {
      return std::nullopt;
    }
    list.push_back(*element);
    if (comma == std::string_view::npos) {
      return list;
    }
    text = trimmed(text.substr(comma + 1));
  }
  return list;
}

std::string bound(double x) {
  std::string text = to_text(x);
  if (text.ends_with(".0")) {
    text.resize(text.size() - 2);
  }
  return text;
}

std::string to_text(const Range& range) {
  const bool low = range.low > -std::numeric_limits<double>::infinity();
  const bool high = range.high < std::numeric_limits<double>::infinity();
  if (low && high && !range.open_low && !range.open_high) {
    return bound(range.low) + " to " + bound(range.high);
  }
  std::vector<std::string> parts;
  if (low) {
    parts.push_back((range.open_low ? "above "
                     : high         ? "at least "
                                    : "") +
                    bound(range.low) + (range.open_low || high ? "" : " or more"));
  }
  if (high) {
    parts.push_back((range.open_high ? "below "
                     : low           ? "at most "
                                     : "") +
                    bound(range.high) + (range.open_high || low ? "" : " or less"));
  }
  return join(parts, " and ");
}

bool within(double x, const Range& range) {
  return (range.open_low ? x > range.low : x >= range.low) &&
         (range.open_high ? x < range.high : x <= range.high);
}

/// Whether all numbers of `value` lie in `range`; texts and booleans always do. NaN never does.
bool within(const ConfigValue& value, const Range& range) {
  return std::visit(
      [&]<class T>(const T& x) {
        if constexpr (std::is_same_v<T, Index> || std::is_same_v<T, double>) {
          return within(static_cast<double>(x), range);
        } else if constexpr (std::is_same_v<T, std::vector<Index>> ||
                             std::is_same_v<T, std::vector<double>>) {
          return std::all_of(x.begin(), x.end(),
                             [&](auto e) { return within(static_cast<double>(e), range); });
        } else {
          return true;
        }
      },
      value);
}

ConfigType type_of(const ConfigValue& value) { return static_cast<ConfigType>(value.index()); }

}  // namespace

namespace detail {

Index position_of(const std::string& name, const std::vector<std::string>& names) {
  return std::find(names.begin(), names.end(), name) - names.begin();
}

void check_has_choices(std::string_view name, bool has) {
  if (!has) {
    throw std::logic_error(concat("field ", name, ": an enum needs the names of its values"));
  }
}

}  // namespace detail

Settings::Entry& Settings::add_entry(const std::string& prefix, std::string_view name,
                                     std::string_view doc, Range range, const Choices& choices) {
  std::string key = concat(prefix, name);
  for (const Entry& other : entries_) {
    if (other.key == key) {
      throw std::logic_error(concat("Settings: ", key, " was added before"));
    }
  }
  Entry& entry = entries_.emplace_back();
  entry.key = std::move(key);
  entry.doc = doc;
  entry.range = range;
  entry.choices.assign(choices.name.begin(), choices.name.begin() + choices.count);
  return entry;
}

std::string Settings::unknown_key(std::string_view key) const {
  std::vector<std::string> keys, names;
  for (const Entry& entry : entries_) {
    keys.push_back(entry.key);
    names.push_back(entry.key.substr(entry.key.rfind('.') + 1));
  }
  std::string found(nearest(key, keys));
  if (found.empty()) {  // perhaps the table was forgotten, or another one meant
    const std::string name = nearest(key.substr(key.rfind('.') + 1), names);
    for (std::size_t i = 0; i < keys.size() && found.empty() && !name.empty(); ++i) {
      found = names[i] == name ? keys[i] : "";
    }
  }
  return concat(
      "unknown key \"", key, "\"",
      found.empty() ? "; known: " + join(keys, ", ") : "; did you mean \"" + found + "\"?");
}

const Settings::Entry& Settings::find(std::string_view key) const {
  for (const Entry& entry : entries_) {
    if (entry.key == key) {
      return entry;
    }
  }
  throw UserError(unknown_key(key));
}

std::string Settings::accepted(const Entry& entry) {
  if (!entry.choices.empty()) {
    return "one of " + join(entry.choices, ", ");
  }
  return to_text(entry.range);
}

/// The alternative that belongs to the entry, where `value` can be read as one; else `value`.
ConfigValue Settings::convert(const Entry& entry, const ConfigValue& value) {
  const auto integers_from = [](const std::vector<double>& numbers) {
    std::vector<Index> integers;
    for (const double x : numbers) {
      if (const auto integer = whole(x)) {
        integers.push_back(*integer);
      }
    }
    return integers;
  };
  if (entry.type == ConfigType::kNumber && type_of(value) == ConfigType::kInteger) {
    return static_cast<double>(std::get<Index>(value));
  }
  if (entry.type == ConfigType::kInteger && type_of(value) == ConfigType::kNumber) {
    if (const auto integer = whole(std::get<double>(value))) {
      return *integer;
    }
  }
  if (entry.type == ConfigType::kNumbers && type_of(value) == ConfigType::kIntegers) {
    const auto& integers = std::get<std::vector<Index>>(value);
    return std::vector<double>(integers.begin(), integers.end());
  }
  if (entry.type == ConfigType::kIntegers && type_of(value) == ConfigType::kNumbers) {
    const auto& numbers = std::get<std::vector<double>>(value);
    std::vector<Index> integers = integers_from(numbers);
    if (integers.size() == numbers.size()) {
      return integers;
    }
  }
  return value;
}

/// What is wrong with a converted value, or nothing.
std::string Settings::problem(const Entry& entry, const ConfigValue& value) {
  bool ok = type_of(value) == entry.type && within(value, entry.range);
  if (ok && !entry.choices.empty() && entry.type == ConfigType::kText) {
    const auto& text = std::get<std::string>(value);
    ok = std::find(entry.choices.begin(), entry.choices.end(), text) != entry.choices.end();
    if (!ok) {
      return concat(entry.key, " is \"", text, "\"; accepted: ", accepted(entry),
                    did_you_mean(text, entry.choices));
    }
  }
  if (ok) {
    return "";
  }
  const std::string range = accepted(entry);
  return concat(entry.key, " is ", toml_value(value),
                "; accepted: ", kTypeNames[static_cast<std::size_t>(entry.type)],
                range.empty() ? "" : ", ", range);
}

void Settings::set(std::string_view key, const ConfigValue& value) {
  const Entry& entry = find(key);
  const ConfigValue converted = convert(entry, value);
  const std::string wrong = problem(entry, converted);
  require(wrong.empty(), wrong);
  entry.set(converted);
}

void Settings::set(std::string_view key, std::string_view text) {
  const Entry& entry = find(key);
  std::optional<ConfigValue> value;
  switch (entry.type) {
    case ConfigType::kBool:
      if (trimmed(text) == "true" || trimmed(text) == "false") {
        value = trimmed(text) == "true";
      }
      break;
    case ConfigType::kInteger:
      value = parse_integer(text);
      break;
    case ConfigType::kNumber:
      value = parse<double>(text);
      break;
    case ConfigType::kText:
      value = std::string(text);
      break;
    case ConfigType::kIntegers:
      value = parse_list<Index>(text, parse_integer);
      break;
    case ConfigType::kNumbers:
      value = parse_list<double>(text, parse<double>);
      break;
  }
  // what cannot be read is a text, which the entry does not accept
  set(key, value.value_or(ConfigValue(std::string(text))));
}

ConfigValue Settings::get(std::string_view key) const { return find(key).get(); }

std::vector<std::string> Settings::problems() const {
  std::vector<std::string> found;
  for (const Entry& entry : entries_) {
    std::string wrong = problem(entry, entry.get());
    if (!wrong.empty()) {
      found.push_back(std::move(wrong));
    }
  }
  if (found.empty()) {  // the structs' own checks may rely on the ranges
    for (const auto& check : checks_) {
      check(found);
    }
  }
  return found;
}

void Settings::validate() const {
  const auto found = problems();
  require(found.empty(), join(found, "\n"));
}

std::vector<FieldInfo> Settings::describe() const {
  std::vector<FieldInfo> infos;
  for (const Entry& entry : entries_) {
    infos.push_back({entry.key, entry.type,
                     std::string(kTypeNames[static_cast<std::size_t>(entry.type)]), accepted(entry),
                     entry.doc, entry.get()});
  }
  return infos;
}

}  // namespace palaestra
