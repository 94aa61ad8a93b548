#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/envs/any_batch.h>
#include <palaestra/envs/keyword.h>
#include <palaestra/envs/stochastic/tabular.h>

namespace palaestra::envs {

/// Rewards of achieved and desired goals, [m, goal width] each: AnyBatch::compute_reward without a
/// batch. Throws UserError on a wrong length.
using GoalReward = std::function<void(std::span<const double> achieved,
                                      std::span<const double> desired, std::span<double> out)>;

/// One registration line: the spec and how to make a batch of it.
struct Registration {
  std::string id;
  std::function<EnvSpec(const Keywords&)> spec;
  std::function<std::unique_ptr<AnyBatch>(const BatchOptions&, const Keywords&)> make;
  /// The task as a table of probabilities; null where it cannot be listed.
  std::function<TabularModel(const Keywords&)> model{};
  /// The rewards of a goal task; null for others.
  std::function<GoalReward(const Keywords&)> goal_reward{};
  /// What the best policy earns within some steps (0: without limit), where that is known without
  /// such a table; else null.
  std::function<double(const Keywords&, Index horizon)> optimal_value{};
};

/// The table of all environments, sorted by id. A plain table, not static initialisers.
std::span<const Registration> registrations();

/// The id in Gymnasium, whose ids hold one slash: "palaestra/dm_control.walker-walk".
std::string gymnasium_id(std::string_view id);

/// The registration of an id in this or in Gymnasium's form, with or without "palaestra/".
/// Throws UserError with the nearest known id when `id` is unknown, and for unknown keywords.
const Registration& find(std::string_view id);
std::unique_ptr<AnyBatch> make(std::string_view id, const BatchOptions& options,
                               const Keywords& keywords = {});

/// The task as a table of probabilities. Throws UserError, as find() does and for a task whose
/// outcomes cannot be listed.
TabularModel tabular_model(std::string_view id, const Keywords& keywords = {});

/// How a goal task rewards goals. Throws UserError, as find() does and for a task without goals.
GoalReward goal_reward(std::string_view id, const Keywords& keywords = {});

/// What the best policy earns from reset() on in the mean: exact, by dynamic programming over
/// tabular_model(), or by the task's own solution. The policy may look at the clock. `horizon` in
/// steps: not given = the task's time limit, 0 = no limit. Throws UserError as tabular_model() and
/// value_iteration() do, and for a task whose optimum is not known.
double optimal_value(std::string_view id, const Keywords& keywords = {},
                     std::optional<Index> horizon = {});

}  // namespace palaestra::envs
