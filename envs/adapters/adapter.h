#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/envs/any_batch.h>
#include <palaestra/envs/column.h>

namespace palaestra::envs {

/// A batch over another batch: what all wrappers share. Everything is the inner batch's until a
/// wrapper says otherwise; a column that it does not change is the inner one's memory.
///
/// A wrapper is small. It declares its columns (show), what decides the future of a row (keep) and
/// what all rows share (share); this class then saves, restores and branches them. And it says what
/// happens to rows that have been stepped (after_rows), reset (start_row) or placed (place_row).
///
/// The inner batch must be fresh: made, and not stepped yet.
class Adapter : public AnyBatch {
 public:
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  const EnvSpec& spec() const final { return spec_; }
  const BatchOptions& options() const final { return inner_->options(); }
  const BatchColumns& columns() const final { return columns_; }
  /// The name of the wrapper, as in settings and saved files: "frame_stack".
  virtual std::string_view name() const = 0;
  const AnyBatch& inner() const { return *inner_; }

  void reset(std::span<const std::uint64_t> seeds = {}, std::span<const std::uint8_t> mask = {},
             const Keywords& options = {}) final;
  void step(std::span<const float> actions) final { step_all(actions); }
  void step(std::span<const std::int64_t> actions) final { step_all(actions); }
  void step_rows(Index begin, Index end, int thread, std::span<const float> actions) final;
  void step_rows(Index begin, Index end, int thread, std::span<const std::int64_t> actions) final;
  void check_actions(Index begin, Index end, std::span<const float> actions) const final {
    inner_->check_actions(begin, end, actions);
  }
  void check_actions(Index begin, Index end, std::span<const std::int64_t> actions) const final {
    inner_->check_actions(begin, end, actions);
  }
  bool couples_rows() const final { return inner_->couples_rows() || couples_; }
  void finish_step() final;
  Index grain() const override { return inner_->grain(); }

  Index state_bytes() const final { return inner_->state_bytes() + kept_bytes_; }
  void get_state(std::span<const Index> rows, std::span<std::byte> out) const final;
  void set_state(std::span<const Index> rows, std::span<const std::byte> states) final;
  void save(ArchiveWriter& archive, std::string_view prefix) const final;
  void load(const ArchiveReader& archive, std::string_view prefix) final;

  Index shared_size() const final { return inner_->shared_size() + std::ssize(shared_); }
  void get_shared(std::span<double> out) const final;
  void set_shared(std::span<const double> values) final;

  Index physics_size() const final { return inner_->physics_size(); }
  Index position_size() const final { return inner_->position_size(); }
  void get_physics(Index row, std::span<double> out) const final { inner_->get_physics(row, out); }
  void set_physics(Index row, std::span<const double> values) final {
    inner_->set_physics(row, values);
    move_row(row);
  }

  render::ImageSize render_size() const final { return inner_->render_size(); }
  void render(Index row, std::span<std::uint8_t> out) final { inner_->render(row, out); }

  /// Goals, and what they are worth, are the inner batch's, whatever a wrapper does to its rewards.
  void compute_reward(std::span<const double> achieved, std::span<const double> desired,
                      std::span<double> out) const final {
    inner_->compute_reward(achieved, desired, out);
  }
  void compute_terminated(std::span<const double> achieved, std::span<const double> desired,
                          std::span<std::uint8_t> out) const final {
    inner_->compute_terminated(achieved, desired, out);
  }
  void set_goal(Index row, std::span<const double> goal) final {
    inner_->set_goal(row, goal);
    move_row(row);
  }

 protected:
  Adapter(std::unique_ptr<AnyBatch> inner, EnvSpec spec);

  // ---- what a wrapper declares, in its constructor; the memory must live as long as it does

  /// A column of its own, all rows; part of save().
  template <class T>
  void show(std::string name, Column<T>& column) {
    shown_.push_back({std::move(name), std::as_writable_bytes(column.span())});
  }
  /// What decides a row's future, `width` elements for each; part of row states and save().
  template <class T>
  void keep(std::string name, Column<T>& column, Index width = 1) {
    const Index bytes = width * static_cast<Index>(sizeof(T));
    kept_.push_back({std::move(name), std::as_writable_bytes(column.span()), bytes});
    kept_bytes_ += bytes;
  }
  /// Statistics of all rows; part of shared numbers and save(). At most once.
  void share(std::span<double> numbers) { shared_ = numbers; }
  /// Whether after_all() has something to do.
  void couple(bool couples) { couples_ = couples; }

  // ---- what a wrapper does

  /// Steps rows [begin, end) of the inner batch.
  virtual void advance(Index begin, Index end, int thread, std::span<const float> actions) {
    inner_->step_rows(begin, end, thread, actions);
  }
  virtual void advance(Index begin, Index end, int thread, std::span<const std::int64_t> actions) {
    inner_->step_rows(begin, end, thread, actions);
  }
  /// Rows [begin, end) of the inner batch have been stepped; different threads may call it for
  /// disjoint rows at the same time.
  virtual void after_rows(Index /*begin*/, Index /*end*/) {}
  /// after_rows() has been called for all rows; only where couple(true).
  virtual void after_all() {}
  /// Rows of the inner batch have been reset (all for an empty mask): start_row() for each.
  virtual void after_reset(std::span<const std::uint64_t> seeds,
                           std::span<const std::uint8_t> mask);
  /// Row i has been reset by the caller, to *seed unless that is null.
  virtual void start_row(std::size_t /*i*/, const std::uint64_t* /*seed*/) {}
  /// What row i keeps has just been restored: sets its columns, of which none tells a transition.
  virtual void place_row(std::size_t /*i*/) {}
  /// The physical state of row i was set from outside.
  virtual void move_row(Index row) { place_row(static_cast<std::size_t>(row)); }
  /// Throws UserError unless `values` can be what share() shares.
  virtual void check_shared(std::span<const double> /*values*/) const {}
  /// Shared numbers were set.
  virtual void shared_changed() {}

  std::size_t rows() const { return static_cast<std::size_t>(size()); }
  bool ended(std::size_t i) const { return (columns_.terminated[i] | columns_.truncated[i]) != 0; }
  bool same_step() const { return options().autoreset == AutoresetMode::kSameStep; }
  AnyBatch& inner_batch() { return *inner_; }
  /// The inner batch's columns.
  const BatchColumns& below() const { return inner_->columns(); }
  /// How many wrappers lie below: keeps the random streams of two of a kind apart.
  Index depth() const { return depth_; }

  BatchColumns columns_;

 private:
  struct Shown {
    std::string name;
    std::span<std::byte> bytes;
  };
  struct Kept {
    std::string name;
    std::span<std::byte> bytes;
    Index row_bytes;
    std::span<std::byte> row(Index i) const {
      return bytes.subspan(static_cast<std::size_t>(i * row_bytes),
                           static_cast<std::size_t>(row_bytes));
    }
  };

  template <class T>
  void step_all(std::span<const T> actions);
  template <class T>
  void step_some(Index begin, Index end, int thread, std::span<const T> actions);
  /// Calls f(name of the block, bytes) for everything that save() stores here.
  template <class F>
  void for_each_block(std::string_view prefix, F&& f) const;

  std::unique_ptr<AnyBatch> inner_;
  EnvSpec spec_;
  Index depth_ = 0;
  bool couples_ = false;
  std::vector<Shown> shown_;
  std::vector<Kept> kept_;
  Index kept_bytes_ = 0;
  std::span<double> shared_;
  std::vector<std::byte> inner_states_;  // of set_state, kept for the next call
};

}  // namespace palaestra::envs
