#include <palaestra/benchmarks/replay.h>

#include <cstring>
#include <memory>

#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::benchmarks {
namespace {

using namespace palaestra::replay;

constexpr Index kCapacity = 1'000'000, kObservation = 17, kAction = 6, kLanes = 8, kRows = 256;

/// Made-up steps of `lanes` environments whose episodes last 1,000 steps.
class Source {
 public:
  explicit Source(Index lanes)
      : random_(1, purpose("bench/replay")),
        now_(static_cast<std::size_t>(lanes * kObservation)),
        next_(now_.size()),
        action_(static_cast<std::size_t>(lanes * kAction), 0.5f),
        reward_(static_cast<std::size_t>(lanes), 1.0),
        terminated_(reward_.size(), 0),
        truncated_(reward_.size(), 0) {
    random_.fill_uniform(next_);
  }

  void append_to(WeightedReplayBuffer& buffer) {
    std::swap(now_, next_);
    next_[0] = now_[0] + 1.0f;
    std::fill(truncated_.begin(), truncated_.end(), ++step_ % 1000 == 0);
    const NamedValues columns[] = {{"observation", now_}, {"action", action_}, {"reward", reward_}};
    const NamedValues after[] = {{"observation", next_}};
    buffer.append({.columns = columns,
                   .terminated = terminated_,
                   .truncated = truncated_,
                   .skip = {},
                   .next = after,
                   .last = after});
  }

 private:
  Stream random_;
  std::vector<float> now_, next_, action_;
  std::vector<double> reward_;
  std::vector<std::uint8_t> terminated_, truncated_;
  Index step_ = 0;
};

std::unique_ptr<WeightedReplayBuffer> filled(Index lanes, bool priorities) {
  auto buffer = std::make_unique<WeightedReplayBuffer>(
      transition_columns(Space::box(kObservation, -1, 1), Space::box(kAction, -1, 1)),
      BufferOptions{.capacity = kCapacity, .lanes = lanes, .priorities = priorities});
  Source source(lanes);
  while (buffer->size() < buffer->capacity()) {
    source.append_to(*buffer);
  }
  return buffer;
}

/// The floor of a uniform minibatch: the same bytes of random rows, positions known beforehand, out
/// of one array of whole transitions to one array, with prefetch.
class BareGather {
 public:
  static constexpr std::size_t kBytes = (2 * kObservation + kAction + 1) * sizeof(float);

  BareGather() : rows_(kCapacity * 128 + 256), out_(kRows * kBytes), row_(1 << 14) {
    std::fill_n(rows_.data(), rows_.size(), std::byte{1});
    Stream random(2, purpose("bench/replay"));
    for (Index& row : row_) {
      row = random.below(kCapacity);
    }
  }
  void operator()() {
    constexpr std::size_t kAhead = 12;
    for (std::size_t i = 0; i < kRows; ++i) {
      const std::byte* const ahead = at(i + kAhead);
      for (std::size_t line = 0; line < kBytes; line += 64) {
        __builtin_prefetch(ahead + line);
      }
      std::memcpy(&out_[i * kBytes], at(i), kBytes);
    }
    start_ = (start_ + kRows) % row_.size();
  }

 private:
  const std::byte* at(std::size_t i) const {
    return rows_.data() + static_cast<std::size_t>(row_[(start_ + i) % row_.size()]) * 128;
  }
  struct Rows {
    explicit Rows(std::size_t bytes) : memory(bytes) {}
    std::byte* data() { return memory.data(); }
    const std::byte* data() const { return memory.data(); }
    std::size_t size() const { return memory.size(); }
    Memory memory;
  } rows_;
  std::vector<std::byte> out_;
  std::vector<Index> row_;
  std::size_t start_ = 0;
};

Contender repeated(std::string name, int calls, std::function<void()> call) {
  return {std::move(name), static_cast<double>(calls), [calls, call = std::move(call)] {
            for (int k = 0; k < calls; ++k) {
              call();
            }
          }};
}

}  // namespace

std::vector<Row> bench_replay() {
  const auto plain = filled(kLanes, false), ranked = filled(kLanes, true),
             single = filled(1, false);
  const auto many = filled(64, false);
  Source one(1), eight(kLanes), sixty_four(64);
  BareGather bare;
  Stream random(3, purpose("bench/replay"));
  std::vector<float> priorities(static_cast<std::size_t>(kRows));
  const auto new_priorities = [&] { random.fill_uniform(priorities); };
  for (int k = 0; k < 4000; ++k) {  // priorities of all sizes
    new_priorities();
    ranked->update_priorities(plain->sample(random, {.rows = kRows}).index, priorities);
  }
  const SampleRequest by_priority{.rows = kRows, .selection = Selection::kPriority};
  SampleRequest stratified = by_priority;
  stratified.stratified = true;
  std::vector<Index> last_ids(static_cast<std::size_t>(kRows));
  Draw draw;
  const std::vector<double> cost = interleave({
      repeated("uniform", 200, [&] { plain->sample(random, {.rows = kRows}); }),
      repeated("bare", 200, [&] { bare(); }),
      repeated("draw only", 200, [&] { plain->draw(random, {.rows = kRows}, draw); }),
      repeated("n-step", 200, [&] { plain->sample(random, {.rows = kRows, .n_step = 3}); }),
      repeated("prioritised", 100, [&] { ranked->sample(random, by_priority); }),
      repeated("stratified", 100, [&] { ranked->sample(random, stratified); }),
      repeated("prioritised draw", 100, [&] { ranked->draw(random, by_priority, draw); }),
      repeated("prioritised and update", 100,
               [&] {
                 const Minibatch& batch = ranked->sample(random, by_priority);
                 new_priorities();
                 ranked->update_priorities(batch.index, priorities);
               }),
      repeated("append 1", 5000, [&] { one.append_to(*single); }),
      repeated("append 8", 1000, [&] { eight.append_to(*plain); }),
      repeated("append 64", 200, [&] { sixty_four.append_to(*many); }),
      repeated("append ranked 8", 1000, [&] { eight.append_to(*ranked); }),
  });
  std::vector<Row> rows;
  const char* names[] = {"uniform", "bare",    "draw", "nstep", "prio",  "strat",
                         "pdraw",   "prio+up", "app1", "app8",  "app64", "app8r"};
  for (std::size_t i = 0; i < cost.size(); ++i) {
    rows.push_back({.name = names[i], .value = cost[i] * 1e6, .unit = "us"});
  }
  return rows;
}

}  // namespace palaestra::benchmarks
