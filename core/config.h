#pragma once

// Plain aggregates with defaults become TOML, command-line settings, Python keyword arguments,
// range checks and documentation through one list of fields per struct:
//
//   struct SacConfig {
//     double learning_rate = 3e-4;
//     Index batch_size = 256;
//     std::vector<Index> hidden = {256, 256};
//     Backup backup = Backup::kMin;         // enum class Backup { kMin, kMean }
//     OptimizerConfig optimizer;            // a struct with fields() becomes a table
//
//     static constexpr auto fields() {
//       return std::tuple{
//           field("learning_rate", &SacConfig::learning_rate, "step size of Adam", above(0)),
//           field("batch_size", &SacConfig::batch_size, "rows per update", between(1, 1 << 20)),
//           field("hidden", &SacConfig::hidden, "units of each hidden layer", at_least(1)),
//           field("backup", &SacConfig::backup, "how critics are joined", one_of("min", "mean")),
//           field("optimizer", &SacConfig::optimizer, "moments of Adam")};
//     }
//     // optional: what no single field can say
//     void check(std::vector<std::string>& problems) const;
//   };
//
// Types: bool, int, Index, double, std::string, std::vector<Index>, std::vector<double>, an enum
// whose values count from 0 (with one_of), and structs with fields() of their own.

#include <array>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <palaestra/core/types.h>

namespace palaestra {

/// Accepted values of a numeric field (of each element of a list), both ends included.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool open_low = false;   ///< the lower end itself is excluded
  bool open_high = false;  ///< the upper end itself is excluded
};
constexpr Range at_least(double low) { return {.low = low}; }
constexpr Range above(double low) { return {.low = low, .open_low = true}; }
constexpr Range at_most(double high) { return {.high = high}; }
constexpr Range between(double low, double high) { return {.low = low, .high = high}; }
/// low <= x < high
constexpr Range half_open(double low, double high) {
  return {.low = low, .high = high, .open_high = true};
}

/// The names of an enum's values, from 0 on, or the accepted values of a text.
struct Choices {
  std::array<std::string_view, 16> name{};
  std::size_t count = 0;
};
template <class... Names>
constexpr Choices one_of(Names... names) {
  static_assert(sizeof...(names) <= 16);
  return {{std::string_view(names)...}, sizeof...(names)};
}

/// One entry of a field list.
template <class Struct, class T>
struct Field {
  std::string_view name;
  T Struct::*member;
  std::string_view doc;
  Range range{};
  Choices choices{};
};
template <class Struct, class T>
constexpr Field<Struct, T> field(std::string_view name, T Struct::*member, std::string_view doc,
                                 Range range = {}) {
  return {name, member, doc, range, {}};
}
template <class Struct, class T>
constexpr Field<Struct, T> field(std::string_view name, T Struct::*member, std::string_view doc,
                                 Choices choices) {
  return {name, member, doc, {}, choices};
}

template <class T>
concept Configurable = requires {
  T::fields();
};

/// What a field can hold. Enums appear as their names.
using ConfigValue =
    std::variant<bool, Index, double, std::string, std::vector<Index>, std::vector<double>>;

enum class ConfigType : unsigned char { kBool, kInteger, kNumber, kText, kIntegers, kNumbers };

/// What is known of a field without an object.
struct FieldInfo {
  std::string key;  ///< with dots: "optimizer.beta1"
  ConfigType type;
  std::string type_name;  ///< "bool", "integer", "number", "text", "integers", "numbers"
  std::string accepted;   ///< "above 0", "one of min, mean"; empty: everything of that type
  std::string doc;
  ConfigValue default_value;
};

/// The fields of one object (or several, each under its table), as one flat list of dotted keys.
/// Refers to the objects, which must outlive it.
class Settings {
 public:
  Settings() = default;

  /// Adds the fields of `object` under `table` ("" = the root). Throws std::logic_error when a key
  /// is there already.
  template <Configurable C>
  Settings& add(C& object, std::string_view table = "");

  /// Sets one field from text as typed on a command line: `true`, `3`, `1e6` (also for integers,
  /// where exact), `0.5`, `mean`, `256,256` or `[256, 256]`. Throws UserError for an unknown key
  /// (with the nearest name) and for a value that is not accepted; nothing has changed then.
  void set(std::string_view key, std::string_view text);
  void set(std::string_view key, const char* text) { set(key, std::string_view(text)); }
  void set(std::string_view key, const std::string& text) { set(key, std::string_view(text)); }
  /// The same from a value; integers serve as numbers, whole numbers as integers.
  void set(std::string_view key, const ConfigValue& value);
  ConfigValue get(std::string_view key) const;

  /// Reads TOML; keys that are not there keep their values. `source` names the text in messages.
  /// Throws UserError that lists all problems; nothing has changed then.
  void read_toml(std::string_view text, std::string_view source = "configuration");

  /// All fields, defaults included. Read back, it gives the same values to the bit. With `comments`
  /// each line says what the field means and what is accepted.
  std::string to_toml(bool comments = false) const;

  /// Everything wrong with the present values: ranges, names, and the structs' own checks.
  std::vector<std::string> problems() const;
  /// Throws UserError that lists problems(), if there are any.
  void validate() const;

  /// The fields in order; `default_value` is the present value.
  std::vector<FieldInfo> describe() const;

 private:
  struct Entry {
    std::string key;
    std::string doc;
    ConfigType type;
    Range range;
    std::vector<std::string> choices;
    std::function<ConfigValue()> get;
    /// Receives the alternative of ConfigValue that belongs to `type`, already checked.
    std::function<void(const ConfigValue&)> set;
  };

  template <class C>
  void add_fields(C& object, const std::string& prefix);
  /// Throws std::logic_error when the key is there already.
  Entry& add_entry(const std::string& prefix, std::string_view name, std::string_view doc,
                   Range range, const Choices& choices);
  /// Out of line, as add_entry(): else every field of every struct is compiled anew.
  template <class T>
  [[gnu::noinline]] static void bind(Entry& entry, T& place);

  const Entry& find(std::string_view key) const;
  std::string unknown_key(std::string_view key) const;
  static std::string accepted(const Entry& entry);
  static std::string problem(const Entry& entry, const ConfigValue& value);
  static ConfigValue convert(const Entry& entry, const ConfigValue& value);

  std::vector<Entry> entries_;
  std::vector<std::function<void(std::vector<std::string>&)>> checks_;
};

/// A value as TOML writes it.
std::string toml_value(const ConfigValue& value);

// ---- the same for one struct ----------------------------------------------------------------

template <Configurable C>
std::string to_toml(const C& config, bool comments = false) {
  C copy = config;
  return Settings().add(copy).to_toml(comments);
}

/// Reads TOML over `config`. Throws UserError that lists all problems, range checks and the
/// struct's own check() included; `config` is unchanged then.
template <Configurable C>
void read_toml(C& config, std::string_view text, std::string_view source = "configuration") {
  C copy = config;
  Settings settings;
  settings.add(copy).read_toml(text, source);
  settings.validate();
  config = std::move(copy);
}

/// Sets one field from command-line text; see Settings::set.
template <Configurable C>
void set(C& config, std::string_view key, std::string_view text) {
  Settings().add(config).set(key, text);
}

/// Throws UserError that lists everything wrong with `config`.
template <Configurable C>
void validate(const C& config) {
  C copy = config;
  Settings().add(copy).validate();
}

/// The fields of a struct with their defaults.
template <Configurable C>
std::vector<FieldInfo> describe() {
  C defaults;
  return Settings().add(defaults).describe();
}

// ---- implementation -------------------------------------------------------------------------

namespace detail {

template <class T>
constexpr ConfigType config_type() {
  if constexpr (std::is_same_v<T, bool>) {
    return ConfigType::kBool;
  } else if constexpr (std::is_same_v<T, int> || std::is_same_v<T, Index>) {
    return ConfigType::kInteger;
  } else if constexpr (std::is_same_v<T, double>) {
    return ConfigType::kNumber;
  } else if constexpr (std::is_same_v<T, std::string> || std::is_enum_v<T>) {
    return ConfigType::kText;
  } else if constexpr (std::is_same_v<T, std::vector<Index>>) {
    return ConfigType::kIntegers;
  } else {
    static_assert(std::is_same_v<T, std::vector<double>>, "not a type that a field can have");
    return ConfigType::kNumbers;
  }
}

/// Where `name` stands in `names`; the caller has checked that it does.
Index position_of(const std::string& name, const std::vector<std::string>& names);

/// Throws std::logic_error unless an enum has names.
void check_has_choices(std::string_view name, bool has);

}  // namespace detail

template <class T>
void Settings::bind(Entry& entry, T& place) {
  entry.type = detail::config_type<T>();
  if constexpr (std::is_enum_v<T>) {
    detail::check_has_choices(entry.key, !entry.choices.empty());
    entry.get = [&place, names = entry.choices] {
      return ConfigValue(names.at(static_cast<std::size_t>(place)));
    };
    entry.set = [&place, names = entry.choices](const ConfigValue& value) {
      place = static_cast<T>(detail::position_of(std::get<std::string>(value), names));
    };
  } else if constexpr (std::is_same_v<T, int>) {
    entry.range.low = std::max<double>(entry.range.low, std::numeric_limits<int>::min());
    entry.range.high = std::min<double>(entry.range.high, std::numeric_limits<int>::max());
    entry.get = [&place] { return ConfigValue(Index{place}); };
    entry.set = [&place](const ConfigValue& value) {
      place = static_cast<int>(std::get<Index>(value));
    };
  } else {
    entry.get = [&place] { return ConfigValue(place); };
    entry.set = [&place](const ConfigValue& value) { place = std::get<T>(value); };
  }
}

template <class C>
void Settings::add_fields(C& object, const std::string& prefix) {
  const auto add_one = [&]<class T>(const Field<C, T>& f) {
    T& place = object.*f.member;
    if constexpr (Configurable<T>) {
      add_fields(place, prefix + std::string(f.name) + ".");
    } else {
      bind(add_entry(prefix, f.name, f.doc, f.range, f.choices), place);
    }
  };
  static constexpr auto kFields = C::fields();  // made by the compiler, not by code
  std::apply([&](const auto&... f) { (add_one(f), ...); }, kFields);
  if constexpr (requires(std::vector<std::string> & problems) {
                  std::as_const(object).check(problems);
                }) {
    checks_.emplace_back(
        [&object](std::vector<std::string>& problems) { std::as_const(object).check(problems); });
  }
}

template <Configurable C>
Settings& Settings::add(C& object, std::string_view table) {
  add_fields(object, table.empty() ? std::string() : std::string(table) + ".");
  return *this;
}

}  // namespace palaestra
