#include <algorithm>
#include <cmath>
#include <limits>

#include <palaestra/envs/conformance_check.h>

namespace palaestra::envs::conformance {
namespace {

/// One part of row `row` of a goal task's observations, as numbers.
std::vector<double> part(const AnyBatch& batch, std::size_t row, Index first, Index width) {
  const Space& space = batch.spec().observation;
  const std::size_t begin =
      row * static_cast<std::size_t>(space.size()) + static_cast<std::size_t>(first);
  std::vector<double> numbers(static_cast<std::size_t>(width));
  for (std::size_t k = 0; k < numbers.size(); ++k) {
    numbers[k] = space.dtype == DType::kFloat64
                     ? static_cast<const double*>(batch.columns().observation)[begin + k]
                     : static_cast<double>(
                           static_cast<const float*>(batch.columns().observation)[begin + k]);
  }
  return numbers;
}

std::vector<double> achieved_of(const AnyBatch& batch, std::size_t row) {
  const GoalSpec& goal = *batch.spec().goal;
  return part(batch, row, goal.observation, goal.achieved);
}

std::vector<double> desired_of(const AnyBatch& batch, std::size_t row) {
  const GoalSpec& goal = *batch.spec().goal;
  return part(batch, row, goal.observation + goal.achieved, goal.desired);
}

bool goals_are_sane(Check& check) {
  const EnvSpec& spec = check.spec;
  const GoalSpec& goal = *spec.goal;
  const bool widths = goal.observation >= 1 && goal.achieved >= 1 &&
                      goal.achieved == goal.desired &&
                      goal.observation + goal.achieved + goal.desired == spec.observation.size();
  check.expect(widths, "a row of ", spec.observation.size(), " numbers is divided into ",
               goal.observation, ", ", goal.achieved, " and ", goal.desired);
  const bool numbers =
      spec.observation.dtype == DType::kFloat64 || spec.observation.dtype == DType::kFloat32;
  check.expect(numbers, "goals are ", name_of(spec.observation.dtype));
  check.expect(std::find(spec.info.begin(), spec.info.end(), "is_success") != spec.info.end(),
               "a goal task has no info is_success");
  check.expect(check.registration.goal_reward != nullptr, "is registered without its rewards");
  return widths && numbers && check.registration.goal_reward != nullptr;
}

void expect_no_goals(Check& check) {
  const auto batch = check.make(2);
  std::vector<double> one(1);
  std::vector<std::uint8_t> flag(1);
  check.expect(!refusal([&] { batch->compute_reward(one, one, one); }).empty() &&
                   !refusal([&] { batch->compute_terminated(one, one, flag); }).empty() &&
                   !refusal([&] { batch->set_goal(0, one); }).empty(),
               "a task without goals judges or takes some");
  check.expect(check.registration.goal_reward == nullptr, "a task without goals rewards some");
}

/// Rewards and ends of steps are those of the goals that are seen after them.
void expect_steps_judged_by_their_goals(Check& check) {
  constexpr Index kRows = 5;
  const auto batch = check.make(kRows);
  RandomActions actions = check.actions(kRows);
  const GoalReward reward_of = check.registration.goal_reward(check.keywords);
  std::vector<double> achieved, desired, reward(kRows), again(kRows);
  std::vector<std::uint8_t> terminated(kRows);
  for (Index t = 0; t < 200; ++t) {
    actions.step(*batch, t);
    achieved.clear();
    desired.clear();
    for (std::size_t row = 0; row < kRows; ++row) {
      const auto a = achieved_of(*batch, row), d = desired_of(*batch, row);
      achieved.insert(achieved.end(), a.begin(), a.end());
      desired.insert(desired.end(), d.begin(), d.end());
    }
    batch->compute_reward(achieved, desired, reward);
    batch->compute_terminated(achieved, desired, terminated);
    reward_of(achieved, desired, again);
    check.expect(reward == again, "the registry rewards goals otherwise than the batch at step ",
                 t);
    const BatchColumns& columns = batch->columns();
    for (std::size_t row = 0; row < kRows; ++row) {
      if (columns.reset[row] != 0 || columns.status[row] != Status::kOk) {
        continue;
      }
      check.expect(columns.reward[row] == reward[row], "row ", row, " earns ", columns.reward[row],
                   " in step ", t, "; its goals are worth ", reward[row]);
      check.expect(columns.terminated[row] == terminated[row], "row ", row, " ends in step ", t,
                   ", its goals do not, or the other way round");
    }
  }
  achieved.pop_back();
  check.expect(
      !refusal([&] { batch->compute_reward(achieved, desired, reward); }).empty() &&
          !refusal([&] { reward_of(achieved, desired, reward); }).empty() &&
          !refusal([&] { batch->compute_terminated(achieved, desired, terminated); }).empty(),
      "goals of the wrong length are judged");
}

/// A goal can be set: the achieved one of another row, which then is reached.
void expect_goals_can_be_set(Check& check) {
  const auto batch = check.make(3), twin = check.make(3);
  const auto found = std::find(check.spec.info.begin(), check.spec.info.end(), "is_success");
  const auto success = static_cast<std::size_t>(found - check.spec.info.begin());
  const std::vector<double> here = achieved_of(*batch, 1);
  batch->set_goal(1, here);
  check.expect(desired_of(*batch, 1) == here, "the goal that was set is not the one that is seen");
  check.expect(achieved_of(*batch, 1) == here, "a goal that is set moves what is achieved");
  check.expect(batch->columns().info[check.spec.info.size() + success] == 1.0,
               "a goal that is achieved is no success");
  for (const Index row : {Index{0}, Index{2}}) {
    check.expect(all_column_bytes(*batch, row, row + 1) == all_column_bytes(*twin, row, row + 1),
                 "a goal of row 1 changes row ", row);
  }
  const Bytes states = states_of(*batch), columns = all_column_bytes(*batch, 0, 3);
  std::vector<double> broken = here;
  broken.back() = std::numeric_limits<double>::quiet_NaN();
  check.expect(
      !refusal([&] { batch->set_goal(1, broken); }).empty() &&
          !refusal([&] { batch->set_goal(3, here); }).empty() &&
          !refusal([&] { batch->set_goal(-1, here); }).empty() &&
          !refusal([&] { batch->set_goal(1, std::span(here).first(here.size() - 1)); }).empty(),
      "a goal with a NaN, of the wrong length or row is accepted");
  check.expect(states == states_of(*batch) && columns == all_column_bytes(*batch, 0, 3),
               "a refused goal changed something");
}

}  // namespace

void goals_are_judged_as_steps_are(Check& check) {
  if (!check.spec.goal) {
    return expect_no_goals(check);
  }
  if (goals_are_sane(check)) {
    expect_steps_judged_by_their_goals(check);
  }
}

void goals_can_be_set(Check& check) {
  if (check.spec.goal && goals_are_sane(check)) {
    expect_goals_can_be_set(check);
  }
}

}  // namespace palaestra::envs::conformance
