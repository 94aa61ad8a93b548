#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/envs/keyword.h>

namespace palaestra::envs {

/// Reads an environment's keyword options. Names that nobody asked for are errors, with the nearest
/// known name, or all where none is near: call finish() last.
class KeywordReader {
 public:
  KeywordReader(std::string_view id, const Keywords& keywords) : id_(id), keywords_(keywords) {}

  /// The environment that the options are for.
  const std::string& id() const { return id_; }

  /// The option as a finite number within [low, high]; `fallback` when it was not given.
  double number(const std::string& name, double fallback, double low, double high);
  /// The same; nothing when it was not given.
  std::optional<double> number(const std::string& name, double low, double high);
  /// The option as one end of a range: any number, infinities included.
  double bound(const std::string& name, double fallback);
  /// The option as 0 or 1.
  bool flag(const std::string& name, bool fallback);
  /// The option as text; `fallback` when it was not given.
  std::string text(const std::string& name, const std::string& fallback);
  /// Whether the option was given as text.
  bool is_text(const std::string& name);
  /// The option as one of some words.
  std::string choice(const std::string& name, const std::string& fallback,
                     const std::vector<std::string>& accepted);
  void finish() const;

 private:
  const Keyword* given(const std::string& name);
  /// What to write instead of a name that is unknown.
  std::string hint(const std::string& name) const;

  std::string id_;
  const Keywords& keywords_;
  std::vector<std::string> known_;
};

}  // namespace palaestra::envs
