#include "walks.h"

#include <algorithm>
#include <cmath>

namespace palaestra::replay::testing {

bool near(std::span<const float> achieved, std::span<const float> goal) {
  return std::abs(achieved[0] - goal[0]) <= 2.0f;
}

void judge(const StepBatch& steps) {
  const std::size_t width = steps.goal.size() / steps.reward.size();
  for (std::size_t k = 0; k < steps.reward.size(); ++k) {
    const bool there = near(steps.next_achieved_goal.subspan(k * width, width),
                            steps.goal.subspan(k * width, width));
    steps.reward[k] = there ? 0.0f : -1.0f;
    steps.discount[k] = there ? 0.0f : 1.0f;
  }
}

void reached_near(std::span<const float> achieved, std::span<const float> goal,
                  std::span<std::uint8_t> reached) {
  for (std::size_t i = 0; i < reached.size(); ++i) {
    reached[i] = near(achieved.subspan(2 * i, 2), goal.subspan(2 * i, 2));
  }
}

Walks::Walks(Index lanes, double end, bool desired_is_state, std::uint64_t seed)
    : desired_is_state_(desired_is_state),
      end_(end),
      random_(seed, purpose("test/walks")),
      lanes_(static_cast<std::size_t>(lanes)) {
  for (Lane& lane : lanes_) {
    reset(lane);
  }
}

std::vector<ColumnSpec> Walks::columns(DType goal) const {
  return {{.name = "observation", .state = true},
          {.name = "action"},
          {.name = "reward"},
          {.name = "achieved_goal", .dtype = goal, .shape = {2}, .state = true},
          {.name = "desired_goal", .shape = {2}, .state = desired_is_state_}};
}

void Walks::step(WeightedReplayBuffer& buffer, std::span<const float> priority) {
  std::vector<float> observation, next, action(lanes_.size()), reward, achieved, next_achieved,
      desired, next_desired;
  std::vector<std::uint8_t> terminated, truncated;
  const auto add = [](std::vector<float>& to, const std::vector<float>& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  const Index limit = buffer.storage().rows_of_lane(0);
  for (Lane& lane : lanes_) {
    Step s;
    s.observation = lane.observation;
    s.achieved = lane.achieved;
    s.desired = lane.desired;
    s.next_observation = counter_ += 1;
    s.next_achieved = {static_cast<float>(random_.below(12)), counter_ += 1};
    s.next_desired = lane.desired;
    if (desired_is_state_ && random_.below(4) == 0) {
      s.next_desired = {static_cast<float>(random_.below(12)), -1.0f};
    }
    s.reward = near(s.next_achieved, s.desired) ? 5.0f : -7.0f;  // not the rule: can be told apart
    s.terminated = random_.uniform() < end_ / 2;
    s.truncated = random_.uniform() < end_ / 2;
    observation.push_back(s.observation);
    next.push_back(s.next_observation);
    reward.push_back(s.reward);
    terminated.push_back(s.terminated);
    truncated.push_back(s.truncated);
    add(achieved, s.achieved);
    add(next_achieved, s.next_achieved);
    add(desired, s.desired);
    add(next_desired, s.next_desired);
    lane.list.push_back(s);
    if (static_cast<Index>(lane.list.size()) > limit) {
      lane.list.erase(lane.list.begin());
    }
    lane.observation = s.next_observation;
    lane.achieved = s.next_achieved;
    lane.desired = s.next_desired;
    if (s.terminated || s.truncated) {
      reset(lane);
    }
  }
  const std::vector<double> wide(achieved.begin(), achieved.end()),
      next_wide(next_achieved.begin(), next_achieved.end());
  const bool is_wide = buffer.storage().columns()[3].dtype == DType::kFloat64;
  const NamedValues given[] = {{"observation", observation},
                               {"action", action},
                               {"reward", reward},
                               {"achieved_goal", is_wide ? Values(wide) : Values(achieved)},
                               {"desired_goal", desired}};
  std::vector<NamedValues> after = {
      {"observation", next},
      {"achieved_goal", is_wide ? Values(next_wide) : Values(next_achieved)}};
  if (desired_is_state_) {
    after.push_back({"desired_goal", next_desired});
  }
  buffer.append({.columns = given,
                 .terminated = terminated,
                 .truncated = truncated,
                 .skip = {},
                 .next = after,
                 .last = after},
                priority);
}

std::pair<Index, Index> Walks::episode(Index lane, Index i) const {
  const auto& steps = list(lane);
  const auto ends = [&](Index k) {
    const Step& s = steps[static_cast<std::size_t>(k)];
    return s.terminated || s.truncated;
  };
  Index first = i, end = i + 1;
  while (first > 0 && !ends(first - 1)) --first;
  while (end < std::ssize(steps) && !ends(end - 1)) ++end;
  return {first, end};
}

void Walks::reset(Lane& lane) {
  lane.observation = counter_ += 1;
  lane.achieved = {static_cast<float>(random_.below(12)), counter_ += 1};
  lane.desired = {static_cast<float>(random_.below(12)), -1.0f};
}

const Step& step_of(const Walks& walks, const Storage& storage, RowId row) {
  const Index lane = lane_of(row);
  return walks.list(lane)[static_cast<std::size_t>(sequence_of(row) - storage.oldest(lane))];
}

std::map<RowId, double> expected_goals(const Walks& walks, const Storage& storage, Index lane,
                                       Index i, const GoalLaw& law) {
  const auto [first, end] = walks.episode(lane, i);
  const auto id = [&](Index of_lane, Index k) {
    return row_id(of_lane, storage.oldest(of_lane) + k);
  };
  std::map<RowId, double> p;
  const double sum =
      law.future + law.geometric + law.final + law.episode + law.random + law.achieved;
  const auto add = [&](RowId row, double share) { p[row] += law.relabel * share / sum; };
  const Index last = std::max(i, end - 1 - law.future_margin);
  for (Index j = i; j <= last; ++j) {
    add(id(lane, j), law.future / static_cast<double>(last - i + 1));
  }
  double mass = 0;
  for (Index j = i; j < end; ++j) {
    mass += std::pow(law.discount, static_cast<double>(j - i));
  }
  for (Index j = i; j < end; ++j) {
    const double weight = std::pow(law.discount, static_cast<double>(j - i));
    if (law.clamp) {  // P(d = k) = discount^k (1 - discount), the rest on the last row
      add(id(lane, j), law.geometric * (j == end - 1 ? weight : weight * (1 - law.discount)));
    } else {
      add(id(lane, j), law.geometric * weight / mass);
    }
  }
  add(id(lane, end - 1), law.final);
  for (Index j = first; j < end; ++j) {
    add(id(lane, j), law.episode / static_cast<double>(end - first));
  }
  double all = 0;
  for (Index l = 0; l < walks.lanes(); ++l) {
    all += static_cast<double>(walks.list(l).size());
  }
  for (Index l = 0; l < walks.lanes(); ++l) {
    for (Index j = 0; j < std::ssize(walks.list(l)); ++j) {
      add(id(l, j), law.random / all);
    }
  }
  add(id(lane, i), law.achieved);
  p[-1] = 1.0 - law.relabel;
  return p;
}

Wrapped::Wrapped(bool desired_is_state, DType goal)
    : walks(2, 0.12, desired_is_state), buffer(walks.columns(goal), {.capacity = 90, .lanes = 2}) {
  for (int k = 0; k < 150; ++k) {
    walks.step(buffer);
  }
}

bool matches(const Cells& expected, const Cells& seen, double draws) {
  std::vector<double> counts, wanted;
  double rare_count = 0, rare_wanted = 0;  // cells too small for chi-square together
  std::size_t found = 0;
  for (const auto& [cell, p] : expected) {
    const auto at = seen.find(cell);
    const double count = at == seen.end() ? 0.0 : at->second;
    found += at == seen.end() ? 0 : 1;
    if (p * draws < 8 && p > 0) {
      rare_count += count;
      rare_wanted += p * draws;
    } else {
      counts.push_back(count);
      wanted.push_back(p * draws);
    }
  }
  counts.push_back(rare_count);
  wanted.push_back(rare_wanted);
  return found == seen.size() && chi_square_p_value(counts, wanted) > 1e-3;
}

}  // namespace palaestra::replay::testing
