#pragma once

#include <concepts>
#include <memory>
#include <string>

#include <palaestra/envs/batch.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/registry.h>

namespace palaestra::envs {

namespace detail {

/// The environment with these options: E::from, or E{} where there are none.
template <class E>
E configured(const std::string& id, const Keywords& keywords) {
  KeywordReader reader(id, keywords);
  if constexpr (requires { E::from(reader); }) {
    E env = E::from(reader);
    reader.finish();
    return env;
  } else {
    reader.finish();
    return E{};
  }
}

/// The spec alone. An environment with a `describe` can tell it without its model file.
template <class E>
EnvSpec described(const std::string& id, const Keywords& keywords) {
  if constexpr (requires(KeywordReader reader) { E::describe(reader); }) {
    KeywordReader reader(id, keywords);
    EnvSpec spec = E::describe(reader);
    reader.finish();
    return spec;
  } else {
    return configured<E>(id, keywords).spec();
  }
}

}  // namespace detail

/// The registration line of an environment. Its id says the rest: spec, options and batches come
/// from E. Also for environments outside this suite, which can be batched and checked by it.
template <Environment E>
Registration entry(const std::string& id) {
  Registration registration{
      .id = id,
      .spec = [id](const Keywords& k) { return detail::described<E>(id, k); },
      .make = [id](const BatchOptions& options, const Keywords& k) -> std::unique_ptr<AnyBatch> {
        return std::make_unique<Batch<E>>(detail::configured<E>(id, k), options);
      }};
  if constexpr (requires(const E& env) {
                  { env.model() } -> std::convertible_to<TabularModel>;
                }) {
    registration.model = [id](const Keywords& k) { return detail::configured<E>(id, k).model(); };
  }
  if constexpr (requires(const E& env, Index horizon) { env.optimal_value(horizon); }) {
    registration.optimal_value = [id](const Keywords& k, Index horizon) {
      return detail::configured<E>(id, k).optimal_value(horizon);
    };
  }
  if constexpr (detail::has_goals<E>) {
    registration.goal_reward = [id](const Keywords& k) -> GoalReward {
      // one row, which is never stepped: what knows the environment's rewards
      return
          [batch = std::make_shared<const Batch<E>>(detail::configured<E>(id, k), BatchOptions{})](
              auto achieved, auto desired, auto out) {
            batch->compute_reward(achieved, desired, out);
          };
    };
  }
  return registration;
}

/// The registration line of an environment whose option `flag` decides the type of its actions: Off
/// where it is 0, On where it is 1. Both take the option as a known one.
template <Environment Off, Environment On>
Registration entry_by_flag(const std::string& id, const std::string& flag, bool fallback) {
  const auto choose = [id, flag, fallback](const Keywords& keywords) {
    return KeywordReader(id, keywords).flag(flag, fallback) ? entry<On>(id) : entry<Off>(id);
  };
  return {.id = id,
          .spec = [choose](const Keywords& k) { return choose(k).spec(k); },
          .make = [choose](const BatchOptions& options,
                           const Keywords& k) { return choose(k).make(options, k); }};
}

}  // namespace palaestra::envs
