#include <palaestra/envs/adapters/action_repeat.h>

#include <algorithm>

#include <palaestra/envs/adapters/adapter.h>

namespace palaestra::envs {
namespace {

class RepeatingBatch final : public Adapter {
  /// The sums of the running episode; the columns also show those of the last one.
  struct Sums {
    double episode_return = 0;
    Index episode_length = 0;
  };

 public:
  RepeatingBatch(std::unique_ptr<AnyBatch> inner, EnvSpec spec, Index repeat)
      : Adapter(std::move(inner), std::move(spec)),
        repeat_(repeat),
        reward_(size()),
        episode_return_(size()),
        episode_length_(size()),
        sums_(size()) {
    show("reward", reward_);
    show("episode_return", episode_return_);
    show("episode_length", episode_length_);
    keep("sums", sums_);
    columns_.reward = reward_.data();
    columns_.episode_return = episode_return_.data();
    columns_.episode_length = episode_length_.data();
  }

  std::string_view name() const override { return "action_repeat"; }
  Index grain() const override { return std::max<Index>(1, Adapter::grain() / repeat_); }

 private:
  void advance(Index begin, Index end, int thread, std::span<const float> actions) override {
    repeat(begin, end, thread, actions);
  }
  void advance(Index begin, Index end, int thread, std::span<const std::int64_t> actions) override {
    repeat(begin, end, thread, actions);
  }

  template <class T>
  void repeat(Index begin, Index end, int thread, std::span<const T> actions) {
    inner_batch().step_rows(begin, end, thread, actions);
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      reward_[i] = below().reward[i];
    }
    const auto stops = [this](Index row) {
      const auto i = static_cast<std::size_t>(row);
      return ended(i) || below().reset[i] != 0;  // a row that only reset takes no action
    };
    for (Index k = 1; k < repeat_; ++k) {
      for (Index first = begin; first < end;) {  // neighbours that go on go together
        while (first < end && stops(first)) {
          ++first;
        }
        Index last = first;
        while (last < end && !stops(last)) {
          ++last;
        }
        if (first < last) {
          inner_batch().step_rows(first, last, thread, actions);
        }
        for (; first < last; ++first) {
          reward_[static_cast<std::size_t>(first)] +=
              below().reward[static_cast<std::size_t>(first)];
        }
      }
    }
  }

  void after_rows(Index begin, Index end) override {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      Sums& sums = sums_[i];
      if (below().reset[i] != 0) {
        sums = {};
      } else {
        sums.episode_return += reward_[i];
        sums.episode_length += 1;
      }
      episode_return_[i] = sums.episode_return;
      episode_length_[i] = sums.episode_length;
      if (same_step() && ended(i)) {
        sums = {};
      }
    }
  }

  void start_row(std::size_t i, const std::uint64_t*) override {
    sums_[i] = {};
    place_row(i);
  }

  void place_row(std::size_t i) override {
    reward_[i] = 0;
    episode_return_[i] = sums_[i].episode_return;
    episode_length_[i] = sums_[i].episode_length;
  }

  Index repeat_;
  Column<double> reward_, episode_return_;
  Column<Index> episode_length_;
  Column<Sums> sums_;
};

}  // namespace

EnvSpec wrapped(EnvSpec spec, const ActionRepeat& wrapper) {
  require(wrapper.repeat >= 1 && wrapper.repeat <= 10'000, "action_repeat: repeat is ",
          wrapper.repeat, "; accepted: 1 to 10000");
  spec.time_limit = (spec.time_limit + wrapper.repeat - 1) / wrapper.repeat;
  return spec;
}

std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const ActionRepeat& wrapper) {
  EnvSpec spec = wrapped(inner->spec(), wrapper);
  require(!inner->couples_rows(),
          "action_repeat lies over a wrapper that keeps statistics of whole steps; put that one "
          "over it");
  return std::make_unique<RepeatingBatch>(std::move(inner), std::move(spec), wrapper.repeat);
}

}  // namespace palaestra::envs
