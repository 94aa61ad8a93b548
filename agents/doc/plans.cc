#include <palaestra/agents/doc/plans.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <palaestra/core/error.h>

namespace palaestra::agents::doc {

Plans::Plans(Index rows, Index latent_size)
    : latent(latent_size),
      steps(static_cast<std::size_t>(rows)),
      z(static_cast<std::size_t>(rows * latent_size)),
      value(steps.size()),
      promised(steps.size()) {}

void Plans::save(ArchiveWriter& archive, std::string_view prefix) const {
  archive.put(concat(prefix, "steps"), steps);
  archive.put(concat(prefix, "z"), z);
  archive.put(concat(prefix, "value"), value);
  archive.put(concat(prefix, "promised"), promised);
}

void Plans::load(const ArchiveReader& archive, std::string_view prefix) {
  Plans other = *this;
  archive.get(concat(prefix, "steps"), other.steps);
  archive.get(concat(prefix, "z"), other.z);
  archive.get(concat(prefix, "value"), other.value);
  archive.get(concat(prefix, "promised"), other.promised);
  for (const Index x : other.steps) {
    require(x >= 0, "doc: \"", prefix, "steps\" holds ", x, "; accepted: 0 and up");
  }
  for (const std::vector<float>* numbers : {&other.z, &other.value}) {
    for (const float x : *numbers) {
      require(std::isfinite(x), "doc: \"", prefix, "\" holds ", x, "; accepted: finite numbers");
    }
  }
  // a copy, not a swap: programs have the address of z
  std::ranges::copy(other.z, z.begin());
  steps = std::move(other.steps);
  value = std::move(other.value);
  promised = std::move(other.promised);
}

}  // namespace palaestra::agents::doc
