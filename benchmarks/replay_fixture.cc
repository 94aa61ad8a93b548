#include <palaestra/benchmarks/replay_fixture.h>

#include <algorithm>

namespace palaestra::benchmarks {

using namespace palaestra::replay;

namespace {

std::vector<ColumnSpec> columns_of(const Filled::Options& options) {
  std::vector<ColumnSpec> columns =
      transition_columns(Space::box(kObservation, -1, 1), Space::box(kAction, -1, 1));
  if (options.goals) {
    columns.push_back({.name = "achieved_goal", .shape = {kGoal}, .state = true});
    columns.push_back({.name = "desired_goal", .shape = {kGoal}});
  }
  return columns;
}

}  // namespace

Filled::Filled(const Options& options)
    : buffer(columns_of(options),
             {.capacity = kCapacity, .lanes = options.lanes, .priorities = options.priorities}),
      random_(1, purpose("bench/replay")),
      now_(static_cast<std::size_t>(options.lanes * kObservation)),
      next_(now_.size()),
      action_(static_cast<std::size_t>(options.lanes * kAction), 0.5f),
      achieved_(static_cast<std::size_t>(options.lanes * kGoal)),
      next_achieved_(achieved_.size()),
      desired_(achieved_.size(), 0.25f),
      reward_(static_cast<std::size_t>(options.lanes), 1.0),
      terminated_(reward_.size(), 0),
      truncated_(reward_.size(), 0),
      goals_(options.goals) {
  random_.fill_uniform(next_);
  while (buffer.size() < buffer.capacity()) {
    append();
  }
}

void Filled::append() {
  std::swap(now_, next_);
  next_[0] = now_[0] + 1.0f;
  std::fill(truncated_.begin(), truncated_.end(), ++step_ % 1000 == 0);
  if (goals_) {
    std::swap(achieved_, next_achieved_);
    random_.fill_uniform(next_achieved_);
  }
  const NamedValues all[] = {{"observation", now_},
                             {"action", action_},
                             {"reward", reward_},
                             {"achieved_goal", achieved_},
                             {"desired_goal", desired_}};
  const NamedValues after[] = {{"observation", next_}, {"achieved_goal", next_achieved_}};
  const auto states = std::span(after).first(goals_ ? 2 : 1);
  buffer.append({.columns = std::span(all).first(goals_ ? 5 : 3),
                 .terminated = terminated_,
                 .truncated = truncated_,
                 .skip = {},
                 .next = states,
                 .last = states});
}

Measured microseconds(std::string name, Index n, int calls, std::function<void()> call) {
  return {{.name = std::move(name), .unit = "us", .higher_is_better = false, .n = n},
          calls,
          std::move(call)};
}

std::vector<Row> measure(std::vector<Measured> measured) {
  std::vector<Contender> contenders;
  contenders.reserve(measured.size());
  contenders.reserve(measured.size());
  for (const Measured& m : measured) {
    contenders.push_back({m.row.name, static_cast<double>(m.calls), [&m] {
                            for (int k = 0; k < m.calls; ++k) {
                              m.call();
                            }
                          }});
  }
  const std::vector<double> seconds = interleave(contenders);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < seconds.size(); ++i) {
    measured[i].row.value = seconds[i] * 1e6;
    rows.push_back(std::move(measured[i].row));
  }
  return rows;
}

Row measure_against(Measured measured, Measured limit) {
  std::vector<Row> rows = measure({std::move(measured), std::move(limit)});
  rows[0].limit = rows[1].value;
  rows[0].limit_name = rows[1].name;
  return rows[0];
}

}  // namespace palaestra::benchmarks
