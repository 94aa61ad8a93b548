#include <algorithm>
#include <optional>
#include <sstream>

#include <toml++/toml.h>

#include <palaestra/core/config.h>
#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra {
namespace {

/// A TOML basic string, which escapes as JSON does.
std::string quoted(const std::string& text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

template <class T>
std::string list(const std::vector<T>& values) {
  std::vector<std::string> parts;
  parts.reserve(values.size());
  for (const T x : values) {
    parts.push_back(toml_value(ConfigValue(x)));
  }
  return concat('[', join(parts, ", "), ']');
}

/// A node as a value; nothing for dates, tables and mixed arrays.
std::optional<ConfigValue> value_of(const toml::node& node) {
  if (const auto* flag = node.as_boolean()) {
    return flag->get();
  }
  if (const auto* integer = node.as_integer()) {
    return Index{integer->get()};
  }
  if (const auto* number = node.as_floating_point()) {
    return number->get();
  }
  if (const auto* text = node.as_string()) {
    return text->get();
  }
  if (const auto* array = node.as_array()) {
    std::vector<Index> integers;
    std::vector<double> numbers;
    for (const toml::node& element : *array) {
      if (!element.is_number()) {
        return std::nullopt;
      }
      numbers.push_back(*element.value<double>());
      if (element.is_integer()) {
        integers.push_back(element.as_integer()->get());
      }
    }
    if (integers.size() == numbers.size()) {
      return integers;
    }
    return numbers;
  }
  return std::nullopt;
}

/// Visits the leaves of nested tables with their dotted keys.
template <class Visit>
void each_leaf(const toml::table& table, const std::string& prefix, Visit&& visit) {
  for (const auto& [key, node] : table) {
    const std::string path = prefix + std::string(key.str());
    if (const auto* inner = node.as_table()) {
      each_leaf(*inner, path + ".", visit);
    } else {
      visit(path, node);
    }
  }
}

std::string table_of(const std::string& key) {
  const auto dot = key.rfind('.');
  return dot == std::string::npos ? "" : key.substr(0, dot);
}

}  // namespace

std::string toml_value(const ConfigValue& value) {
  return std::visit(
      []<class T>(const T& x) -> std::string {
        if constexpr (std::is_same_v<T, bool>) {
          return x ? "true" : "false";
        } else if constexpr (std::is_same_v<T, Index>) {
          return std::to_string(x);
        } else if constexpr (std::is_same_v<T, double>) {
          return to_text(x);
        } else if constexpr (std::is_same_v<T, std::string>) {
          return quoted(x);
        } else {
          return list(x);
        }
      },
      value);
}

std::string Settings::to_toml(bool comments) const {
  // a table's own keys must come before the tables inside it
  std::vector<std::string> tables = {""};
  for (const Entry& entry : entries_) {
    const std::string table = table_of(entry.key);
    if (std::find(tables.begin(), tables.end(), table) == tables.end()) {
      tables.push_back(table);
    }
  }
  std::ostringstream out;
  for (const std::string& table : tables) {
    if (!table.empty()) {
      out << (out.tellp() > 0 ? "\n" : "") << '[' << table << "]\n";
    }
    for (const Entry& entry : entries_) {
      if (table_of(entry.key) != table) {
        continue;
      }
      if (comments) {
        const std::string range = accepted(entry);
        out << "# " << entry.doc << (range.empty() ? "" : "; " + range) << '\n';
      }
      out << entry.key.substr(table.empty() ? 0 : table.size() + 1) << " = "
          << toml_value(entry.get()) << '\n';
    }
  }
  return std::move(out).str();
}

void Settings::read_toml(std::string_view text, std::string_view source) {
  toml::table root;
  try {
    root = toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    throw UserError(concat(source, ", line ", error.source().begin.line, ", column ",
                           error.source().begin.column, ": ", error.description()));
  }
  std::vector<std::string> wrong;
  std::vector<std::pair<const Entry*, ConfigValue>> changes;
  each_leaf(root, "", [&](const std::string& key, const toml::node& node) {
    const std::string place = concat(source, ", line ", node.source().begin.line, ": ");
    const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& e) { return e.key == key; });
    if (entry == entries_.end()) {
      wrong.push_back(place + unknown_key(key));
      return;
    }
    const auto value = value_of(node);
    if (!value) {
      std::ostringstream shown;
      shown << toml::node_view<const toml::node>(node);
      // a text is shown as what was written; no entry accepts it, since texts have a value
      wrong.push_back(concat(place, key, " is ", shown.str(), "; accepted: ", accepted(*entry)));
      return;
    }
    ConfigValue converted = convert(*entry, *value);
    const std::string reason = problem(*entry, converted);
    if (!reason.empty()) {
      wrong.push_back(place + reason);
      return;
    }
    changes.emplace_back(&*entry, std::move(converted));
  });
  require(wrong.empty(), join(wrong, "\n"));
  for (const auto& [entry, value] : changes) {
    entry->set(value);
  }
}

}  // namespace palaestra
