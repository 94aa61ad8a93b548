#include <palaestra/experiments/expand.h>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/experiments/toml_text.h>

namespace palaestra::experiments {
namespace {

/// Replaces what stands in braces in one entry's texts; notes which names were used.
class Substitution {
 public:
  explicit Substitution(const toml::table& values) : values_(values) {}

  void in_table(toml::table& table) {
    for (auto&& [key, node] : table) {
      if (const auto* text = node.as_string()) {
        const std::string before = text->get();
        if (const toml::node* whole = named_by(before)) {
          whole->visit([&, at = key](const auto& value) { table.insert_or_assign(at, value); });
        } else {
          table.insert_or_assign(key, in_text(before));
        }
      } else {
        in_node(node);
      }
    }
  }

 private:
  void in_node(toml::node& node) {
    if (toml::table* table = node.as_table()) {
      in_table(*table);
    } else if (toml::array* array = node.as_array()) {
      for (auto&& element : *array) {
        if (auto* text = element.as_string()) {
          text->get() = in_text(text->get());
        } else {
          in_node(element);
        }
      }
    }
  }

  /// The value that a text names and is nothing beside: "{p}".
  const toml::node* named_by(const std::string& text) const {
    const bool braces = text.size() > 2 && text.front() == '{' && text.back() == '}';
    return braces ? values_.get(text.substr(1, text.size() - 2)) : nullptr;
  }

  std::string in_text(std::string text) const {
    for (const auto& [key, node] : values_) {
      const std::string name = concat('{', key.str(), '}');
      const std::string value = text_of(node);
      for (auto at = text.find(name); at != std::string::npos;
           at = text.find(name, at + value.size())) {
        text.replace(at, name.size(), value);
      }
    }
    return text;
  }

  const toml::table& values_;
};

/// A list of tables; none where it is something else.
std::vector<toml::table> tables_in(const toml::node& node) {
  std::vector<toml::table> tables;
  if (const toml::array* array = node.as_array()) {
    for (const toml::node& entry : *array) {
      if (!entry.is_table()) {
        return {};
      }
      tables.push_back(*entry.as_table());
    }
  }
  return tables;
}

/// The entries of `each`, combined where it is a list of lists; none where it is neither.
std::vector<toml::table> entries_of(const toml::node& each) {
  const toml::array* lists = each.as_array();
  if (lists == nullptr || lists->empty() || !lists->get(0)->is_array()) {
    return tables_in(each);
  }
  std::vector<toml::table> combined = {{}};
  for (const toml::node& list : *lists) {
    std::vector<toml::table> longer;
    for (const toml::table& before : combined) {
      for (const toml::table& entry : tables_in(list)) {
        longer.push_back(before);
        for (const auto& [key, value] : entry) {
          longer.back().insert_or_assign(key, value);
        }
      }
    }
    combined = std::move(longer);
  }
  return combined;
}

}  // namespace

std::vector<toml::table> expand(const toml::table& table, const std::string& where,
                                std::vector<std::string>& problems) {
  const toml::node* each = table.get("each");
  if (each == nullptr) {
    return {table};
  }
  std::vector<toml::table> result;
  for (const toml::table& values : entries_of(*each)) {
    result.push_back(table);
    result.back().erase("each");
    Substitution(values).in_table(result.back());
  }
  if (result.empty()) {
    problems.push_back(where + ": each is no list of tables, nor of lists of them");
  }
  return result;
}

}  // namespace palaestra::experiments
