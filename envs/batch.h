#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <palaestra/envs/batch_memory.h>
#include <palaestra/envs/batch_rows.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/render/renderer.h>
#include <palaestra/envs/row_state.h>

namespace palaestra::envs {

/// The one implementation of AnyBatch: n copies of E, compiled together with E.
///
/// Rows are stepped one after another, each writing straight into the columns: see BatchRows.
template <Environment E>
class Batch final : public AnyBatch {
  static constexpr bool kHasScratch = ScratchEnvironment<E>;
  static constexpr bool kHasGoals = detail::has_goals<E>;
  static constexpr bool kIsHeld = HeldEnvironment<E>;
  using Action = typename E::Action;
  using Observation = typename E::Observation;
  using Scratch = typename detail::ScratchOf<E>::type;
  using RowState = detail::RowState;
  using Rows = detail::BatchRows<E>;
  using State = typename E::State;
  using Cell = typename Rows::Cell;
  /// A saved row: RowState, what a held state kept from the episode before, cells.
  static constexpr std::size_t kCellsOffset = sizeof(RowState) + detail::kept_bytes<E>();

 public:
  /// Makes the batch and starts the first episode of every row. Throws UserError for a size or a
  /// time limit out of range.
  Batch(E env, const BatchOptions& options)
      : env_(std::move(env)),
        spec_(env_.spec()),
        options_((detail::require_options(spec_, options), options)),
        memory_(options.size, spec_.observation.size() * static_cast<Index>(sizeof(Observation)),
                std::ssize(spec_.info)),
        columns_(memory_.columns()) {
    const Index n = options.size, limit = options.time_limit.value_or(spec_.time_limit);
    rows_.env = &env_;
    rows_.time_limit = limit == 0 ? std::numeric_limits<Index>::max() : limit;
    rows_.observation_size = static_cast<std::size_t>(spec_.observation.size());
    rows_.action_size = static_cast<std::size_t>(spec_.action.size());
    rows_.info_size = spec_.info.size();
    rows_.state_cells = 1;
    if constexpr (kHasScratch) {
      rows_.state_cells = static_cast<std::size_t>(env_.state_size());
      for (int thread = 0; thread < options.threads.count(); ++thread) {
        scratch_.push_back(env_.make_scratch());
      }
      rows_.scratch = scratch_.data();
    }
    Index kept_rows = n;
    if constexpr (kIsHeld) {
      history_ = static_cast<std::size_t>(std::min(rows_.time_limit, kLongestHistory));
      rows_.state_cells = history_ * rows_.action_size;
      kept_rows = n + 1;  // the last one is for set_state()
      for (Index i = 0; i < kept_rows; ++i) {
        held_.push_back(std::make_unique<State>());
      }
      rows_.held = held_.data();
    }
    states_ = Column<Cell>(kept_rows * static_cast<Index>(rows_.state_cells));
    row_states_ = Column<RowState>(n);
    rows_.states = states_.data();
    rows_.remembered = row_states_.data();
    rows_.observation = static_cast<Observation*>(columns_.observation);
    rows_.final_observation = static_cast<Observation*>(columns_.final_observation);
    rows_.reward = columns_.reward;
    rows_.terminated = columns_.terminated;
    rows_.truncated = columns_.truncated;
    rows_.reset = columns_.reset;
    rows_.status = columns_.status;
    rows_.episode_return = columns_.episode_return;
    rows_.episode_length = columns_.episode_length;
    rows_.info = columns_.info;
    for (std::size_t i = 0; i < row_states_.size(); ++i) {
      row_states_[i].seed = options.seed;
      row_states_[i].entity = i;
    }
    reset();
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  const EnvSpec& spec() const override { return spec_; }
  const BatchOptions& options() const override { return options_; }
  const BatchColumns& columns() const override { return columns_; }
  /// The constants of the environment, as the batch steps them.
  const E& environment() const { return env_; }

  Index grain() const override {
    if constexpr (requires { E::kGrain; }) {
      return E::kGrain;
    } else {
      return kHasScratch ? 4 : 1024;
    }
  }

  void reset(std::span<const std::uint64_t> seeds = {}, std::span<const std::uint8_t> mask = {},
             const Keywords& options = {}) override {
    detail::require_reset(spec_, options_.size, std::ssize(seeds), std::ssize(mask));
    if (options.empty()) {
      reset_rows(seeds, mask);
      return;
    }
    KeywordReader reader(concat(spec_.id, ": reset"), options);
    if constexpr (requires { env_.read_beginning(reader); }) {
      const auto beginning = env_.read_beginning(reader);
      reader.finish();
      reset_rows(seeds, mask, beginning);
    } else {
      reader.finish();
    }
  }

  void step(std::span<const float> actions) override { step_all(actions); }
  void step(std::span<const std::int64_t> actions) override { step_all(actions); }
  void step_rows(Index begin, Index end, int thread, std::span<const float> actions) override {
    step_some(begin, end, thread, actions);
  }
  void step_rows(Index begin, Index end, int thread,
                 std::span<const std::int64_t> actions) override {
    step_some(begin, end, thread, actions);
  }
  void check_actions(Index begin, Index end, std::span<const float> actions) const override {
    check_some(begin, end, actions);
  }
  void check_actions(Index begin, Index end, std::span<const std::int64_t> actions) const override {
    check_some(begin, end, actions);
  }

  // ---- saving

  Index state_bytes() const override {
    return static_cast<Index>(kCellsOffset + environment_bytes());
  }

  void get_state(std::span<const Index> rows, std::span<std::byte> out) const override {
    detail::require_states(spec_, options_.size, rows, state_bytes(), std::ssize(out));
    if constexpr (kIsHeld) {
      for (const Index row : rows) {
        detail::require_history(spec_, row,
                                row_states_[static_cast<std::size_t>(row)].episode_length,
                                static_cast<Index>(history_));
      }
    }
    for (const Index row : rows) {
      const auto i = static_cast<std::size_t>(row);
      std::memcpy(out.data(), &row_states_[i], sizeof(RowState));
      if constexpr (detail::keeps<E>) {
        const auto kept = env_.kept(*held_[i]);
        std::memcpy(out.data() + sizeof(RowState), &kept, sizeof(kept));
      }
      std::memcpy(out.data() + kCellsOffset, &states_[i * rows_.state_cells], environment_bytes());
      if constexpr (kIsHeld) {  // what earlier episodes left behind is no state
        const auto used = static_cast<std::size_t>(row_states_[i].episode_length) * action_bytes();
        std::ranges::fill(out.subspan(kCellsOffset + used, environment_bytes() - used),
                          std::byte{0});
      }
      out = out.subspan(static_cast<std::size_t>(state_bytes()));
    }
  }

  void set_state(std::span<const Index> rows, std::span<const std::byte> states) override {
    detail::require_states(spec_, options_.size, rows, state_bytes(), std::ssize(states));
    if (options_.autoreset == AutoresetMode::kSameStep) {  // before the first change
      for (std::size_t k = 0; k < rows.size(); ++k) {
        require(saved_row(states, k).done == 0, spec_.id, ": saved row ", k,
                " has finished its episode; a same-step batch has no such rows");
      }
    }
    require_own(rows, states);
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const auto i = static_cast<std::size_t>(rows[k]);
      row_states_[i] = saved_row(states, k);
      std::memcpy(&states_[i * rows_.state_cells], saved_cells(states, k), environment_bytes());
      if constexpr (kIsHeld) {
        replay(states, k, i);
      }
      rows_.clear(i, 0);
      columns_.episode_return[i] = row_states_[i].episode_return;
      columns_.episode_length[i] = row_states_[i].episode_length;
    }
  }

  void save(ArchiveWriter& archive, std::string_view prefix) const override {
    detail::save_batch(*this, memory_, archive, prefix);
  }

  void load(const ArchiveReader& archive, std::string_view prefix) override {
    detail::load_batch(*this, memory_, archive, prefix);
  }

  // ---- pictures

  render::ImageSize render_size() const override {
    if constexpr (render::HasRenderer<E>) {
      return env_.make_renderer().size();
    } else if constexpr (render::DrawsOnCanvas<E>) {
      return env_.render_size();
    } else {
      detail::throw_no_pictures(spec_);
    }
  }

  void render([[maybe_unused]] Index row, [[maybe_unused]] std::span<std::uint8_t> out) override {
    if constexpr (render::Renderable<E>) {
      if (!renderer_) {
        if constexpr (render::HasRenderer<E>) {
          renderer_.emplace(env_.make_renderer());
        } else {
          renderer_.emplace(env_);
        }
      }
      detail::require_picture(spec_, options_.size, row, renderer_->size(), std::ssize(out));
      const auto i = static_cast<std::size_t>(row);
      if constexpr (kHasScratch) {
        renderer_->draw(scratch_[0], rows_.state(i), out);
      } else {
        renderer_->draw(rows_.state(i), out);
      }
    } else {
      detail::throw_no_pictures(spec_);
    }
  }

  // ---- the task's own state

  Index physics_size() const override {
    if constexpr (requires { env_.physics_size(); }) {
      return env_.physics_size();
    } else {
      return 0;
    }
  }

  Index position_size() const override {
    if constexpr (requires { env_.position_size(); }) {
      return env_.position_size();
    } else {
      return 0;
    }
  }

  void get_physics(Index row, std::span<double> out) const override {
    detail::require_physics(spec_, options_.size, row, physics_size(), std::ssize(out));
    if constexpr (requires { env_.physics_size(); }) {
      env_.get_physics(rows_.state(static_cast<std::size_t>(row)), out);
    }
  }

  void set_physics(Index row, std::span<const double> values) override {
    detail::require_physics(spec_, options_.size, row, physics_size(), std::ssize(values));
    detail::require_finite(spec_, values);
    if constexpr (requires { env_.physics_size(); }) {
      const auto i = static_cast<std::size_t>(row);
      if constexpr (kHasScratch) {
        env_.set_physics(scratch_[0], rows_.state(i), values);
      } else {
        env_.set_physics(rows_.state(i), values);
      }
      row_states_[i].done = 0;
      rows_.observe(i, 0, rows_.observation);
      rows_.write_info(i, 0);
    }
  }

  // ---- goals

  void compute_reward(std::span<const double> achieved, std::span<const double> desired,
                      std::span<double> out) const override {
    if constexpr (kHasGoals) {
      detail::require_goals(spec_, std::ssize(achieved), std::ssize(desired), std::ssize(out));
      const auto width = static_cast<std::size_t>(spec_.goal->desired);
      for (std::size_t k = 0; k < out.size(); ++k) {
        out[k] = env_.compute_reward(achieved.subspan(k * width, width),
                                     desired.subspan(k * width, width));
      }
    } else {
      AnyBatch::compute_reward(achieved, desired, out);
    }
  }

  void compute_terminated(std::span<const double> achieved, std::span<const double> desired,
                          std::span<std::uint8_t> out) const override {
    if constexpr (kHasGoals) {
      detail::require_goals(spec_, std::ssize(achieved), std::ssize(desired), std::ssize(out));
      const auto width = static_cast<std::size_t>(spec_.goal->desired);
      for (std::size_t k = 0; k < out.size(); ++k) {
        out[k] = env_.compute_terminated(achieved.subspan(k * width, width),
                                         desired.subspan(k * width, width));
      }
    } else {
      AnyBatch::compute_terminated(achieved, desired, out);
    }
  }

  void set_goal(Index row, std::span<const double> goal) override {
    if constexpr (kHasGoals) {
      detail::require_goal(spec_, options_.size, row, goal);
      const auto i = static_cast<std::size_t>(row);
      env_.set_goal(rows_.state(i), goal);
      rows_.observe(i, 0, rows_.observation);
      rows_.write_info(i, 0);
    } else {
      AnyBatch::set_goal(row, goal);
    }
  }

 private:
  // ---- saved rows

  std::size_t environment_bytes() const { return rows_.state_cells * sizeof(Cell); }

  const std::byte* saved_cells(std::span<const std::byte> states, std::size_t k) const {
    return states.data() + k * static_cast<std::size_t>(state_bytes()) + kCellsOffset;
  }
  RowState saved_row(std::span<const std::byte> states, std::size_t k) const {
    RowState row;
    std::memcpy(&row, states.data() + k * static_cast<std::size_t>(state_bytes()), sizeof(row));
    return row;
  }

  std::size_t action_bytes() const { return rows_.action_size * sizeof(Action); }

  /// Puts held state i where saved row k was, by the actions that are in its cells already.
  bool replay(std::span<const std::byte> states, std::size_t k, std::size_t i) {
    return detail::replay(env_, spec_.action, rows_.time_limit, saved_row(states, k),
                          saved_cells(states, k) - detail::kept_bytes<E>(),
                          states_.span().subspan(i * rows_.state_cells, rows_.state_cells),
                          *held_[i]);
  }

  /// Throws unless the environment takes every saved state for one of its own.
  void require_own([[maybe_unused]] std::span<const Index> rows,
                   [[maybe_unused]] std::span<const std::byte> states) {
    if constexpr (kIsHeld) {
      const std::size_t spare = row_states_.size();
      for (std::size_t k = 0; k < rows.size(); ++k) {
        std::memcpy(&states_[spare * rows_.state_cells], saved_cells(states, k),
                    environment_bytes());
        require(replay(states, k, spare), spec_.id, ": saved row ", k,
                " does not hold an episode of this environment");
      }
    }
    if constexpr (requires(const Cell& cell) { env_.holds(cell); }) {
      for (std::size_t k = 0; k < rows.size(); ++k) {
        Cell cell;
        std::memcpy(&cell, saved_cells(states, k), sizeof(Cell));
        require(env_.holds(cell), spec_.id, ": saved row ", k,
                " does not hold a state of this environment");
      }
    }
  }

  template <class... Beginning>
  void reset_rows(std::span<const std::uint64_t> seeds, std::span<const std::uint8_t> mask,
                  const Beginning&... beginning) {
    parallel_for(options_.threads, options_.size, grain(), [&](Index begin, Index end, int thread) {
      for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
        if (!mask.empty() && mask[i] == 0) {
          continue;
        }
        if (!seeds.empty()) {
          row_states_[i] = RowState();
          row_states_[i].seed = seeds[i];
        }
        rows_.start(i, thread, beginning...);
        rows_.clear(i, thread);
      }
    });
  }

  // ---- many rows

  /// Throws unless rows [begin, end) can all be stepped.
  void check_rows(Index begin, Index end, std::span<const Action> actions) const {
    detail::require_steps(spec_, options_, row_states_.span(), begin, end, actions);
  }

  template <class T>
  void step_all(std::span<const T> actions) {
    if constexpr (!std::is_same_v<T, Action>) {
      detail::throw_wrong_action_type(spec_);
    } else {
      check_rows(0, options_.size, actions);
      parallel_for(
          options_.threads, options_.size, grain(),
          [&](Index begin, Index end, int thread) { advance(begin, end, thread, actions.data()); });
    }
  }

  template <class T>
  void check_some(Index begin, Index end, std::span<const T> actions) const {
    if constexpr (!std::is_same_v<T, Action>) {
      detail::throw_wrong_action_type(spec_);
    } else {
      detail::require_block(spec_, options_, begin, end, 0);
      check_rows(begin, end, actions);
    }
  }

  template <class T>
  void step_some(Index begin, Index end, int thread, std::span<const T> actions) {
    if constexpr (!std::is_same_v<T, Action>) {
      detail::throw_wrong_action_type(spec_);
    } else {
      detail::require_block(spec_, options_, begin, end, thread);
      check_rows(begin, end, actions);
      advance(begin, end, thread, actions.data());
    }
  }

  void advance(Index begin, Index end, int thread, const Action* actions) {
    const auto run = [&]<AutoresetMode kMode>() {
      const Rows rows = rows_;
      const auto last = static_cast<std::size_t>(end);
      auto i = static_cast<std::size_t>(begin);
      if constexpr (Rows::kStepsTogether) {
        if (spec_.deterministic) {
          i = rows.template step_groups<kMode>(i, last, thread, actions);
        }
      }
      for (; i < last; ++i) {
        rows.template step<kMode>(i, thread, actions);
      }
    };
    switch (options_.autoreset) {
      case AutoresetMode::kNextStep:
        return run.template operator()<AutoresetMode::kNextStep>();
      case AutoresetMode::kSameStep:
        return run.template operator()<AutoresetMode::kSameStep>();
      case AutoresetMode::kDisabled:
        return run.template operator()<AutoresetMode::kDisabled>();
    }
  }

  E env_;
  EnvSpec spec_;
  BatchOptions options_;
  std::vector<Scratch> scratch_;  // one per thread; empty for environments without
  std::optional<typename detail::RendererOf<E>::type> renderer_;  // made by the first render()

  detail::BatchMemory memory_;
  BatchColumns columns_;
  Column<Cell> states_;
  Column<RowState> row_states_;
  std::vector<std::unique_ptr<State>>
      held_;                 // one per row and a spare; empty where states are data
  std::size_t history_ = 0;  // actions per row that are kept, where states are held
  Rows rows_{};
};

}  // namespace palaestra::envs
