#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <palaestra/envs/any_batch.h>
#include <palaestra/envs/render/renderer.h>

/// The parts of Batch<E> that need not be compiled once per environment: its argument checks.
namespace palaestra::envs::detail {

struct RowState;

template <class E>
struct ScratchOf {
  using type = std::monostate;
};
template <ScratchEnvironment E>
struct ScratchOf<E> {
  using type = typename E::Scratch;
};

template <class E>
struct CellOf {
  using type = typename E::State;
};
template <ScratchEnvironment E>
struct CellOf<E> {
  using type = double;
};
template <HeldEnvironment E>
struct CellOf<E> {
  using type = typename E::Action;
};

template <class E>
struct RendererOf {
  using type = std::monostate;
};
template <render::HasRenderer E>
struct RendererOf<E> {
  using type = decltype(std::declval<const E&>().make_renderer());
};
template <render::DrawsOnCanvas E>
struct RendererOf<E> {
  using type = render::CanvasRenderer<E>;
};

/// A goal task: what it says of goals is compiled in.
template <class E>
concept has_goals = requires(const E& env, std::span<const double> goal) {
  { env.compute_reward(goal, goal) } -> std::convertible_to<double>;
  { env.compute_terminated(goal, goal) } -> std::convertible_to<bool>;
};

/// Whether every action is a finite number. One flag for the whole range, so that the pass is
/// vectorised: well under a nanosecond per row.
inline bool acceptable(std::span<const float> actions, Index /*count*/) {
  constexpr std::uint32_t kExponent = 0x7F800000u;  // all ones: NaN or infinite
  std::uint32_t bad = 0;
  for (const float action : actions) {
    bad |=
        static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(action) & kExponent) == kExponent);
  }
  return bad == 0;
}

/// Whether every action is in {0, ..., count - 1}.
inline bool acceptable(std::span<const std::int64_t> actions, Index count) {
  const auto last = static_cast<std::uint64_t>(count - 1);
  std::uint64_t bad = 0;
  for (const std::int64_t action : actions) {
    const auto a = static_cast<std::uint64_t>(action);
    bad |= a | (last - a);  // the highest bit of either: negative, or beyond the last
  }
  return bad >> 63 == 0;
}

[[noreturn]] void throw_wrong_action_type(const EnvSpec& spec);

void require_options(const EnvSpec& spec, const BatchOptions& options);
void require_reset(const EnvSpec& spec, Index n, Index seeds, Index mask);
void require_block(const EnvSpec& spec, const BatchOptions& options, Index begin, Index end,
                   int thread);
/// Throws unless rows [begin, end) can all be stepped: there is an action for each row of the
/// batch, those of these rows are acceptable, and none of them has to be reset by the caller.
void require_steps(const EnvSpec& spec, const BatchOptions& options, std::span<const RowState> rows,
                   Index begin, Index end, std::span<const float> actions);
void require_steps(const EnvSpec& spec, const BatchOptions& options, std::span<const RowState> rows,
                   Index begin, Index end, std::span<const std::int64_t> actions);
void require_states(const EnvSpec& spec, Index n, std::span<const Index> rows, Index bytes_per_row,
                    Index given);
/// Throws unless all `steps` of the row's episode were kept.
void require_history(const EnvSpec& spec, Index row, Index steps, Index kept);
void require_physics(const EnvSpec& spec, Index n, Index row, Index size, Index given);
void require_finite(const EnvSpec& spec, std::span<const double> values);
[[noreturn]] void throw_no_goals(const EnvSpec& spec);
/// Throws unless `achieved` and `desired` are `rows` goals each.
void require_goals(const EnvSpec& spec, Index achieved, Index desired, Index rows);
void require_goal(const EnvSpec& spec, Index n, Index row, std::span<const double> goal);

[[noreturn]] void throw_no_pictures(const EnvSpec& spec);
void require_picture(const EnvSpec& spec, Index n, Index row, render::ImageSize size, Index given);

}  // namespace palaestra::envs::detail
