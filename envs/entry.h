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
  return registration;
}

}  // namespace palaestra::envs
