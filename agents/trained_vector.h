#pragma once

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/core/error.h>
#include <palaestra/core/parallel.h>
#include <palaestra/core/random.h>
#include <palaestra/nn/optimizer.h>
#include <palaestra/nn/parameters.h>

namespace palaestra::agents {

/// Parameters with their gradient and optimiser. Programs hold the addresses of the numbers: they
/// stay where they are for good.
struct TrainedVector {
  std::vector<float> values, gradient;
  nn::Adam adam;

  /// Initial values as the layout says, drawn from `random`.
  TrainedVector(const nn::Layout& layout, const nn::AdamOptions& options, Stream random)
      : values(static_cast<std::size_t>(layout.size())),
        gradient(values.size()),
        adam(layout.size(), options) {
    nn::initialize(layout, random, std::span(values));
  }

  void step(Threads threads) { adam.step(values, gradient, threads); }

  /// Under prefix + name + ".": the parameters; under prefix + name + "_adam.": the optimiser.
  void save(const nn::Layout& layout, ArchiveWriter& archive, std::string_view prefix,
            std::string_view name) const {
    nn::save<float>(layout, values, archive, concat(prefix, name, "."));
    adam.save(archive, concat(prefix, name, "_adam."));
  }

  /// What save() wrote, read aside: several such vectors must change together or not at all. Throws
  /// UserError on a mismatch.
  struct Saved {
    std::vector<float> values;
    nn::Adam adam;
  };
  Saved read(const nn::Layout& layout, const ArchiveReader& archive, std::string_view prefix,
             std::string_view name) const {
    Saved saved{values, adam};
    nn::load<float>(layout, archive, concat(prefix, name, "."), saved.values);
    saved.adam.load(archive, concat(prefix, name, "_adam."));
    return saved;
  }
  void take(Saved saved) {
    std::copy(saved.values.begin(), saved.values.end(), values.begin());
    adam = std::move(saved.adam);
  }
};

}  // namespace palaestra::agents
