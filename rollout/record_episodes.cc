#include <palaestra/rollout/record_episodes.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <stdexcept>

#include <palaestra/core/random.h>
#include <palaestra/rollout/observations.h>

namespace palaestra::rollout {
namespace {

constexpr Purpose kEpisodeSeed = purpose("rollout/recorded_episode");

class Recording {
 public:
  Recording(envs::AnyBatch& batch, EpisodePolicy& policy, std::uint64_t seed)
      : batch_(batch), policy_(policy), seed_(seed), actions_(batch.spec().action, batch.size()) {
    if (batch.options().autoreset != envs::AutoresetMode::kDisabled) {
      throw std::logic_error("record_episodes: the batch resets by itself");
    }
    if (batch.couples_rows()) {
      throw std::logic_error("record_episodes: the rows of the batch are not on their own");
    }
    const auto n = as_size(batch.size());
    episode_.resize(n);
    step_.resize(n);
    running_.resize(n);
    lanes_.resize(n);
    observation_.resize(n * as_size(batch.spec().observation.size()));
  }

  void run(const std::function<bool(RecordedEpisode&)>& take) {
    for (Index next_taken = 0;;) {
      start();
      parallel_for(batch_.options().threads, batch_.size(), batch_.grain(),
                   [&](Index begin, Index end, int thread) { step_block(begin, end, thread); });
      for (Index row = 0; row < batch_.size(); ++row) {
        note(row);
      }
      for (auto first = finished_.find(next_taken); first != finished_.end();
           first = finished_.find(++next_taken)) {
        if (!take(first->second)) {
          return;
        }
        finished_.erase(first);
      }
    }
  }

 private:
  /// Gives every idle row the next episode.
  void start() {
    std::vector<std::uint64_t> seeds(as_size(batch_.size()));
    std::vector<std::uint8_t> mask(seeds.size());
    for (std::size_t row = 0; row < seeds.size(); ++row) {
      if (running_[row] != 0) {
        continue;
      }
      const Index number = next_started_++;
      // 32 bits: whole numbers that every JSON reader keeps
      seeds[row] = Stream(seed_, kEpisodeSeed, static_cast<std::uint64_t>(number)).bits32();
      mask[row] = running_[row] = 1;
      episode_[row] = number;
      step_[row] = 0;
      lanes_[row] = {};
      lanes_[row].number = number;
      lanes_[row].seed = seeds[row];
    }
    if (std::find(mask.begin(), mask.end(), 1) == mask.end()) {
      return;
    }
    batch_.reset(seeds, mask);
    for (std::size_t row = 0; row < mask.size(); ++row) {
      if (mask[row] != 0) {
        note_state(static_cast<Index>(row));
      }
    }
  }

  void step_block(Index begin, Index end, int thread) {
    const Space& space = batch_.spec().observation;
    const Index width = space.size();
    to_float32(space.dtype, batch_.columns().observation, begin * width, end * width, observation_);
    policy_.act({begin, end, episode_, step_, thread},
                std::span<const float>(observation_)
                    .subspan(as_size(begin * width), as_size((end - begin) * width)),
                actions_);
    if (actions_.choices.empty()) {
      batch_.step_rows(begin, end, thread, std::span<const float>(actions_.numbers));
    } else {
      batch_.step_rows(begin, end, thread, std::span<const std::int64_t>(actions_.choices));
    }
  }

  /// The observation and info that a row shows now.
  void note_state(Index row) {
    RecordedEpisode& lane = lanes_[as_size(row)];
    const auto& columns = batch_.columns();
    const std::size_t bytes = batch_.spec().observation.bytes();
    const auto* observation =
        static_cast<const std::byte*>(columns.observation) + as_size(row) * bytes;
    lane.observation.insert(lane.observation.end(), observation, observation + bytes);
    const std::size_t infos = batch_.spec().info.size();
    const double* info = columns.info + as_size(row) * infos;
    lane.info.insert(lane.info.end(), info, info + infos);
  }

  /// What the step has done to a row.
  void note(Index row) {
    const std::size_t i = as_size(row);
    RecordedEpisode& lane = lanes_[i];
    const auto& columns = batch_.columns();
    if (actions_.choices.empty()) {
      const auto first = actions_.numbers.begin() + row * actions_.width;
      lane.numbers.insert(lane.numbers.end(), first, first + actions_.width);
    } else {
      lane.choices.push_back(actions_.choices[i]);
    }
    lane.reward.push_back(columns.reward[i]);
    note_state(row);
    step_[i] += 1;
    lane.terminated = columns.terminated[i] != 0;
    lane.truncated = columns.truncated[i] != 0;
    lane.diverged = columns.status[i] != envs::Status::kOk;
    if (lane.terminated || lane.truncated) {
      lane.length = step_[i];
      lane.total = columns.episode_return[i];
      running_[i] = 0;
      finished_.emplace(lane.number, std::move(lane));
    }
  }

  envs::AnyBatch& batch_;
  EpisodePolicy& policy_;
  std::uint64_t seed_;
  Actions actions_;
  std::vector<Index> episode_, step_;
  std::vector<std::uint8_t> running_;
  std::vector<RecordedEpisode> lanes_;
  std::vector<float> observation_;
  std::map<Index, RecordedEpisode> finished_;  // and not yet taken
  Index next_started_ = 0;
};

}  // namespace

void record_episodes(envs::AnyBatch& batch, EpisodePolicy& policy, std::uint64_t seed,
                     const std::function<bool(RecordedEpisode&)>& take) {
  Recording(batch, policy, seed).run(take);
}

}  // namespace palaestra::rollout
