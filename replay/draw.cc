#include <palaestra/replay/draw.h>

#include <algorithm>

namespace palaestra::replay {

void Draw::resize(Index rows) {
  const auto n = static_cast<std::size_t>(rows);
  slot.resize(n);
  id.resize(n);
  probability.resize(n);
  weight.resize(n);
  work.resize(n);
  bits.resize(n);
}

void draw_uniform(const Storage& storage, Stream& random, Draw& out) {
  const Index size = storage.size();
  random.fill_below(size, out.slot);
  for (std::size_t i = 0; i < out.slot.size(); ++i) {
    const Storage::Place place = storage.locate(out.slot[i]);
    out.slot[i] = storage.slot_of(place);
    out.id[i] = storage.id_of(place);
  }
  std::fill(out.probability.begin(), out.probability.end(), 1.0 / static_cast<double>(size));
  std::fill(out.weight.begin(), out.weight.end(), 1.0f);
}

}  // namespace palaestra::replay
