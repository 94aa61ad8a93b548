#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

/// One registration line: the spec and how to make a batch of it. `options` are the environment's
/// own keyword arguments by name (numbers; booleans as 0 and 1), checked by the environment.
using Keywords = std::map<std::string, double>;

struct Registration {
  std::string id;
  std::function<EnvSpec(const Keywords&)> spec;
  std::function<std::unique_ptr<AnyBatch>(const BatchOptions&, const Keywords&)> make;
};

/// The table of all environments, sorted by id. A plain table, not static initialisers.
std::span<const Registration> registrations();

/// Throws UserError with the nearest known id when `id` is unknown, and for unknown keywords.
const Registration& find(std::string_view id);
std::unique_ptr<AnyBatch> make(std::string_view id, const BatchOptions& options,
                               const Keywords& keywords = {});

}  // namespace palaestra::envs
