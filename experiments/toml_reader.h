#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/experiments/experiment.h>

namespace palaestra::experiments {

/// A table of an experiment's file. What is wrong with it is added to `problems`, after the place
/// where it is, so that a file's mistakes are told all at once; what cannot be read comes back
/// empty or 0.
class TomlReader {
 public:
  TomlReader(const toml::table& table, std::string where, std::vector<std::string>& problems)
      : table_(table), where_(std::move(where)), problems_(problems) {}

  template <class... Parts>
  void problem(const Parts&... parts) {
    problems_.push_back(concat(where_, ": ", parts...));
  }

  std::string text(std::string_view key, bool needed = true) {
    const toml::node* node = take(key, needed);
    if (node == nullptr) {
      return {};
    }
    const auto value = node->value_exact<std::string>();
    if (!value || value->empty()) {
      problem(key, " is no text");
      return {};
    }
    return *value;
  }

  double number(std::string_view key, std::optional<double> otherwise = {}) {
    const toml::node* node = take(key, !otherwise);
    if (node == nullptr) {
      return otherwise.value_or(0);
    }
    const auto value = node->is_number() ? node->value<double>() : std::nullopt;
    if (!value || !std::isfinite(*value)) {
      problem(key, " is no finite number");
      return 0;
    }
    return *value;
  }

  std::vector<std::string> texts(std::string_view key, bool needed) {
    std::vector<std::string> result;
    if (const toml::node* node = take(key, needed)) {
      if (const auto one = node->value_exact<std::string>()) {
        return {*one};
      }
      const toml::array* array = node->as_array();
      for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
        result.push_back(array->get(i)->value_exact<std::string>().value_or(""));
      }
      if (result.empty() || std::ranges::count(result, "") > 0) {
        problem(key, " is no list of texts");
      }
    }
    return result;
  }

  /// A list of finite numbers.
  std::vector<double> numbers(std::string_view key, bool needed) {
    std::vector<double> result;
    if (const toml::node* node = take(key, needed)) {
      const toml::array* array = node->as_array();
      for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
        const toml::node& element = *array->get(i);
        result.push_back(element.is_number() ? element.value<double>().value_or(NAN) : NAN);
      }
      if (result.empty() ||
          !std::ranges::all_of(result, [](double v) { return std::isfinite(v); })) {
        problem(key, " is no list of finite numbers");
        result.clear();
      }
    }
    return result;
  }

  bool flag(std::string_view key) {
    const toml::node* node = take(key, false);
    if (node != nullptr && !node->is_boolean()) {
      problem(key, " is neither true nor false");
    }
    return node != nullptr && node->value_or(false);
  }

  std::vector<Index> integers(std::string_view key) {
    std::vector<Index> result;
    if (const toml::node* node = take(key, false)) {
      const toml::array* array = node->as_array();
      if (array == nullptr) {
        problem(key, " is no list of whole numbers");
      }
      for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
        const auto value = array->get(i)->value_exact<std::int64_t>();
        if (!value || *value < 0) {
          problem(key, " has an element that is no whole number from 0 on");
        }
        result.push_back(value.value_or(0));
      }
    }
    return result;
  }

  /// `key = 3`, for every scale, or `key = {smoke = 1, full = 3}`, 0 for the scales left out.
  std::array<Index, 3> by_scale(std::string_view key, bool needed, Index most = 10'000) {
    std::array<Index, 3> result{};
    const toml::node* node = take(key, needed);
    if (node == nullptr) {
      return result;
    }
    const auto count = [&](const toml::node& from) {
      const auto value = from.value_exact<std::int64_t>();
      if (!value || *value < 0 || *value > most) {
        problem(key, " is no count from 0 to ", most);
      }
      return value.value_or(0);
    };
    if (const toml::table* table = node->as_table()) {
      for (const auto& [name, value] : *table) {
        const auto at = std::ranges::find(kScaleNames, name.str());
        if (at == kScaleNames.end()) {
          problem(key, ".", name.str(), " is no scale; accepted: smoke, quick, full");
          continue;
        }
        result[static_cast<std::size_t>(at - kScaleNames.begin())] = count(value);
      }
    } else {
      result.fill(count(*node));
    }
    return result;
  }

  template <std::size_t n>
  std::size_t choice(std::string_view key, const std::array<std::string_view, n>& names,
                     std::string_view otherwise = "") {
    const std::string value = has(key) || otherwise.empty() ? text(key) : std::string(otherwise);
    const auto at = std::ranges::find(names, std::string_view(value));
    if (at == names.end() && !value.empty()) {
      problem(key, " is ", shown(value),
              "; accepted: ", join(std::vector<std::string>(names.begin(), names.end()), ", "));
    }
    return at == names.end() ? 0 : static_cast<std::size_t>(at - names.begin());
  }

  bool has(std::string_view key) const { return table_.contains(key); }
  const toml::table* table(std::string_view key, bool needed) {
    const toml::node* node = take(key, needed);
    if (node != nullptr && !node->is_table()) {
      problem(key, " is no table");
    }
    return node != nullptr ? node->as_table() : nullptr;
  }

  void known(std::string_view key) { known_.insert(std::string(key)); }
  /// Notes every key that nobody asked for.
  void finish() {
    for (const auto& [key, value] : table_) {
      if (!known_.contains(std::string(key.str()))) {
        const std::vector<std::string> names(known_.begin(), known_.end());
        problem("unknown key ", shown(key.str()), "; accepted: ", join(names, ", "),
                did_you_mean(key.str(), names));
      }
    }
  }

 private:
  const toml::node* take(std::string_view key, bool needed) {
    known_.insert(std::string(key));
    const toml::node* node = table_.get(key);
    if (node == nullptr && needed) {
      problem(key, " is missing");
    }
    return node;
  }

  const toml::table& table_;
  std::string where_;
  std::vector<std::string>& problems_;
  std::set<std::string> known_;
};

}  // namespace palaestra::experiments
