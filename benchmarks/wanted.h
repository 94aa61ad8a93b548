#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace palaestra::benchmarks {

/// Which rows somebody asked for: those of these names, and those whose names begin with one of
/// them up to a slash ("mujoco", "mujoco/Ant-v5"). Without names all.
class Wanted {
 public:
  explicit Wanted(std::vector<std::string> names) : names_(std::move(names)) {}

  /// Whether a row is to be shown.
  bool row(std::string_view name) const;
  /// Whether any row whose name begins with `beginning` and a slash may be: a family need not
  /// measure the others.
  bool below(std::string_view beginning) const;

  /// Every name and beginning that the two above were asked about: what could have been wanted.
  const std::set<std::string>& offered() const { return offered_; }

 private:
  std::vector<std::string> names_;
  mutable std::set<std::string> offered_;
};

}  // namespace palaestra::benchmarks
