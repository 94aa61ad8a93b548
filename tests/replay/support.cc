#include "support.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace palaestra::replay::testing {
namespace {

/// Regularised upper incomplete gamma function Q(a, x), by series or continued fraction.
double gamma_q(double a, double x) {
  if (x <= 0) {
    return 1.0;
  }
  const double front = std::exp(-x + a * std::log(x) - std::lgamma(a));
  if (x < a + 1) {
    double term = 1 / a, sum = term;
    for (double n = a + 1; term > sum * 1e-16; n += 1) {
      term *= x / n;
      sum += term;
    }
    return 1 - sum * front;
  }
  double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (double i = 1; i < 100000; i += 1) {
    const double an = -i * (i - a);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-15) {
      break;
    }
  }
  return front * h;
}

}  // namespace

double chi_square_p_value(std::span<const double> counts, std::span<const double> expected) {
  double statistic = 0, cells = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (expected[i] == 0) {
      if (counts[i] != 0) {
        return 0;
      }
      continue;
    }
    statistic += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
    cells += 1;
  }
  return cells < 2 ? 1.0 : gamma_q((cells - 1) / 2, statistic / 2);
}

Feeder::Feeder(const Options& options)
    : options_(options),
      random_(options.seed, purpose("test/feeder")),
      current_(static_cast<std::size_t>(options.lanes)),
      lists_(static_cast<std::size_t>(options.lanes)) {
  for (auto& observation : current_) {
    observation.assign(static_cast<std::size_t>(options.observation), counter_++);
  }
}

std::vector<ColumnSpec> Feeder::columns() const {
  return transition_columns(Space::box(options_.observation, -1, 1),
                            Space::box(options_.action, -1, 1));
}

Feeder::Row Feeder::make_row(Index lane) {
  std::vector<float>& state = current_[static_cast<std::size_t>(lane)];
  const auto fresh = [&](Index width) {
    std::vector<float> values(static_cast<std::size_t>(width));
    for (float& value : values) {
      value = counter_++;
    }
    return values;
  };
  Row row;
  row.skip = random_.uniform() < options_.skip;
  if (row.skip) {
    state = fresh(options_.observation);  // as after a reset
    return row;
  }
  Reference& t = row.transition;
  t.observation = state;
  t.action = fresh(options_.action);
  t.reward = static_cast<float>(random_.normal());
  t.next_observation = fresh(options_.observation);
  if (random_.uniform() < options_.end) {
    const double kind = random_.uniform();
    t.terminated = kind < 0.5;
    t.truncated = kind > 0.4;
    state = fresh(options_.observation);
  } else {
    state = t.next_observation;
  }
  return row;
}

void Feeder::close(Index lane) {
  auto& list = lists_[static_cast<std::size_t>(lane)];
  if (!list.empty() && !list.back().next_known) {
    list.pop_back();
  }
  if (!list.empty() && !list.back().terminated) {
    list.back().truncated = true;
  }
}

void Feeder::record(Index lane, const Row& row, bool announced, Index limit) {
  auto& list = lists_[static_cast<std::size_t>(lane)];
  if (row.skip) {
    close(lane);
    return;
  }
  if (!list.empty()) {
    list.back().next_known = true;
  }
  list.push_back(row.transition);
  list.back().next_known = announced || row.transition.terminated || row.transition.truncated;
  if (static_cast<Index>(list.size()) > limit) {
    list.pop_front();
  }
}

void Feeder::feed(WeightedReplayBuffer& buffer, std::span<const Row> rows,
                  std::optional<Index> lane, bool announced, std::span<const float> priority) {
  std::vector<float> observation, action, next, last;
  std::vector<double> reward;
  std::vector<std::uint8_t> terminated, truncated, skip;
  const std::vector<float> junk(
      static_cast<std::size_t>(std::max(options_.observation, options_.action)), std::nanf(""));
  const auto add = [](std::vector<float>& to, std::span<const float> from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  const auto width = static_cast<std::size_t>(options_.observation);
  const std::span<const float> nothing(junk.data(), width);
  for (const Row& row : rows) {
    const Reference& t = row.transition;
    const bool ended = t.terminated || t.truncated;
    add(observation, row.skip ? nothing : t.observation);
    add(action, row.skip ? std::span(junk.data(), static_cast<std::size_t>(options_.action))
                         : std::span(t.action));
    add(next, row.skip || ended ? nothing : t.next_observation);
    add(last, row.skip || !ended ? nothing : t.next_observation);
    reward.push_back(row.skip ? junk[0] : t.reward);
    terminated.push_back(t.terminated);
    truncated.push_back(t.truncated);
    skip.push_back(row.skip);
  }
  const NamedValues columns[] = {
      {"reward", reward}, {"observation", observation}, {"action", action}};
  const NamedValues next_states[] = {{"observation", next}},
                    last_states[] = {{"observation", last}};
  const Steps steps{.columns = columns,
                    .terminated = terminated,
                    .truncated = truncated,
                    .skip = skip,
                    .next = announced ? std::span<const NamedValues>(next_states)
                                      : std::span<const NamedValues>(),
                    .last = last_states};
  if (lane) {
    buffer.extend(*lane, steps, priority);
  } else {
    buffer.append(steps, priority);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    record(lane.value_or(static_cast<Index>(i)), rows[i], announced,
           buffer.storage().rows_of_lane(0));
  }
}

void Feeder::step(WeightedReplayBuffer& buffer, std::span<const float> priority) {
  std::vector<Row> rows;
  for (Index lane = 0; lane < options_.lanes; ++lane) {
    rows.push_back(make_row(lane));
  }
  feed(buffer, rows, std::nullopt, random_.uniform() < options_.announce, priority);
}

void Feeder::extend(WeightedReplayBuffer& buffer, Index lane, Index count) {
  std::vector<Row> rows;
  for (Index i = 0; i < count; ++i) {
    rows.push_back(make_row(lane));
  }
  feed(buffer, rows, lane, random_.uniform() < options_.announce, {});
}

void Feeder::cut(WeightedReplayBuffer& buffer, Index lane) {
  buffer.cut(lane);
  close(lane);
  current_[static_cast<std::size_t>(lane)].assign(static_cast<std::size_t>(options_.observation),
                                                  counter_++);
}

std::vector<Reference> Feeder::drawable(Index lane) const {
  const auto& list = lists_[static_cast<std::size_t>(lane)];
  std::vector<Reference> rows(list.begin(), list.end());
  if (!rows.empty() && !rows.back().next_known) {
    rows.pop_back();
  }
  return rows;
}

WeightedReplayBuffer numbered_buffer(Index rows, const BufferOptions& options) {
  WeightedReplayBuffer buffer(transition_columns(Space::box(1, -1, 1), Space::box(1, -1, 1)),
                              options);
  std::vector<float> observation, next, rest(static_cast<std::size_t>(rows), 0.0f);
  for (Index i = 0; i < rows; ++i) {
    observation.push_back(static_cast<float>(i));
    next.push_back(static_cast<float>(i + 1));
  }
  const std::vector<std::uint8_t> flags(static_cast<std::size_t>(rows), 0);
  const NamedValues columns[] = {{"observation", observation}, {"action", rest}, {"reward", rest}};
  const NamedValues next_states[] = {{"observation", next}};
  buffer.extend(0, {.columns = columns,
                    .terminated = flags,
                    .truncated = flags,
                    .skip = {},
                    .next = next_states,
                    .last = {}});
  return buffer;
}

}  // namespace palaestra::replay::testing
