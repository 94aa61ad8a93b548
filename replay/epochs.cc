#include <palaestra/replay/epochs.h>

#include <algorithm>

#include <palaestra/core/error.h>

namespace palaestra::replay {

void Epochs::begin(const Storage& storage, Stream& random) {
  order_.resize(static_cast<std::size_t>(storage.size()));
  for (std::size_t k = 0; k < order_.size(); ++k) {
    order_[k] = storage.id_of(storage.locate(static_cast<Index>(k)));
  }
  random.shuffle(std::span(order_));
  next_ = 0;
  ++count_;
}

void Epochs::draw(const Storage& storage, Stream& random, Index rows, Draw& out) {
  require(rows >= 1 && rows <= Index{1} << 31, "Epochs::draw: rows is ", rows,
          ", expected 1 to 2^31");
  require(storage.size() > 0, "Epochs::draw: the buffer is empty");
  out.resize(rows);
  for (std::size_t i = 0; i < out.id.size();) {
    if (remaining() == 0) {
      begin(storage, random);
    }
    const RowId row = order_[static_cast<std::size_t>(next_++)];
    if (storage.presence(row) == Storage::Presence::kStored) {
      out.id[i] = row;
      out.slot[i] = storage.slot_of(storage.place_of(row));
      out.probability[i] = 1.0 / static_cast<double>(order_.size());
      ++i;
    }
  }
  std::fill(out.weight.begin(), out.weight.end(), 1.0f);
}

void Epochs::save(ArchiveWriter& archive, const std::string& prefix) const {
  archive.put(prefix + "epochs.order", order_);
  archive.put(prefix + "epochs.position", std::vector{next_, count_});
}

void Epochs::load(const ArchiveReader& archive, const std::string& prefix, const Storage& storage) {
  const auto order = archive.get_vector<RowId>(prefix + "epochs.order");
  std::vector<Index> position(2);
  archive.get(prefix + "epochs.position", position);
  const bool known = std::none_of(order.begin(), order.end(), [&](RowId row) {
    return storage.presence(row) == Storage::Presence::kNever;
  });
  require(known && position[0] >= 0 && position[0] <= std::ssize(order) && position[1] >= 0 &&
              (position[1] > 0 || order.empty()),
          "replay: the archive's order of an epoch is inconsistent; nothing was loaded");
  order_ = order;
  next_ = position[0];
  count_ = position[1];
}

}  // namespace palaestra::replay
