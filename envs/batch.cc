#include <cmath>

#include <palaestra/envs/batch_checks.h>
#include <palaestra/envs/row_state.h>

namespace palaestra::envs {

render::ImageSize AnyBatch::render_size() const { detail::throw_no_pictures(spec()); }

void AnyBatch::render(Index, std::span<std::uint8_t>) { detail::throw_no_pictures(spec()); }

namespace detail {
namespace {

void require_row(const EnvSpec& spec, Index n, Index row) {
  require(row >= 0 && row < n, spec.id, ": row ", row, " is outside the batch; accepted: 0 to ",
          n - 1);
}

template <class T>
[[noreturn]] void throw_first_bad(const EnvSpec& spec, Index first_row,
                                  std::span<const T> actions) {
  std::size_t k = 0;
  while (acceptable(actions.subspan(k, 1), spec.action.count)) {
    ++k;
  }
  const Index width = spec.action.size(), at = static_cast<Index>(k);
  const std::string element = width > 1 ? concat("element ", at % width, " of ") : std::string();
  const std::string accepted = spec.action.kind == Space::Kind::kDiscrete
                                   ? concat("0 to ", spec.action.count - 1)
                                   : std::string("finite numbers");
  throw UserError(concat(spec.id, ": ", element, "the action of row ", first_row + at / width,
                         " is ", actions[k], "; accepted: ", accepted, "; no row was stepped"));
}

template <class Action>
void require_steppable(const EnvSpec& spec, const BatchOptions& options,
                       std::span<const RowState> rows, Index begin, Index end,
                       std::span<const Action> actions) {
  const Index width = spec.action.size();
  require(std::ssize(actions) == options.size * width, spec.id, ": got ", actions.size(),
          " action numbers, expected ", options.size, " x ", width);
  const std::span<const Action> own =
      actions.subspan(as_size(begin * width), as_size((end - begin) * width));
  if (!acceptable(own, spec.action.count)) [[unlikely]] {
    throw_first_bad(spec, begin, own);
  }
  if (options.autoreset == AutoresetMode::kDisabled) {
    for (Index row = begin; row < end; ++row) {
      require(rows[as_size(row)].done == 0, spec.id, ": row ", row,
              " has finished its episode; reset it before the next step (autoreset is disabled); "
              "no row was stepped");
    }
  }
}

}  // namespace

void throw_wrong_action_type(const EnvSpec& spec) {
  throw UserError(concat(spec.id, " takes ", name_of(spec.action.dtype), " actions (",
                         to_string(spec.action), ")"));
}

void require_options(const EnvSpec& spec, const BatchOptions& options) {
  require(options.size >= 1 && options.size <= (Index{1} << 28), spec.id, ": batch size is ",
          options.size, "; accepted: 1 to 2^28");
  const Index limit = options.time_limit.value_or(0);
  require(limit >= 0, spec.id, ": time limit is ", limit, "; accepted: 0 (never) or more");
}

void require_reset(const EnvSpec& spec, Index n, Index seeds, Index mask) {
  require(seeds == 0 || seeds == n, spec.id, ": reset was given ", seeds, " seeds, expected ", n,
          " or none");
  require(mask == 0 || mask == n, spec.id, ": reset was given a mask of ", mask, " rows, expected ",
          n, " or none");
}

void require_block(const EnvSpec& spec, const BatchOptions& options, Index begin, Index end,
                   int thread) {
  require(begin >= 0 && begin <= end && end <= options.size, spec.id, ": rows ", begin, " to ", end,
          " are outside the batch of ", options.size);
  require(thread >= 0 && thread < options.threads.count(), spec.id, ": thread is ", thread,
          "; accepted: 0 to ", options.threads.count() - 1);
}

void require_steps(const EnvSpec& spec, const BatchOptions& options, std::span<const RowState> rows,
                   Index begin, Index end, std::span<const float> actions) {
  require_steppable(spec, options, rows, begin, end, actions);
}

void require_steps(const EnvSpec& spec, const BatchOptions& options, std::span<const RowState> rows,
                   Index begin, Index end, std::span<const std::int64_t> actions) {
  require_steppable(spec, options, rows, begin, end, actions);
}

void require_states(const EnvSpec& spec, Index n, std::span<const Index> rows, Index bytes_per_row,
                    Index given) {
  for (const Index row : rows) {
    require_row(spec, n, row);
  }
  const Index expected = std::ssize(rows) * bytes_per_row;
  require(given == expected, spec.id, ": ", rows.size(), " saved rows have ", expected,
          " bytes, got ", given);
}

void require_history(const EnvSpec& spec, Index row, Index steps, Index kept) {
  require(steps <= kept, spec.id, ": the episode of row ", row, " is ", steps,
          " steps long and cannot be saved; a batch keeps the actions of ", kept,
          " steps (set a time limit)");
}

void require_physics(const EnvSpec& spec, Index n, Index row, Index size, Index given) {
  require_row(spec, n, row);
  require(size > 0, spec.id, " has no physical state to read or set");
  require(given == size, spec.id, ": the physical state has ", size, " numbers, got ", given);
}

void require_finite(const EnvSpec& spec, std::span<const double> values) {
  for (std::size_t k = 0; k < values.size(); ++k) {
    require(std::isfinite(values[k]), spec.id, ": number ", k, " of the physical state is ",
            values[k], "; accepted: finite numbers");
  }
}

void throw_no_pictures(const EnvSpec& spec) {
  throw UserError(concat(spec.id, " draws no pictures"));
}

void require_picture(const EnvSpec& spec, Index n, Index row, render::ImageSize size, Index given) {
  require_row(spec, n, row);
  require(given == size.bytes(), spec.id, ": a picture of ", size.width, " x ", size.height,
          " pixels has ", size.bytes(), " bytes, got room for ", given);
}

void throw_no_goals(const EnvSpec& spec) {
  throw UserError(concat(spec.id, " is no goal task: it has no achieved and desired goals"));
}

void require_goals(const EnvSpec& spec, Index achieved, Index desired, Index rows) {
  const Index width = spec.goal.value().desired;
  for (const auto& [name, given] :
       {std::pair("achieved", achieved), std::pair("desired", desired)}) {
    require(given == rows * width, spec.id, ": ", name, " goals have ", given,
            " numbers, expected ", rows, " x ", width);
  }
}

void require_goal(const EnvSpec& spec, Index n, Index row, std::span<const double> goal) {
  require_row(spec, n, row);
  require(std::ssize(goal) == spec.goal.value().desired, spec.id, ": a goal has ",
          spec.goal.value().desired, " numbers, got ", goal.size());
  for (std::size_t k = 0; k < goal.size(); ++k) {
    require(std::isfinite(goal[k]), spec.id, ": number ", k, " of the goal is ", goal[k],
            "; accepted: finite numbers");
  }
}

}  // namespace detail

void AnyBatch::compute_reward(std::span<const double>, std::span<const double>,
                              std::span<double>) const {
  detail::throw_no_goals(spec());
}

void AnyBatch::compute_terminated(std::span<const double>, std::span<const double>,
                                  std::span<std::uint8_t>) const {
  detail::throw_no_goals(spec());
}

void AnyBatch::set_goal(Index, std::span<const double>) { detail::throw_no_goals(spec()); }

}  // namespace palaestra::envs
