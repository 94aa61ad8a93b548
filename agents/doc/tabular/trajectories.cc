#include <palaestra/agents/doc/tabular/trajectories.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::agents::doc {
namespace {

/// How often each action is taken in each state by the trajectories that `counts` likes.
template <class Counts>
std::vector<double> visits(const TrajectoryLaw& law, Counts&& counts) {
  std::vector<double> result(static_cast<std::size_t>(law.states * law.actions), 0.0);
  for (const Trajectory& trajectory : law.trajectories) {
    if (counts(trajectory)) {
      for (const TrajectoryStep& step : trajectory.steps) {
        result[static_cast<std::size_t>(step.state * law.actions + step.action)] +=
            trajectory.probability;
      }
    }
  }
  return result;
}

/// Rows of visits as distributions; a row without any is `otherwise`'s, or uniform.
std::vector<double> normalised(std::vector<double> visited, Index actions,
                               std::span<const double> otherwise) {
  const auto width = static_cast<std::size_t>(actions);
  for (std::size_t begin = 0; begin < visited.size(); begin += width) {
    const std::span row(visited.data() + begin, width);
    double total = 0;
    for (const double x : row) {
      total += x;
    }
    for (std::size_t a = 0; a < width; ++a) {
      row[a] = total > 0           ? row[a] / total
               : otherwise.empty() ? 1.0 / static_cast<double>(actions)
                                   : otherwise[begin + a];
    }
  }
  return visited;
}

}  // namespace

double TrajectoryLaw::lowest() const {
  return std::ranges::min_element(trajectories, {}, &Trajectory::total)->total;
}
double TrajectoryLaw::highest() const {
  return std::ranges::max_element(trajectories, {}, &Trajectory::total)->total;
}

void require_valid(const TrajectoryLaw& law) {
  require(law.states >= 1 && law.actions >= 1 && law.outcomes >= 1 && law.size() >= 1,
          "a law of trajectories has ", law.states, " states, ", law.actions, " actions, ",
          law.outcomes, " outcomes and ", law.size(), " trajectories; accepted: 1 or more of each");
  double total = 0;
  for (std::size_t i = 0; i < law.trajectories.size(); ++i) {
    const Trajectory& trajectory = law.trajectories[i];
    require(trajectory.probability > 0 && std::isfinite(trajectory.total), "trajectory ", i,
            " has probability ", trajectory.probability, " and return ", trajectory.total,
            "; accepted: above 0, and finite");
    require(!trajectory.steps.empty(), "trajectory ", i, " has no step");
    for (const TrajectoryStep& step : trajectory.steps) {
      require(step.state >= 0 && step.state < law.states && step.action >= 0 &&
                  step.action < law.actions && step.outcome >= 0 && step.outcome < law.outcomes,
              "trajectory ", i, " has state ", step.state, ", action ", step.action, ", outcome ",
              step.outcome, "; accepted: below ", law.states, ", ", law.actions, ", ",
              law.outcomes);
    }
    total += trajectory.probability;
  }
  require(std::abs(total - 1) <= 1e-9, "the probabilities of trajectories sum to ", total,
          ", not to 1");
}

std::vector<double> cloned_policy(const TrajectoryLaw& law) {
  require_valid(law);
  return normalised(visits(law, [](const Trajectory&) { return true; }), law.actions, {});
}

std::vector<double> return_conditioned_policy(const TrajectoryLaw& law, double asked) {
  const auto data = cloned_policy(law);
  require(std::isfinite(asked), "the return asked for is ", asked);
  const double slack = 1e-9 * std::max(1.0, std::abs(asked));
  return normalised(
      visits(law, [&](const Trajectory& t) { return std::abs(t.total - asked) <= slack; }),
      law.actions, data);
}

}  // namespace palaestra::agents::doc
