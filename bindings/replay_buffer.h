#pragma once

// palaestra._palaestra.ReplayBuffer: the weighted replay buffer, the stream of its draws, and the
// arrays that show what was drawn.

#include <pybind11/stl.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <palaestra/bindings/bind.h>
#include <palaestra/core/error.h>
#include <palaestra/replay/epochs.h>
#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::python {

using Flags = py::array_t<bool, py::array::c_style>;
using Ids = py::array_t<std::int64_t, py::array::c_style>;
using Priorities = py::array_t<float, py::array::c_style | py::array::forcecast>;

template <class T>
std::span<const T> numbers(const py::array_t<T, py::array::c_style>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}
inline std::span<const float> numbers(const Priorities& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

/// The steps of one call from Python.
struct GivenSteps {
  py::dict columns;
  Flags terminated, truncated;
  std::optional<Flags> skip;
  py::dict next, last;
  std::optional<Priorities> priority;
};

/// What Python may ask for: a selection of the buffer, or the next rows of an epoch.
struct Choice {
  replay::SampleRequest request = {};
  bool epoch = false;
};

/// Keeps others out of a buffer while a function of Python runs in the middle of its work.
class Closed {
 public:
  explicit Closed(bool& busy) : busy_(busy) { busy_ = true; }
  ~Closed() { busy_ = false; }
  Closed(const Closed&) = delete;
  Closed& operator=(const Closed&) = delete;

 private:
  bool& busy_;
};

/// A new array of a row-major block; `shape` is that of one row.
template <class T>
py::array copy_of(std::span<T> values, Index rows, const std::vector<Index>& shape) {
  std::vector<py::ssize_t> dims{rows};
  dims.insert(dims.end(), shape.begin(), shape.end());
  return py::array_t<std::remove_const_t<T>>(std::move(dims), values.data());
}
template <class T>
py::array copy_of(std::span<T> values) {
  return copy_of(values, std::ssize(values), {});
}
template <class T>
py::array copy_of(const std::vector<T>& values) {
  return copy_of(std::span<const T>(values));
}

/// The value whose name is given. Throws UserError that lists the names.
template <class Value, std::size_t kCount>
Value named(const std::pair<const char*, Value> (&values)[kCount], const std::string& name,
            std::string_view argument) {
  for (const auto& [accepted, value] : values) {
    if (name == accepted) {
      return value;
    }
  }
  std::string list;
  for (const auto& [accepted, value] : values) {
    list += concat(list.empty() ? "" : ", ", accepted);
  }
  throw UserError(concat(argument, " is \"", name, "\"; accepted: ", list));
}

using Selection = std::optional<replay::Selection>;  // none: the next rows of an epoch

inline constexpr std::pair<const char*, Selection> kSelections[] = {
    {"uniform", replay::Selection::kUniform},
    {"priority", replay::Selection::kPriority},
    {"recent", replay::Selection::kRecent},
    {"episode", replay::Selection::kEpisode},
    {"epoch", std::nullopt},
    {"group", replay::Selection::kGroup},
    {"group_priority", replay::Selection::kGroupPriority},
    {"group_episode", replay::Selection::kGroupEpisode}};

inline constexpr std::pair<const char*, replay::WeightScale> kScales[] = {
    {"buffer", replay::WeightScale::kBuffer},
    {"batch", replay::WeightScale::kBatch},
    {"none", replay::WeightScale::kNone}};

/// Views keep what they show alive: each number of rows has memory of its own, and rows that are
/// still looked at when others are loaded, or when the buffer goes, are kept for the views alone.
class ReplayBuffer {
 public:
  using Column = std::tuple<std::string, py::dtype, std::vector<Index>, bool>;

  /// With `one_observation` the column "observation" is the observation; otherwise all states
  /// together are, as a dict.
  ReplayBuffer(std::vector<replay::ColumnSpec> columns, const replay::BufferOptions& options,
               std::uint64_t seed, bool one_observation);
  ~ReplayBuffer() { retire(); }
  ReplayBuffer(const ReplayBuffer&) = delete;
  ReplayBuffer& operator=(const ReplayBuffer&) = delete;

  /// The buffer. Throws UserError while another thread is inside a call.
  replay::WeightedReplayBuffer& idle();
  const replay::WeightedReplayBuffer& idle() const;
  /// What all draws from the buffer alone take their numbers from.
  Stream& random() { return random_; }
  bool& busy() { return busy_; }
  /// How often other contents were loaded: what follows the rows has to begin anew then.
  Index loads() const { return loads_; }
  /// Draws rows, with or without the interpreter lock.
  void choose(const Choice& choice, replay::Draw& out);

  /// One step of every lane; consecutive steps of one lane.
  void add(const GivenSteps& given);
  void extend(Index lane, const GivenSteps& given);
  /// Consecutive steps that are never evicted.
  void pin(const GivenSteps& given);
  void write(const std::string& column, const Ids& ids, py::handle values);

  /// Arrays by name, the same ones for the same number of rows. `stored`: observations and actions
  /// have the type that they are stored in, otherwise float32.
  py::dict sample(const Choice& choice, bool stored);
  /// Ids, importance weights and probabilities, in new arrays.
  py::tuple draw(const Choice& choice);
  /// Transitions from stored rows on, in new arrays.
  py::dict gather(const Ids& ids, const replay::Fold& fold, bool stored) const;
  Index update_priorities(const Ids& ids, const Priorities& priorities);
  py::array weights(const Ids& ids) const;

  /// A copy of a column of stored rows; "terminated" and "truncated" are columns, too.
  py::array read(const std::string& name, const Ids& ids, bool next) const;
  /// A column of all slots, without a copy.
  py::array column(const std::string& name) const;
  /// Of all rows that can be drawn, lane by lane and oldest first.
  py::array ids() const;
  py::array slots(const std::optional<Ids>& ids) const;
  /// First row and number of rows of each episode.
  py::tuple episodes() const;
  py::dict footprint() const;

  void save(const std::filesystem::path& file);
  void load(const std::filesystem::path& file);

 private:
  struct Batch;

  bool large(Index rows) const;
  template <class Work>
  void run(Index rows, const Work& work);
  void sample_floats(const Choice& choice);
  void sample_stored(const Choice& choice, bool stored);
  std::shared_ptr<Batch> make_batch(Index rows, bool stored) const;
  void fill(Batch& batch, std::span<const replay::RowId> ids, const replay::Fold& fold) const;
  py::dict show(const std::shared_ptr<Batch>& batch) const;

  /// Leaves the rows to the views of column(), if there are any.
  void retire();

  replay::WeightedReplayBuffer buffer_;
  /// Held by the views of column() as well.
  std::shared_ptr<std::optional<replay::WeightedReplayBuffer>> retired_;
  Stream random_;
  replay::Epochs epochs_;
  bool one_observation_;
  Index loads_ = 0;
  bool busy_ = false;  // guarded by the interpreter lock

  struct Floats {
    replay::Draw draw;
    replay::MinibatchMemory minibatch;
  };
  std::shared_ptr<Floats> floats_;
  std::shared_ptr<Batch> batch_;
  py::dict float_views_, batch_views_;
};

/// The shape of one row of a column. Throws UserError for an unknown one.
std::vector<Index> shape_of(const ReplayBuffer& buffer, std::string_view column);

/// How a sampler beside the buffer is to draw, from keyword arguments; by default as sample()
/// would. Throws UserError for an unknown one.
replay::SampleRequest request_of(const ReplayBuffer& buffer, const py::dict& options, Index rows,
                                 const std::string& caller);

void bind_replay_groups(py::class_<ReplayBuffer>& type);
void bind_replay_diagnostics(py::class_<ReplayBuffer>& type);
void bind_replay_load(py::class_<ReplayBuffer>& type);
void bind_replay_windows(py::module_& module);
void bind_replay_follow(py::module_& module);
void bind_replay_relabel(py::module_& module);
void bind_replay_mixture(py::module_& module);

}  // namespace palaestra::python
