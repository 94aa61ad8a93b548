#include <doctest/doctest.h>

#include <palaestra/replay/relabel.h>

#include <cmath>

#include <tests/allocations.h>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;
using palaestra::testing::allocations;

namespace {

/// A made-up discriminator.
float judged(std::span<const float> observation, std::span<const float> action,
             std::span<const float> next) {
  return std::sin(observation[0]) + 2 * std::cos(action[1]) - std::sin(3 * next[2]);
}

/// Ends the task where the next observation says so.
bool fatal(std::span<const float> next) { return std::fmod(next[0], 7.0f) < 2.0f; }

void judge(const StepBatch& steps, bool ends) {
  const std::size_t width = steps.observation.size() / steps.reward.size();
  const std::size_t action_width = steps.action.size() / steps.reward.size();
  for (std::size_t k = 0; k < steps.reward.size(); ++k) {
    const auto next = steps.next_observation.subspan(k * width, width);
    steps.reward[k] = judged(steps.observation.subspan(k * width, width),
                             steps.action.subspan(k * action_width, action_width), next);
    if (ends && fatal(next)) {
      steps.discount[k] = 0.0f;
    }
  }
}

}  // namespace

TEST_CASE("a relabelling that changes nothing gives the bits of a plain minibatch") {
  Feeder feeder({.lanes = 2, .end = 0.1, .announce = 0.5});
  WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 100, .lanes = 2});
  RelabelSampler sampler(buffer);
  Stream random(1, purpose("test/relabel"));
  for (int step = 0; step < 130; ++step) {
    feeder.step(buffer);
    if (step % 5 != 4) {
      continue;
    }
    for (const Index n : {1, 2, 3, 50}) {
      const SampleRequest request{.rows = 40, .n_step = n, .discount = 0.9};
      Stream same = random;
      const Minibatch& plain = buffer.sample(random, request);
      for (const Relabel& nothing : {Relabel(), Relabel([](const StepBatch&) {})}) {
        Stream other = same;
        const Minibatch& batch = sampler.sample(buffer, other, request, nothing);
        const auto equal = [](auto a, auto b) {
          return std::equal(a.begin(), a.end(), b.begin(), b.end());
        };
        CHECK(equal(plain.observation, batch.observation));
        CHECK(equal(plain.action, batch.action));
        CHECK(equal(plain.reward, batch.reward));
        CHECK(equal(plain.discount, batch.discount));
        CHECK(equal(plain.next_observation, batch.next_observation));
        CHECK(equal(plain.steps, batch.steps));
        CHECK(equal(plain.index, batch.index));
        CHECK(equal(plain.weight, batch.weight));
        CHECK(other == random);
      }
    }
  }
}

TEST_CASE("a learnt reward is summed over every inner step, up to where it ends the task") {
  Feeder feeder({.lanes = 2, .end = 0.1, .announce = 0.5, .seed = 3});
  WeightedReplayBuffer buffer(feeder.columns(), {.capacity = 100, .lanes = 2});
  for (int step = 0; step < 130; ++step) {
    feeder.step(buffer);
  }
  RelabelSampler sampler(buffer);
  Stream random(2, purpose("test/relabel"));
  int calls = 0, shortened = 0;
  for (const bool ends : {false, true}) {
    for (const Index n : {1, 2, 5}) {
      const Minibatch& batch = sampler.sample(
          buffer, random, {.rows = 200, .n_step = n, .discount = 0.9}, [&](const StepBatch& steps) {
            judge(steps, ends);
            ++calls;
          });
      for (std::size_t i = 0; i < 200; ++i) {
        const Index lane = lane_of(batch.index[i]);
        const auto list = feeder.drawable(lane);
        auto row =
            static_cast<std::size_t>(sequence_of(batch.index[i]) - buffer.storage().oldest(lane));
        const Reference& first = list[row];
        double sum = 0, discount = 1;
        int steps = 0;
        for (;;) {
          const Reference& t = list[row];
          sum +=
              discount * static_cast<double>(judged(t.observation, t.action, t.next_observation));
          ++steps;
          const bool over = ends && fatal(t.next_observation);
          discount *= t.terminated || over ? 0.0 : 0.9;
          if (over && !t.terminated) {
            ++shortened;
          }
          if (t.terminated || t.truncated || over || steps == n || row + 1 == list.size()) {
            break;
          }
          ++row;
        }
        CHECK(static_cast<double>(batch.reward[i]) == doctest::Approx(sum).epsilon(1e-5));
        CHECK(static_cast<double>(batch.discount[i]) == doctest::Approx(discount));
        CHECK(batch.steps[i] == steps);
        const auto same = [&](std::span<const float> block, const std::vector<float>& values) {
          return std::equal(values.begin(), values.end(), &block[i * values.size()]);
        };
        CHECK(same(batch.observation, first.observation));
        CHECK(same(batch.action, first.action));
        CHECK(same(batch.next_observation, list[row].next_observation));
      }
    }
  }
  CHECK(calls == 6);
  CHECK(shortened > 50);
}

TEST_CASE("any column can be rewritten, and the function knows whose step it sees") {
  WeightedReplayBuffer buffer = numbered_buffer(30, {.capacity = 32});
  RelabelSampler sampler(buffer);
  Stream random(3, purpose("test/relabel"));
  for (const Index n : {1, 4}) {
    const Minibatch& batch =
        sampler.sample(buffer, random, {.rows = 20, .n_step = n}, [&](const StepBatch& steps) {
          CHECK(steps.goal.empty());
          for (std::size_t k = 0; k < steps.reward.size(); ++k) {
            const auto number = static_cast<float>(sequence_of(steps.id[k]));
            CHECK(steps.observation[k] == number);
            CHECK(steps.discount[k] == 1.0f);
            CHECK((k == 0 || steps.row[k] - steps.row[k - 1] <= 1));
            steps.observation[k] = -number;
            steps.action[k] = 100 + number;
            steps.next_observation[k] = 1000 + number;
          }
          CHECK(steps.row.back() == 19);
        });
    for (std::size_t i = 0; i < 20; ++i) {
      const auto number = static_cast<float>(sequence_of(batch.index[i]));
      CHECK(batch.observation[i] == -number);
      CHECK(batch.action[i] == 100 + number);
      CHECK(batch.next_observation[i] == 1000 + number + static_cast<float>(batch.steps[i] - 1));
    }
  }
}

TEST_CASE("relabelled bits are the same for any number of threads, and nothing allocates") {
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3, 7}) {
    Feeder feeder({.lanes = 3, .observation = 40});
    WeightedReplayBuffer buffer(feeder.columns(),
                                {.capacity = 3000, .lanes = 3, .threads = Threads(threads)});
    for (int k = 0; k < 1200; ++k) {
      feeder.step(buffer);
    }
    RelabelSampler sampler(buffer);
    Stream random(5, purpose("test/threads"));
    const Relabel relabel = [](const StepBatch& steps) { judge(steps, true); };
    const SampleRequest request{.rows = 5000, .n_step = 3};
    const Minibatch& b = sampler.sample(buffer, random, request, relabel);
    std::vector<float> bits;
    for (const auto part : {b.observation, b.action, b.reward, b.discount, b.next_observation}) {
      bits.insert(bits.end(), part.begin(), part.end());
    }
    results.push_back(std::move(bits));
    if (threads == 1) {
      const long before = allocations();
      for (int k = 0; k < 20; ++k) {
        sampler.sample(buffer, random, request, relabel);
      }
      CHECK(allocations() == before);
    }
  }
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
  CHECK(results[0] == results[3]);
}
