#include <palaestra/envs/registry.h>

#include <algorithm>
#include <utility>

#include <palaestra/core/text.h>
#include <palaestra/envs/batch_checks.h>
#include <palaestra/envs/families.h>

namespace palaestra::envs {

namespace {

constexpr std::string_view kNamespace = "palaestra/";

std::vector<Registration> table() {
  std::vector<Registration> all;
  for (auto* family : {box2d_entries, classic_entries, dm_control_entries, doom_entries,
                       goal_entries, mujoco_entries, stochastic_entries}) {
    for (Registration& registration : family()) {
      all.push_back(std::move(registration));
    }
  }
  std::ranges::sort(all, {}, &Registration::id);
  return all;
}

}  // namespace

std::span<const Registration> registrations() {
  static const std::vector<Registration> kTable = table();
  return kTable;
}

std::string gymnasium_id(std::string_view id) {
  std::string whole = concat(kNamespace, id);
  std::replace(whole.begin() + std::ssize(kNamespace), whole.end(), '/', '.');
  return whole;
}

const Registration& find(std::string_view id) {
  if (id.starts_with(kNamespace)) {
    id.remove_prefix(kNamespace.size());
  }
  const std::string in_gymnasium = gymnasium_id(id);
  std::vector<std::string> known;
  for (const Registration& registration : registrations()) {
    if (registration.id == id || gymnasium_id(registration.id) == in_gymnasium) {
      return registration;
    }
    known.push_back(registration.id);
  }
  throw UserError(concat("unknown environment \"", id, "\"", did_you_mean(id, known),
                         " (palaestra envs lists all)"));
}

std::unique_ptr<AnyBatch> make(std::string_view id, const BatchOptions& options,
                               const Keywords& keywords) {
  return find(id).make(options, keywords);
}

TabularModel tabular_model(std::string_view id, const Keywords& keywords) {
  const Registration& registration = find(id);
  require(registration.model != nullptr, registration.id,
          " has no table of outcomes: it is not a finite task");
  return registration.model(keywords);
}

GoalReward goal_reward(std::string_view id, const Keywords& keywords) {
  const Registration& registration = find(id);
  if (registration.goal_reward == nullptr) {
    detail::throw_no_goals(registration.spec(keywords));
  }
  return registration.goal_reward(keywords);
}

double optimal_value(std::string_view id, const Keywords& keywords, std::optional<Index> horizon) {
  const Registration& registration = find(id);
  const Index steps = horizon.value_or(registration.spec(keywords).time_limit);
  if (registration.optimal_value) {
    return registration.optimal_value(keywords, steps);
  }
  const TabularModel model = tabular_model(id, keywords);
  const Solution best = steps == 0 ? value_iteration(model) : finite_horizon(model, steps);
  return at_start(model, best.value);
}

}  // namespace palaestra::envs
