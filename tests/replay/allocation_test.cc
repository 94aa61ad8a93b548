#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;

namespace {
std::atomic<long> allocations{0};
}

// counts what the program under test allocates; forwards to malloc
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size ? size : 1)) {
    return memory;
  }
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

TEST_CASE("appending, sampling and updating allocate nothing once the ring has gone round") {
  const Index lanes = 4;
  WeightedReplayBuffer buffer(transition_columns(Space::box(5, -1, 1), Space::box(2, -1, 1)),
                              {.capacity = 400, .lanes = lanes, .priorities = true});
  std::vector<float> observation(20), action(8), next(20), last(20, 7.0f), priorities(32, 0.5f);
  std::vector<double> reward(4, 1.0);
  std::vector<std::uint8_t> terminated(4), truncated(4, 0);
  const NamedValues columns[] = {
      {"observation", observation}, {"action", action}, {"reward", reward}};
  const NamedValues next_states[] = {{"observation", next}},
                    last_states[] = {{"observation", last}};
  const Steps steps{.columns = columns,
                    .terminated = terminated,
                    .truncated = truncated,
                    .skip = {},
                    .next = next_states,
                    .last = last_states};
  Stream random(1, purpose("test"));
  long before = 0;
  for (int k = 0; k < 2000; ++k) {
    if (k == 1000) {
      before = allocations;
    }
    observation = next;
    for (float& value : next) {
      value = static_cast<float>(random.uniform());
    }
    for (std::size_t lane = 0; lane < 4; ++lane) {
      terminated[lane] = random.below(10) == 0;
    }
    buffer.append(steps);
    for (const Selection selection : {Selection::kUniform, Selection::kPriority}) {
      const Minibatch& batch =
          buffer.sample(random, {.rows = 32, .selection = selection, .n_step = 1 + k % 4});
      buffer.update_priorities(batch.index, priorities);
    }
  }
  CHECK(allocations == before);
}
