#include <palaestra/envs/batch.h>

namespace palaestra::envs::detail {

void throw_bad_action(const EnvSpec& spec, Index row, double value) {
  if (spec.action.kind == Space::Kind::kDiscrete) {
    throw UserError(concat(spec.id, ": the action of row ", row, " is ", value, "; accepted: 0 to ",
                           spec.action.count - 1, "; no row was stepped"));
  }
  throw UserError(concat(spec.id, ": the action of row ", row, " contains ", value,
                         "; accepted: finite numbers; no row was stepped"));
}

void throw_wrong_action_type(const EnvSpec& spec) {
  throw UserError(concat(spec.id, " takes ", name_of(spec.action.dtype), " actions (",
                         to_string(spec.action), ")"));
}

void require_actions(const EnvSpec& spec, Index n, Index given) {
  require(given == n * spec.action.size(), spec.id, ": got ", given, " action numbers, expected ",
          n, " x ", spec.action.size());
}

void require_rows(const EnvSpec& spec, Index n, std::span<const Index> rows) {
  for (const Index row : rows) {
    require(row >= 0 && row < n, spec.id, ": row ", row, " is outside the batch; accepted: 0 to ",
            n - 1);
  }
}

void require_options(const EnvSpec& spec, const BatchOptions& options) {
  require(options.size >= 1 && options.size <= (Index{1} << 28), spec.id, ": batch size is ",
          options.size, "; accepted: 1 to 2^28");
  const Index limit = options.time_limit.value_or(0);
  require(limit >= 0, spec.id, ": time limit is ", limit, "; accepted: 0 (never) or more");
}

}  // namespace palaestra::envs::detail
