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

}  // namespace

std::vector<toml::table> expand(const toml::table& table, const std::string& where,
                                std::vector<std::string>& problems) {
  const toml::node* each = table.get("each");
  if (each == nullptr) {
    return {table};
  }
  const toml::array* entries = each->as_array();
  std::vector<toml::table> result;
  for (std::size_t i = 0; entries != nullptr && i < entries->size(); ++i) {
    const toml::table* values = entries->get(i)->as_table();
    if (values == nullptr) {
      break;
    }
    toml::table copy = table;
    copy.erase("each");
    Substitution(*values).in_table(copy);
    result.push_back(std::move(copy));
  }
  if (entries == nullptr || entries->empty() || result.size() != entries->size()) {
    problems.push_back(where + ": each is no list of tables");
    return {};
  }
  return result;
}

}  // namespace palaestra::experiments
