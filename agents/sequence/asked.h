#pragma once

#include <cmath>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <palaestra/core/archive.h>

namespace palaestra::agents::sequence {

/// The return that is still asked for in each row of a batch, undiscounted.
class Asked {
 public:
  explicit Asked(Index rows)
      : asked_(static_cast<std::size_t>(rows)), promised_(static_cast<std::size_t>(rows)) {}

  /// A row's next step: its episode begins, and `target` is asked for; or it has earned something.
  /// Returns what is asked for now.
  double ask(Index row, bool begins, double target, float earned) {
    const auto i = static_cast<std::size_t>(row);
    if (begins) {
      asked_[i] = promised_[i] = target;
    } else {
      asked_[i] -= double{earned};
    }
    return asked_[i];
  }

  /// What was asked for at first, [rows].
  std::span<const double> promised() const { return promised_; }

  void save(ArchiveWriter& archive, std::string_view prefix) const {
    archive.put(concat(prefix, "asked"), asked_);
    archive.put(concat(prefix, "promised"), promised_);
  }
  /// Throws UserError on a mismatch and then leaves everything as it was.
  void load(const ArchiveReader& archive, std::string_view prefix) {
    auto asked = asked_, promised = promised_;
    archive.get(concat(prefix, "asked"), asked);
    archive.get(concat(prefix, "promised"), promised);
    for (const double x : asked) {
      require(std::isfinite(x), "\"", prefix, "asked\" holds ", x, "; accepted: finite numbers");
    }
    asked_ = std::move(asked);
    promised_ = std::move(promised);
  }

 private:
  std::vector<double> asked_, promised_;
};

}  // namespace palaestra::agents::sequence
