#include <palaestra/replay/removal_queue.h>

#include <algorithm>

namespace palaestra::replay {

RemovalQueue::RemovalQueue(Index items)
    : heap_(as_size(items)),
      place_(as_size(items), -1),
      arrival_(as_size(items), -1),
      weight_(as_size(items), 0.0f) {}

RemovalQueue::RemovalQueue(std::span<const Index> arrivals, std::span<const float> weights)
    : RemovalQueue(std::ssize(arrivals)) {
  std::vector<Index> items;
  for (Index item = 0; item < std::ssize(arrivals); ++item) {
    if (arrivals[as_size(item)] >= 0) items.push_back(item);
  }
  std::sort(items.begin(), items.end(),
            [&](Index a, Index b) { return arrivals[as_size(a)] < arrivals[as_size(b)]; });
  for (const Index item : items) {
    next_arrival_ = arrivals[as_size(item)];
    add(item, weights[as_size(item)]);
  }
}

bool RemovalQueue::before(Index a, Index b) const {
  return weight_[as_size(a)] != weight_[as_size(b)] ? weight_[as_size(a)] < weight_[as_size(b)]
                                                    : arrival_[as_size(a)] < arrival_[as_size(b)];
}

void RemovalQueue::put(Index place, Index item) {
  heap_[as_size(place)] = item;
  place_[as_size(item)] = place;
}

void RemovalQueue::rise(Index place) {
  const Index item = heap_[as_size(place)];
  while (place > 0 && before(item, heap_[as_size((place - 1) / 2)])) {
    put(place, heap_[as_size((place - 1) / 2)]);
    place = (place - 1) / 2;
  }
  put(place, item);
}

void RemovalQueue::sink(Index place) {
  const Index item = heap_[as_size(place)];
  for (Index child = 2 * place + 1; child < size_; child = 2 * place + 1) {
    child += child + 1 < size_ && before(heap_[as_size(child + 1)], heap_[as_size(child)]) ? 1 : 0;
    if (!before(heap_[as_size(child)], item)) {
      break;
    }
    put(place, heap_[as_size(child)]);
    place = child;
  }
  put(place, item);
}

void RemovalQueue::add(Index item, float weight) {
  weight_[as_size(item)] = weight;
  arrival_[as_size(item)] = next_arrival_++;
  put(size_, item);
  rise(size_++);
}

void RemovalQueue::change(Index item, float weight) {
  weight_[as_size(item)] = weight;
  rise(place_[as_size(item)]);
  sink(place_[as_size(item)]);
}

void RemovalQueue::remove(Index item) {
  const Index place = place_[as_size(item)];
  place_[as_size(item)] = -1;
  arrival_[as_size(item)] = -1;
  const Index last = heap_[as_size(--size_)];
  if (last != item) {
    put(place, last);
    rise(place);
    sink(place_[as_size(last)]);
  }
}

std::vector<Index> RemovalQueue::arrivals() const { return arrival_; }

}  // namespace palaestra::replay
