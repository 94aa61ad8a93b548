#include <palaestra/envs/adapters/wrappers.h>

#include <utility>

namespace palaestra::envs {

EnvSpec wrapped(EnvSpec spec, const Wrappers& wrappers) {
  for (const Wrapper& wrapper : wrappers) {
    spec = std::visit([&](const auto& w) { return wrapped(std::move(spec), w); }, wrapper);
  }
  return spec;
}

std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const Wrappers& wrappers) {
  for (const Wrapper& wrapper : wrappers) {
    inner = std::visit([&](const auto& w) { return wrap(std::move(inner), w); }, wrapper);
  }
  return inner;
}

Wrappers frozen(Wrappers wrappers) {
  for (Wrapper& wrapper : wrappers) {
    std::visit(
        [](auto& w) {
          if constexpr (requires { w.update; }) {
            w.update = false;
          }
        },
        wrapper);
  }
  return wrappers;
}

std::unique_ptr<AnyBatch> make(std::string_view id, const BatchOptions& options,
                               const Keywords& keywords, const Wrappers& wrappers) {
  return wrap(make(id, options, keywords), wrappers);
}

}  // namespace palaestra::envs
