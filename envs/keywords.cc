#include <palaestra/envs/keywords.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra::envs {

double KeywordReader::number(const std::string& name, double fallback, double low, double high) {
  known_.push_back(name);
  const auto found = keywords_.find(name);
  if (found == keywords_.end()) {
    return fallback;
  }
  const double value = found->second;
  require(std::isfinite(value) && value >= low && value <= high, id_, ": option ", name, " is ",
          value, "; accepted: ", to_text(low), " to ", to_text(high));
  return value;
}

double KeywordReader::bound(const std::string& name, double fallback) {
  known_.push_back(name);
  const auto found = keywords_.find(name);
  if (found == keywords_.end()) {
    return fallback;
  }
  require(!std::isnan(found->second), id_, ": option ", name, " is not a number");
  return found->second;
}

bool KeywordReader::flag(const std::string& name, bool fallback) {
  const double value = number(name, fallback ? 1.0 : 0.0, 0.0, 1.0);
  require(value == 0.0 || value == 1.0, id_, ": option ", name, " is ", value,
          "; accepted: 0 or 1 (false or true)");
  return value == 1.0;
}

void KeywordReader::finish() const {
  for (const auto& [name, value] : keywords_) {
    require(std::find(known_.begin(), known_.end(), name) != known_.end(), id_, " has no option \"",
            name, "\"", did_you_mean(name, known_));
  }
}

}  // namespace palaestra::envs
