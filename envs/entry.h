#pragma once

#include <concepts>
#include <memory>
#include <string>

#include <palaestra/envs/batch.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/registry.h>

namespace palaestra::envs {

namespace detail {

/// The environment with these options: E::from, or E{} where there are none. `preset` is what
/// tells several ids of one E apart.
template <class E, class... Preset>
E configured(const std::string& id, const Keywords& keywords, const Preset&... preset) {
  KeywordReader reader(id, keywords);
  if constexpr (requires { E::from(reader, preset...); }) {
    E env = E::from(reader, preset...);
    reader.finish();
    return env;
  } else {
    static_assert(sizeof...(Preset) == 0);
    reader.finish();
    return E{};
  }
}

/// The spec alone. An environment with a `describe` can tell it without its model file.
template <class E, class... Preset>
EnvSpec described(const std::string& id, const Keywords& keywords, const Preset&... preset) {
  if constexpr (requires(KeywordReader reader) { E::describe(reader, preset...); }) {
    KeywordReader reader(id, keywords);
    EnvSpec spec = E::describe(reader, preset...);
    reader.finish();
    return spec;
  } else {
    return configured<E>(id, keywords, preset...).spec();
  }
}

}  // namespace detail

/// The registration line of an environment. Its id says the rest: spec, options and batches come
/// from E. Where one E is several tasks, `preset` says which: E::from(reader, preset). Also for
/// environments outside this suite, which can be batched and checked by it.
template <Environment E, class... Preset>
Registration entry(const std::string& id, const Preset&... preset) {
  Registration registration{
      .id = id,
      .spec = [=](const Keywords& k) { return detail::described<E>(id, k, preset...); },
      .make = [=](const BatchOptions& options, const Keywords& k) -> std::unique_ptr<AnyBatch> {
        return std::make_unique<Batch<E>>(detail::configured<E>(id, k, preset...), options);
      }};
  if constexpr (requires(const E& env) {
                  { env.model() } -> std::convertible_to<TabularModel>;
                }) {
    registration.model = [=](const Keywords& k) {
      return detail::configured<E>(id, k, preset...).model();
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
  if constexpr (requires(const E& env, Index horizon) { env.optimal_value(horizon); }) {
    registration.optimal_value = [id](const Keywords& k, Index horizon) {
      return detail::configured<E>(id, k).optimal_value(horizon);
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
