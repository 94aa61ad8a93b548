#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

inline constexpr Purpose kResetPurpose = purpose("envs/reset");
inline constexpr Purpose kStepPurpose = purpose("envs/step");

namespace detail {

/// What a row of states and a thread's work space are made of.
template <class E>
struct Storage {
  using State = typename E::State;
  using Scratch = std::monostate;
};
template <ScratchEnvironment E>
struct Storage<E> {
  using State = double;
  using Scratch = typename E::Scratch;
};

/// What the batch itself remembers of a row, saved with the environment's state.
struct RowState {
  std::uint64_t seed = 0;
  std::uint64_t entity = 0;
  std::uint64_t episode = 0;
  Stream stream;  ///< draws of step()
  double episode_return = 0;
  Index episode_length = 0;
  // whole words, so that saved bytes hold no padding
  Index done = 0;     ///< the last step ended the episode and the row has not been reset
  Index started = 0;  ///< reset at least once
};

[[noreturn]] void throw_bad_action(const EnvSpec& spec, Index row, double value);
[[noreturn]] void throw_wrong_action_type(const EnvSpec& spec);
void require_actions(const EnvSpec& spec, Index n, Index given);
void require_rows(const EnvSpec& spec, Index n, std::span<const Index> rows);
void require_options(const EnvSpec& spec, const BatchOptions& options);

}  // namespace detail

/// The one implementation of AnyBatch: n copies of E, compiled together with E.
template <Environment E>
class Batch final : public AnyBatch {
  static constexpr bool kHasScratch = ScratchEnvironment<E>;
  using Action = typename E::Action;
  using Observation = typename E::Observation;
  using RowState = detail::RowState;

 public:
  Batch(E env, const BatchOptions& options)
      : env_(std::move(env)),
        spec_(env_.spec()),
        options_(options),
        observation_size_(spec_.observation.size()),
        action_size_(spec_.action.size()),
        info_size_(static_cast<Index>(spec_.info.size())) {
    detail::require_options(spec_, options);
    const auto n = static_cast<std::size_t>(options.size);
    time_limit_ = options.time_limit.value_or(spec_.time_limit);
    if (time_limit_ == 0) {
      time_limit_ = std::numeric_limits<Index>::max();
    }
    if constexpr (kHasScratch) {
      states_.resize(n * static_cast<std::size_t>(env_.state_size()));
      for (int thread = 0; thread < options.threads.count(); ++thread) {
        scratch_.push_back(env_.make_scratch());
      }
    } else {
      states_.resize(n);
    }
    rows_.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      rows_[i].seed = options.seed;
      rows_[i].entity = i;
    }
    observation_.resize(n * static_cast<std::size_t>(observation_size_));
    final_observation_.resize(observation_.size());
    reward_.resize(n);
    terminated_.resize(n);
    truncated_.resize(n);
    reset_.resize(n);
    status_.resize(n);
    episode_return_.resize(n);
    episode_length_.resize(n);
    info_.resize(n * static_cast<std::size_t>(info_size_));
    columns_ = {observation_.data(), final_observation_.data(), reward_.data(),
                terminated_.data(),  truncated_.data(),         reset_.data(),
                status_.data(),      episode_return_.data(),    episode_length_.data(),
                info_.data()};
    reset();
  }
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  const EnvSpec& spec() const override { return spec_; }
  const BatchOptions& options() const override { return options_; }
  const BatchColumns& columns() const override { return columns_; }
  Index grain() const override { return kHasScratch ? 4 : 1024; }

  void reset(std::span<const std::uint64_t> seeds = {},
             std::span<const std::uint8_t> mask = {}) override {
    const Index n = options_.size;
    require(seeds.empty() || std::ssize(seeds) == n, spec_.id, ": reset was given ", seeds.size(),
            " seeds, expected ", n, " or none");
    require(mask.empty() || std::ssize(mask) == n, spec_.id, ": reset was given a mask of ",
            mask.size(), " rows, expected ", n, " or none");
    parallel_for(options_.threads, n, grain(), [&](Index begin, Index end, int thread) {
      for (Index row = begin; row < end; ++row) {
        const auto i = static_cast<std::size_t>(row);
        if (!mask.empty() && mask[i] == 0) {
          continue;
        }
        if (!seeds.empty()) {
          rows_[i] = RowState();
          rows_[i].seed = seeds[i];
        }
        start_episode(i, thread);
        observe(i, thread, observation_);
        clear_row(i);
      }
    });
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

  Index state_bytes() const override {
    return static_cast<Index>(sizeof(RowState) + environment_bytes());
  }

  void get_state(std::span<const Index> rows, std::span<std::byte> out) const override {
    require_state_size(rows, std::ssize(out));
    for (const Index row : rows) {
      const auto i = static_cast<std::size_t>(row);
      std::memcpy(out.data(), &rows_[i], sizeof(RowState));
      std::memcpy(out.data() + sizeof(RowState), state_data(i), environment_bytes());
      out = out.subspan(static_cast<std::size_t>(state_bytes()));
    }
  }

  void set_state(std::span<const Index> rows, std::span<const std::byte> states) override {
    require_state_size(rows, std::ssize(states));
    for (const Index row : rows) {
      const auto i = static_cast<std::size_t>(row);
      std::memcpy(&rows_[i], states.data(), sizeof(RowState));
      std::memcpy(state_data(i), states.data() + sizeof(RowState), environment_bytes());
      states = states.subspan(static_cast<std::size_t>(state_bytes()));
      observe(i, 0, observation_);
      clear_row(i);
      episode_return_[i] = rows_[i].episode_return;
      episode_length_[i] = rows_[i].episode_length;
    }
  }

  void save(ArchiveWriter& archive, std::string_view prefix) const override {
    archive.put_text(concat(prefix, ".env"), spec_.id);
    std::vector<Index> all(rows_.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i] = static_cast<Index>(i);
    }
    std::vector<std::byte> bytes(all.size() * static_cast<std::size_t>(state_bytes()));
    get_state(all, bytes);
    archive.put_bytes(concat(prefix, ".states"), DType::kUint8, bytes, {});
    for_each_column([&](const char* name, auto column) {
      archive.put_bytes(concat(prefix, ".", name), DType::kUint8, std::as_bytes(column), {});
    });
  }

  void load(const ArchiveReader& archive, std::string_view prefix) override {
    const std::string id = archive.get_text(concat(prefix, ".env"));
    require(id == spec_.id, "the saved batch is of ", id, ", this one of ", spec_.id);
    const auto& states = archive.block(concat(prefix, ".states")).bytes;
    require(states.size() == rows_.size() * static_cast<std::size_t>(state_bytes()),
            "the saved batch of ", id, " has ", states.size(), " bytes of state, expected ",
            rows_.size() * static_cast<std::size_t>(state_bytes()));
    for_each_column([&](const char* name, auto column) {  // all sizes before the first change
      const auto& saved = archive.block(concat(prefix, ".", name)).bytes;
      require(saved.size() == column.size_bytes(), "the saved column ", name, " of ", id, " has ",
              saved.size(), " bytes, expected ", column.size_bytes());
    });
    std::vector<Index> all(rows_.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i] = static_cast<Index>(i);
    }
    set_state(all, states);
    for_each_column([&](const char* name, auto column) {
      const auto& saved = archive.block(concat(prefix, ".", name)).bytes;
      std::memcpy(const_cast<void*>(static_cast<const void*>(column.data())), saved.data(),
                  saved.size());
    });
  }

  Index physics_size() const override { return env_.physics_size(); }

  void get_physics(Index row, std::span<double> out) const override {
    detail::require_rows(spec_, options_.size, {&row, 1});
    require(std::ssize(out) == physics_size(), spec_.id, ": the state has ", physics_size(),
            " numbers, room was given for ", out.size());
    env_.get_physics(state(static_cast<std::size_t>(row)), out);
  }

  void set_physics(Index row, std::span<const double> values) override {
    detail::require_rows(spec_, options_.size, {&row, 1});
    require(std::ssize(values) == physics_size(), spec_.id, ": the state has ", physics_size(),
            " numbers, got ", values.size());
    for (const double value : values) {
      require(std::isfinite(value), spec_.id, ": a state may not contain ", value);
    }
    const auto i = static_cast<std::size_t>(row);
    if constexpr (kHasScratch) {
      env_.set_physics(scratch_[0], state(i), values);
    } else {
      env_.set_physics(state(i), values);
    }
    rows_[i].done = 0;
    observe(i, 0, observation_);
  }

 private:
  // ---- one row
  // -----------------------------------------------------------------------------------

  decltype(auto) state(std::size_t i) {
    if constexpr (kHasScratch) {
      const auto size = static_cast<std::size_t>(env_.state_size());
      return std::span<double>(states_).subspan(i * size, size);
    } else {
      return (states_[i]);
    }
  }
  decltype(auto) state(std::size_t i) const {
    if constexpr (kHasScratch) {
      const auto size = static_cast<std::size_t>(env_.state_size());
      return std::span<const double>(states_).subspan(i * size, size);
    } else {
      return (states_[i]);
    }
  }
  std::size_t environment_bytes() const {
    if constexpr (kHasScratch) {
      return static_cast<std::size_t>(env_.state_size()) * sizeof(double);
    } else {
      return sizeof(typename E::State);
    }
  }
  const void* state_data(std::size_t i) const { return states_.data() + i * state_elements(); }
  void* state_data(std::size_t i) { return states_.data() + i * state_elements(); }
  std::size_t state_elements() const {
    if constexpr (kHasScratch) {
      return static_cast<std::size_t>(env_.state_size());
    } else {
      return 1;
    }
  }

  void start_episode(std::size_t i, [[maybe_unused]] int thread) {
    RowState& row = rows_[i];
    row.episode += static_cast<std::uint64_t>(row.started);
    row.started = 1;
    row.done = 0;
    row.episode_return = 0;
    row.episode_length = 0;
    row.stream = Stream(row.seed, kStepPurpose, row.entity, row.episode);
    Stream random(row.seed, kResetPurpose, row.entity, row.episode);
    if constexpr (kHasScratch) {
      env_.reset(scratch_[static_cast<std::size_t>(thread)], state(i), random);
    } else {
      env_.reset(state(i), random);
    }
  }

  void observe(std::size_t i, [[maybe_unused]] int thread, std::vector<Observation>& column) {
    const auto width = static_cast<std::size_t>(observation_size_);
    const auto out = std::span<Observation>(column).subspan(i * width, width);
    if constexpr (kHasScratch) {
      env_.observe(scratch_[static_cast<std::size_t>(thread)], state(i), out);
    } else {
      env_.observe(state(i), out);
    }
  }

  void clear_row(std::size_t i) {
    reward_[i] = 0;
    terminated_[i] = truncated_[i] = reset_[i] = 0;
    status_[i] = Status::kOk;
    episode_return_[i] = 0;
    episode_length_[i] = 0;
    for (Index k = 0; k < info_size_; ++k) {
      info_[i * static_cast<std::size_t>(info_size_) + static_cast<std::size_t>(k)] = 0;
    }
  }

  template <AutoresetMode kMode>
  void step_row(std::size_t i, int thread, const Action* actions) {
    RowState& row = rows_[i];
    if (kMode == AutoresetMode::kNextStep && row.done != 0) [[unlikely]] {
      start_episode(i, thread);
      observe(i, thread, observation_);
      clear_row(i);
      reset_[i] = 1;
      return;
    }
    const auto width = static_cast<std::size_t>(action_size_);
    const std::span<const Action> action(actions + i * width, width);
    Transition t;
    if constexpr (kHasScratch) {
      t = env_.step(scratch_[static_cast<std::size_t>(thread)], state(i), action, row.stream);
    } else {
      t = env_.step(states_[i], action, row.stream);
    }
    row.episode_return += t.reward;
    row.episode_length += 1;
    const bool truncated = row.episode_length >= time_limit_ || t.status != Status::kOk;
    reward_[i] = t.reward;
    terminated_[i] = t.terminated;
    truncated_[i] = truncated;
    reset_[i] = 0;
    status_[i] = t.status;
    episode_return_[i] = row.episode_return;
    episode_length_[i] = row.episode_length;
    observe(i, thread, observation_);
    if constexpr (requires { env_.info(state(i), std::span<double>{}); }) {
      const auto k = static_cast<std::size_t>(info_size_);
      env_.info(state(i), std::span<double>(info_).subspan(i * k, k));
    } else if constexpr (kHasScratch) {
      const auto k = static_cast<std::size_t>(info_size_);
      env_.info(scratch_[static_cast<std::size_t>(thread)], state(i),
                std::span<double>(info_).subspan(i * k, k));
    }
    if (t.terminated || truncated) [[unlikely]] {
      row.done = 1;
      const auto d = static_cast<std::size_t>(observation_size_);
      std::copy_n(observation_.data() + i * d, d, final_observation_.data() + i * d);
      if constexpr (kMode == AutoresetMode::kSameStep) {
        start_episode(i, thread);
        observe(i, thread, observation_);
      }
    }
  }

  // ---- all rows
  // ----------------------------------------------------------------------------------

  template <class T>
  void check_rows(Index begin, Index end, std::span<const T> actions) const {
    detail::require_actions(spec_, options_.size, std::ssize(actions));
    const auto first = static_cast<std::size_t>(begin * action_size_);
    const auto last = static_cast<std::size_t>(end * action_size_);
    // one flag for the whole range: a vectorised pass, and a search only when something is wrong
    bool good = true;
    for (std::size_t k = first; k < last; ++k) {
      good &= acceptable(actions[k]);
    }
    if (!good) [[unlikely]] {
      for (std::size_t k = first; k < last; ++k) {
        if (!acceptable(actions[k])) {
          detail::throw_bad_action(spec_, static_cast<Index>(k) / action_size_,
                                   static_cast<double>(actions[k]));
        }
      }
    }
    if (options_.autoreset == AutoresetMode::kDisabled) {
      for (Index i = begin; i < end; ++i) {
        require(rows_[static_cast<std::size_t>(i)].done == 0, spec_.id, ": row ", i,
                " has finished its episode; reset it before the next step (autoreset is disabled)");
      }
    }
  }

  template <class T>
  bool acceptable(T action) const {
    if constexpr (std::is_same_v<T, float>) {
      return std::abs(action) <= std::numeric_limits<float>::max();
    } else {
      return action >= 0 && action < spec_.action.count;
    }
  }

  template <class T>
  void step_all(std::span<const T> actions) {
    if constexpr (!std::is_same_v<T, Action>) {
      detail::throw_wrong_action_type(spec_);
    } else {
      check_rows(0, options_.size, actions);
      parallel_for(options_.threads, options_.size, grain(),
                   [&](Index begin, Index end, int t) { advance(begin, end, t, actions.data()); });
    }
  }

  template <class T>
  void step_some(Index begin, Index end, int thread, std::span<const T> actions) {
    if constexpr (!std::is_same_v<T, Action>) {
      detail::throw_wrong_action_type(spec_);
    } else {
      require(begin >= 0 && begin <= end && end <= options_.size, spec_.id, ": rows ", begin,
              " to ", end, " are outside the batch of ", options_.size);
      check_rows(begin, end, actions);
      advance(begin, end, thread, actions.data());
    }
  }

  void advance(Index begin, Index end, int thread, const Action* actions) {
    const auto run = [&]<AutoresetMode kMode>() {
      for (Index i = begin; i < end; ++i) {
        step_row<kMode>(static_cast<std::size_t>(i), thread, actions);
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

  void require_state_size(std::span<const Index> rows, Index bytes) const {
    detail::require_rows(spec_, options_.size, rows);
    require(bytes == std::ssize(rows) * state_bytes(), spec_.id, ": ", rows.size(),
            " saved rows have ", std::ssize(rows) * state_bytes(), " bytes, got ", bytes);
  }

  template <class F>
  void for_each_column(F&& f) const {
    f("observation", std::span<const Observation>(observation_));
    f("final_observation", std::span<const Observation>(final_observation_));
    f("reward", std::span<const double>(reward_));
    f("terminated", std::span<const std::uint8_t>(terminated_));
    f("truncated", std::span<const std::uint8_t>(truncated_));
    f("reset", std::span<const std::uint8_t>(reset_));
    f("status", std::span<const Status>(status_));
    f("episode_return", std::span<const double>(episode_return_));
    f("episode_length", std::span<const Index>(episode_length_));
    f("info", std::span<const double>(info_));
  }

  E env_;
  EnvSpec spec_;
  BatchOptions options_;
  Index observation_size_, action_size_, info_size_, time_limit_ = 0;

  std::vector<typename detail::Storage<E>::State> states_;
  std::vector<typename detail::Storage<E>::Scratch> scratch_;
  std::vector<RowState> rows_;

  std::vector<Observation> observation_, final_observation_;
  std::vector<double> reward_, episode_return_, info_;
  std::vector<std::uint8_t> terminated_, truncated_, reset_;
  std::vector<Status> status_;
  std::vector<Index> episode_length_;
  BatchColumns columns_{};
};

}  // namespace palaestra::envs
