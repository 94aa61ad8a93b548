#include <palaestra/agents/doc/kept_windows.h>

#include <palaestra/core/error.h>

namespace palaestra::agents::doc {

KeptWindows::KeptWindows(const replay::Storage& data, const rollout::WindowSampling& sampling,
                         Index windows, Index at_once, Stream random)
    : windows_(windows), gather_(data, sampling.columns) {
  require(data.size() >= 1, "doc: the data hold no rows that can be drawn");
  replay::require_shape(sampling.shape, "doc");
  for (Index left = windows; left > 0; left -= at_once) {
    Batch& batch = batches_.emplace_back();
    batch.draw.resize(at_once);
    replay::draw_uniform(data, random, batch.draw);
    gather_(data, batch.draw, sampling.shape, Threads{1}, batch.memory);
  }
}

}  // namespace palaestra::agents::doc
