#include <palaestra/replay/removal_queue.h>

#include <algorithm>

namespace palaestra::replay {

RemovalQueue::RemovalQueue(Index items)
    : heap_(at(items)), place_(at(items), -1), arrival_(at(items), -1), weight_(at(items), 0.0f) {}

RemovalQueue::RemovalQueue(std::span<const Index> arrivals, std::span<const float> weights)
    : RemovalQueue(std::ssize(arrivals)) {
  std::vector<Index> items;
  for (Index item = 0; item < std::ssize(arrivals); ++item) {
    if (arrivals[at(item)] >= 0) items.push_back(item);
  }
  std::sort(items.begin(), items.end(),
            [&](Index a, Index b) { return arrivals[at(a)] < arrivals[at(b)]; });
  for (const Index item : items) {
    next_arrival_ = arrivals[at(item)];
    add(item, weights[at(item)]);
  }
}

bool RemovalQueue::before(Index a, Index b) const {
  return weight_[at(a)] != weight_[at(b)] ? weight_[at(a)] < weight_[at(b)]
                                          : arrival_[at(a)] < arrival_[at(b)];
}

void RemovalQueue::put(Index place, Index item) {
  heap_[at(place)] = item;
  place_[at(item)] = place;
}

void RemovalQueue::rise(Index place) {
  const Index item = heap_[at(place)];
  while (place > 0 && before(item, heap_[at((place - 1) / 2)])) {
    put(place, heap_[at((place - 1) / 2)]);
    place = (place - 1) / 2;
  }
  put(place, item);
}

void RemovalQueue::sink(Index place) {
  const Index item = heap_[at(place)];
  for (Index child = 2 * place + 1; child < size_; child = 2 * place + 1) {
    child += child + 1 < size_ && before(heap_[at(child + 1)], heap_[at(child)]) ? 1 : 0;
    if (!before(heap_[at(child)], item)) {
      break;
    }
    put(place, heap_[at(child)]);
    place = child;
  }
  put(place, item);
}

void RemovalQueue::add(Index item, float weight) {
  weight_[at(item)] = weight;
  arrival_[at(item)] = next_arrival_++;
  put(size_, item);
  rise(size_++);
}

void RemovalQueue::change(Index item, float weight) {
  weight_[at(item)] = weight;
  rise(place_[at(item)]);
  sink(place_[at(item)]);
}

void RemovalQueue::remove(Index item) {
  const Index place = place_[at(item)];
  place_[at(item)] = -1;
  arrival_[at(item)] = -1;
  const Index last = heap_[at(--size_)];
  if (last != item) {
    put(place, last);
    rise(place);
    sink(place_[at(last)]);
  }
}

std::vector<Index> RemovalQueue::arrivals() const { return arrival_; }

}  // namespace palaestra::replay
