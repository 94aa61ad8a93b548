#include <palaestra/envs/adapters/record_statistics.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include <palaestra/envs/adapters/adapter.h>

namespace palaestra::envs {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

class RecordingBatch final : public Adapter {
 public:
  RecordingBatch(std::unique_ptr<AnyBatch> inner, EnvSpec spec, Index capacity)
      : Adapter(std::move(inner), std::move(spec)),
        capacity_(static_cast<std::size_t>(capacity)),
        numbers_(1 + 2 * capacity_),
        seconds_(capacity_, kUnknown),
        began_(rows(), now()) {
    share(numbers_);
    couple(true);
  }

  std::string_view name() const override { return "record_statistics"; }

  EpisodeRecord record() const {
    EpisodeRecord result{.episodes = static_cast<Index>(numbers_[0]), .last = {}};
    const auto count = static_cast<std::size_t>(result.episodes);
    for (std::size_t e = count - std::min(count, capacity_); e < count; ++e) {
      const std::size_t at = e % capacity_;
      result.last.push_back({.episode_return = returns()[at],
                             .episode_length = static_cast<Index>(lengths()[at]),
                             .seconds = seconds_[at]});
    }
    return result;
  }

 private:
  // number of episodes, then the returns and the lengths of the last ones, as rings
  std::span<const double> returns() const { return std::span(numbers_).subspan(1, capacity_); }
  std::span<const double> lengths() const { return std::span(numbers_).subspan(1 + capacity_); }

  void after_all() override {
    const BatchColumns& c = below();
    for (std::size_t i = 0; i < rows(); ++i) {
      if (c.reset[i] != 0) {
        began_[i] = now();
      } else if (ended(i)) {
        const double time = now();
        const std::size_t at = static_cast<std::size_t>(numbers_[0]) % capacity_;
        numbers_[1 + at] = c.episode_return[i];
        numbers_[1 + capacity_ + at] = static_cast<double>(c.episode_length[i]);
        seconds_[at] = time - began_[i];
        numbers_[0] += 1;
        if (same_step()) {
          began_[i] = time;
        }
      }
    }
  }

  void start_row(std::size_t i, const std::uint64_t*) override { began_[i] = now(); }
  void place_row(std::size_t i) override { began_[i] = kUnknown; }

  void check_shared(std::span<const double> values) const override {
    constexpr double kMost = 0x1p53;
    require(values[0] >= 0 && values[0] < kMost && values[0] == std::floor(values[0]),
            "record_statistics: the number of episodes is ", values[0],
            "; accepted: whole numbers from 0");
    for (std::size_t k = 1 + capacity_; k < values.size(); ++k) {
      require(values[k] >= 0 && values[k] < kMost, "record_statistics: an episode's length is ",
              values[k], "; accepted: 0 or more");
    }
  }
  void shared_changed() override {
    std::fill(seconds_.begin(), seconds_.end(), kUnknown);
    std::fill(began_.begin(), began_.end(), kUnknown);
  }

  std::size_t capacity_;
  std::vector<double> numbers_, seconds_, began_;
};

}  // namespace

EnvSpec wrapped(EnvSpec spec, const RecordStatistics& wrapper) {
  require(wrapper.capacity >= 1 && wrapper.capacity <= (Index{1} << 24),
          "record_statistics: capacity is ", wrapper.capacity, "; accepted: 1 to 2^24");
  return spec;
}

std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const RecordStatistics& wrapper) {
  EnvSpec spec = wrapped(inner->spec(), wrapper);
  return std::make_unique<RecordingBatch>(std::move(inner), std::move(spec), wrapper.capacity);
}

EpisodeRecord recorded_episodes(const AnyBatch& batch) {
  const AnyBatch* layer = &batch;
  while (const auto* adapter = dynamic_cast<const Adapter*>(layer)) {
    if (const auto* recording = dynamic_cast<const RecordingBatch*>(adapter)) {
      return recording->record();
    }
    layer = &adapter->inner();
  }
  throw UserError(concat(batch.spec().id, " is not wrapped in record_statistics"));
}

}  // namespace palaestra::envs
