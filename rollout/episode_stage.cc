#include <palaestra/rollout/episode_stage.h>

#include <algorithm>

#include <palaestra/core/error.h>

namespace palaestra::rollout {
EpisodeStage::EpisodeStage(Index lanes, Index observation, Index action, Index longest,
                           std::optional<Index> into)
    : observation_(observation), action_(action), into_(into), lanes_(as_size(lanes)) {
  for (Lane& lane : lanes_) {
    lane.observation.reserve(as_size((longest + 1) * observation));
    lane.action.reserve(as_size(longest * action));
    lane.reward.reserve(as_size(longest));
  }
}

void EpisodeStage::add(Lane& lane, const Transitions& t, Index row) const {
  const auto put = [](std::vector<float>& to, Index place, std::span<const float> from, Index r,
                      Index width) {
    to.resize(std::max(to.size(), as_size((place + 1) * width)));
    std::ranges::copy(from.subspan(as_size(r * width), as_size(width)), to.begin() + place * width);
  };
  put(lane.observation, lane.rows, t.observation, row, observation_);
  put(lane.observation, lane.rows + 1, t.next_observation, row, observation_);
  put(lane.action, lane.rows, t.action, row, action_);
  put(lane.reward, lane.rows, t.reward, row, 1);
  ++lane.rows;
}

void EpisodeStage::append(const Transitions& t, Agent& agent,
                          replay::WeightedReplayBuffer& buffer) {
  for (Index row = 0; row < t.rows; ++row) {
    const std::size_t r = as_size(row);
    if (t.skip[r] != 0) {
      flush(row, /*terminated=*/false, agent, buffer);
      continue;
    }
    add(lanes_[r], t, row);
    if (t.terminated[r] != 0 || t.truncated[r] != 0) {
      flush(row, t.terminated[r] != 0, agent, buffer);
    }
  }
}

void EpisodeStage::flush(Index number, bool terminated, Agent& agent,
                         replay::WeightedReplayBuffer& buffer) {
  Lane& lane = lanes_[as_size(number)];
  if (lane.rows == 0) {
    return;
  }
  const auto states = std::span<const float>(lane.observation);
  const auto action = std::span<const float>(lane.action).first(as_size(lane.rows * action_));
  const auto reward = std::span(lane.reward).first(as_size(lane.rows));
  replay::Minibatch episode;
  episode.rows = lane.rows;
  episode.observation = states.first(as_size(lane.rows * observation_));
  episode.action = action;
  episode.reward = reward;
  episode.next_observation =
      states.subspan(as_size(observation_), as_size(lane.rows * observation_));
  agent.judge(episode, reward);

  // one by one: the buffer's work space then does not depend on how long episodes are
  for (Index row = 0; row < lane.rows; ++row) {
    const auto part = [row](std::span<const float> column, Index width) {
      return column.subspan(as_size(row * width), as_size(width));
    };
    const bool last = row + 1 == lane.rows;
    const std::uint8_t ends[] = {last && terminated}, cut[] = {last && !terminated};
    const replay::NamedValues columns[] = {{"observation", part(episode.observation, observation_)},
                                           {"action", part(action, action_)},
                                           {"reward", part(reward, 1)}};
    const replay::NamedValues after[] = {
        {"observation", part(episode.next_observation, observation_)}};
    buffer.extend(into_.value_or(number), {.columns = columns,
                                           .terminated = ends,
                                           .truncated = cut,
                                           .skip = {},
                                           .next = after,
                                           .last = after});
  }
  lane.rows = 0;
}

void EpisodeStage::save(ArchiveWriter& archive, std::string_view prefix) const {
  std::vector<Index> rows;
  std::vector<float> observation, action, reward;
  const auto add = [](std::vector<float>& to, const std::vector<float>& from, Index size) {
    to.insert(to.end(), from.begin(), from.begin() + size);
  };
  for (const Lane& lane : lanes_) {
    rows.push_back(lane.rows);
    if (lane.rows == 0) continue;
    add(observation, lane.observation, (lane.rows + 1) * observation_);
    add(action, lane.action, lane.rows * action_);
    add(reward, lane.reward, lane.rows);
  }
  archive.put(concat(prefix, "rows"), rows);
  archive.put(concat(prefix, "observation"), observation);
  archive.put(concat(prefix, "action"), action);
  archive.put(concat(prefix, "reward"), reward);
}

void EpisodeStage::load(const ArchiveReader& archive, std::string_view prefix) {
  const auto rows = archive.get_vector<Index>(concat(prefix, "rows"));
  const auto observation = archive.get_vector<float>(concat(prefix, "observation"));
  const auto action = archive.get_vector<float>(concat(prefix, "action"));
  const auto reward = archive.get_vector<float>(concat(prefix, "reward"));
  require(rows.size() == lanes_.size(), "\"", prefix, "rows\" has ", rows.size(),
          " lanes, expected ", lanes_.size());
  Index total = 0, running = 0;
  for (const Index count : rows) {
    require(count >= 0 && count <= std::ssize(reward), "\"", prefix, "rows\" holds ", count,
            "; accepted: 0 to ", reward.size());
    total += count;
    running += count > 0 ? 1 : 0;
  }
  require(total == std::ssize(reward) && total * action_ == std::ssize(action) &&
              (total + running) * observation_ == std::ssize(observation),
          "\"", prefix, "\": ", observation.size(), ", ", action.size(), " and ", reward.size(),
          " numbers do not belong to ", total, " rows of ", running, " episodes");
  std::vector<Lane> lanes(lanes_.size());
  auto o = observation.begin();
  auto a = action.begin();
  auto r = reward.begin();
  const auto take = [](auto& from, Index count) {
    const auto begin = from;
    from += count;
    return std::vector<float>(begin, from);
  };
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    lanes[i].rows = rows[i];
    if (rows[i] == 0) continue;
    lanes[i].observation = take(o, (rows[i] + 1) * observation_);
    lanes[i].action = take(a, rows[i] * action_);
    lanes[i].reward = take(r, rows[i]);
  }
  lanes_ = std::move(lanes);
}

}  // namespace palaestra::rollout
