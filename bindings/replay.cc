// palaestra._palaestra.ReplayBuffer: the weighted replay buffer.

#include <pybind11/stl.h>

#include <filesystem>
#include <optional>

#include <palaestra/bindings/bind.h>
#include <palaestra/bindings/data_set.h>
#include <palaestra/core/error.h>
#include <palaestra/replay/datasets/load.h>
#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::python {

namespace {

using replay::ColumnSpec;
using Flags = py::array_t<bool, py::array::c_style>;
using Ids = py::array_t<std::int64_t, py::array::c_style>;
using Priorities = py::array_t<float, py::array::c_style | py::array::forcecast>;

constexpr Index kLongSample = 4096;  // rows that are worth letting other Python threads run

constexpr Purpose kSamplePurpose = purpose("python/replay");

template <class Flag>
std::span<const std::uint8_t> flags(const std::optional<Flag>& array) {
  if (!array) {
    return {};
  }
  return {reinterpret_cast<const std::uint8_t*>(array->data()),
          static_cast<std::size_t>(array->size())};
}

std::span<const float> numbers(const std::optional<Priorities>& array) {
  if (!array) {
    return {};
  }
  return {array->data(), static_cast<std::size_t>(array->size())};
}

/// The columns of one call: converted arrays that stay alive, and where their numbers are.
class Columns {
 public:
  Columns(const std::vector<ColumnSpec>& specs, const py::dict& given, Index rows) {
    for (const auto& [key, value] : given) {
      add(specs, py::cast<std::string>(key), value, rows);
    }
    for (std::size_t i = 0; i < arrays_.size(); ++i) {
      values_.push_back({names_[i], {types_[i], arrays_[i].data(), Index{arrays_[i].size()}}});
    }
  }
  std::span<const replay::NamedValues> values() const { return values_; }

 private:
  void add(const std::vector<ColumnSpec>& specs, std::string name, py::handle value, Index rows) {
    const auto& spec = specs[replay::find_column(specs, name, "ReplayBuffer")];
    auto array = py::array::ensure(value);
    if (!array) {
      PyErr_Clear();
      throw UserError(concat("ReplayBuffer: column \"", name, "\" is a ",
                             Py_TYPE(value.ptr())->tp_name, ", expected an array"));
    }
    std::vector<py::ssize_t> expected{rows};
    expected.insert(expected.end(), spec.shape.begin(), spec.shape.end());
    const bool same = array.ndim() == static_cast<py::ssize_t>(expected.size()) &&
                      std::equal(expected.begin(), expected.end(), array.shape());
    require(same, "ReplayBuffer: column \"", name, "\" has shape ",
            shape_text(array.shape(), array.ndim()), ", expected ", shape_text(expected),
            "; nothing was added");
    const auto dtype = to_dtype(spec.dtype);
    const auto can_cast = py::module_::import("numpy").attr("can_cast");
    if (!array.dtype().equal(dtype)) {
      require(py::cast<bool>(can_cast(array.dtype(), dtype, "same_kind")),
              "ReplayBuffer: column \"", name, "\" is ", std::string(py::str(array.dtype())),
              ", expected ", name_of(spec.dtype), "; nothing was added");
      array = array.attr("astype")(dtype);
    }
    if ((array.flags() & py::array::c_style) == 0) {
      array = array.attr("copy")();
    }
    names_.push_back(std::move(name));
    types_.push_back(spec.dtype);
    arrays_.push_back(std::move(array));
  }

  std::vector<std::string> names_;
  std::vector<DType> types_;
  std::vector<py::array> arrays_;
  std::vector<replay::NamedValues> values_;
};

/// The buffer, the stream of its draws, and the arrays that show the last minibatch. Views keep the
/// memory of their minibatch alive: one of another size gets memory of its own.
class ReplayBuffer {
 public:
  ReplayBuffer(std::vector<ColumnSpec> columns, const replay::BufferOptions& options,
               std::uint64_t seed)
      : buffer_(std::move(columns), options), random_(seed, kSamplePurpose) {}

  const replay::WeightedReplayBuffer& buffer() const { return buffer_; }

  void add(const py::dict& given, const Flags& terminated, const Flags& truncated,
           const std::optional<Flags>& skip, const py::dict& next, const py::dict& last,
           const std::optional<Priorities>& priority, std::optional<Index> lane) {
    require_idle();
    const auto& specs = buffer_.storage().columns();
    const Index rows = lane ? Index{terminated.size()} : buffer_.options().lanes;
    const Columns now(specs, given, rows), after(specs, next, rows), ends(specs, last, rows);
    const replay::Steps steps{.columns = now.values(),
                              .terminated = flags(std::optional(terminated)),
                              .truncated = flags(std::optional(truncated)),
                              .skip = flags(skip),
                              .next = after.values(),
                              .last = ends.values()};
    if (lane) {
      buffer_.extend(*lane, steps, numbers(priority));
    } else {
      buffer_.append(steps, numbers(priority));
    }
  }

  void cut(Index lane) {
    require_idle();
    buffer_.cut(lane);
  }

  py::dict sample(const replay::SampleRequest& request) {
    require_idle();
    require(request.rows >= 1, "ReplayBuffer.sample: rows is ", request.rows,
            "; accepted: 1 or more");
    const bool fits = memory_ != nullptr && rows_ == request.rows;
    const auto memory = fits ? memory_ : std::make_shared<Memory>();
    const auto fill = [&] {
      buffer_.draw(random_, request, memory->draw);
      buffer_.gather(memory->draw, request, memory->minibatch);
    };
    if (request.rows < kLongSample) {
      fill();
    } else {
      const Busy busy(busy_);
      fill();
    }
    if (!fits) {
      memory_ = memory;
      rows_ = request.rows;
      make_views();
    }
    return views_;
  }

  Index update_priorities(const Ids& ids, const Priorities& priorities) {
    require_idle();
    return buffer_.update_priorities(
        {ids.data(), static_cast<std::size_t>(ids.size())},
        {priorities.data(), static_cast<std::size_t>(priorities.size())});
  }

  py::array read(const std::string& name, const Ids& ids, bool next) const {
    require_idle();
    const auto& storage = buffer_.storage();
    const auto& columns = storage.columns();
    const auto& spec = columns[replay::find_column(columns, name, "ReplayBuffer.read")];
    std::vector<py::ssize_t> shape{ids.size()};
    shape.insert(shape.end(), spec.shape.begin(), spec.shape.end());
    py::array out(to_dtype(spec.dtype), shape);
    const std::span<const replay::RowId> rows(ids.data(), static_cast<std::size_t>(ids.size()));
    const std::span<std::byte> bytes(static_cast<std::byte*>(out.mutable_data()),
                                     static_cast<std::size_t>(out.nbytes()));
    if (next) {
      storage.read_next(name, rows, bytes);
    } else {
      storage.read(name, rows, bytes);
    }
    return out;
  }

  replay::LoadResult load_data(DataSet& set, const replay::LoadOptions& options) {
    require_idle();
    set.require_idle();
    set.busy = true;  // falls again under the interpreter lock, behind Busy
    struct Release {
      bool& flag;
      ~Release() { flag = false; }
    } const release{set.busy};
    const Busy busy(busy_);
    return replay::load_into(buffer_, set.data, options);
  }

  void save(const std::filesystem::path& file) {
    require_idle();
    const Busy busy(busy_);
    ArchiveWriter archive;
    archive.put_stream("random", random_);
    buffer_.save(archive, "buffer");
    archive.save(file);
  }

  void load(const std::filesystem::path& file) {
    require_idle();
    const Busy busy(busy_);
    const ArchiveReader archive(file);
    const Stream random = archive.get_stream("random");
    buffer_.load(archive, "buffer");
    random_ = random;
  }

 private:
  struct Memory {
    replay::Draw draw;
    replay::MinibatchMemory minibatch;
  };

  void require_idle() const {
    require(!busy_, "ReplayBuffer: another thread is inside a call on this buffer");
  }

  template <class T>
  py::array show(std::span<const T> values, DType dtype, std::vector<Index> shape = {}) const {
    std::vector<py::ssize_t> dims{py::ssize_t{rows_}};
    dims.insert(dims.end(), shape.begin(), shape.end());
    return view(dtype, std::move(dims), const_cast<T*>(values.data()), memory_);
  }

  void make_views() {
    const auto batch = memory_->minibatch.view(memory_->draw);
    const auto shape_of = [&](std::string_view name) {
      const auto& columns = buffer_.storage().columns();
      return columns[replay::find_column(columns, name, "ReplayBuffer.sample")].shape;
    };
    views_ = py::dict();
    views_["observation"] = show(batch.observation, DType::kFloat32, shape_of("observation"));
    views_["action"] = show(batch.action, DType::kFloat32, shape_of("action"));
    views_["reward"] = show(batch.reward, DType::kFloat32);
    views_["discount"] = show(batch.discount, DType::kFloat32);
    views_["next_observation"] =
        show(batch.next_observation, DType::kFloat32, shape_of("observation"));
    views_["index"] = show(batch.index, DType::kInt64);
    views_["weight"] = show(batch.weight, DType::kFloat32);
    views_["probability"] = show(batch.probability, DType::kFloat64);
    views_["steps"] = show(batch.steps, DType::kInt32);
  }

  replay::WeightedReplayBuffer buffer_;
  Stream random_;
  bool busy_ = false;  // guarded by the interpreter lock
  Index rows_ = 0;
  std::shared_ptr<Memory> memory_;
  py::dict views_;
};

using Column = std::tuple<std::string, py::dtype, std::vector<Index>, bool>;

std::unique_ptr<ReplayBuffer> make(const std::vector<Column>& columns, Index capacity, Index lanes,
                                   bool priorities, double priority_exponent, std::uint64_t seed,
                                   int threads) {
  std::vector<ColumnSpec> specs;
  specs.reserve(columns.size());
  for (const auto& [name, dtype, shape, state] : columns) {
    specs.push_back({name, from_dtype(dtype, "ReplayBuffer"), shape, state});
  }
  return std::make_unique<ReplayBuffer>(
      std::move(specs),
      replay::BufferOptions{.capacity = capacity,
                            .lanes = lanes,
                            .priorities = priorities ? replay::PriorityKind::kProportional
                                                     : replay::PriorityKind::kNone,
                            .priority_exponent = priority_exponent,
                            .threads = Threads(threads)},
      seed);
}

replay::WeightScale weight_scale(const std::string& name) {
  if (name == "buffer") return replay::WeightScale::kBuffer;
  if (name == "batch") return replay::WeightScale::kBatch;
  if (name == "none") return replay::WeightScale::kNone;
  throw UserError(
      concat("ReplayBuffer.sample: weight_scale is \"", name, "\"; accepted: buffer, batch, none"));
}

py::dict sample(ReplayBuffer& buffer, Index rows, bool prioritized, Index n_step, double discount,
                double importance_exponent, const std::string& scale, bool stratified) {
  return buffer.sample(
      {.rows = rows,
       .selection = prioritized ? replay::Selection::kPriority : replay::Selection::kUniform,
       .n_step = n_step,
       .discount = discount,
       .importance_exponent = importance_exponent,
       .scale = weight_scale(scale),
       .stratified = stratified});
}

py::tuple load_data(ReplayBuffer& buffer, DataSet& set, Index first_episode,
                    std::optional<Index> end_episode, Index first_step,
                    std::optional<Index> end_step, double fraction, std::optional<Index> lane,
                    bool pinned, const std::map<std::string, std::vector<std::string>>& sources) {
  const auto result = buffer.load_data(set, {.first_episode = first_episode,
                                             .end_episode = end_episode,
                                             .first_step = first_step,
                                             .end_step = end_step,
                                             .fraction = fraction,
                                             .lane = lane,
                                             .pinned = pinned,
                                             .sources = sources});
  return py::make_tuple(result.episodes, result.steps, result.dropped);
}

}  // namespace

void bind_replay(py::module_& module) {
  py::class_<ReplayBuffer>(module, "ReplayBuffer")
      .def(py::init(&make), py::arg("columns"), py::arg("capacity"), py::arg("lanes"),
           py::arg("priorities"), py::arg("priority_exponent"), py::arg("seed"), py::arg("threads"))
      .def("_add", &ReplayBuffer::add)
      .def("_sample", &sample)
      .def("_read", &ReplayBuffer::read)
      .def("cut", &ReplayBuffer::cut, py::arg("lane"))
      .def("update_priorities", &ReplayBuffer::update_priorities, py::arg("index"),
           py::arg("priorities"))
      .def("_load_data_set", &load_data)
      .def("_save", [](ReplayBuffer& b, const std::string& file) { b.save(file); })
      .def("_load", [](ReplayBuffer& b, const std::string& file) { b.load(file); })
      .def("__len__", [](const ReplayBuffer& b) { return b.buffer().size(); })
      .def_property_readonly("capacity",
                             [](const ReplayBuffer& b) { return b.buffer().capacity(); })
      .def_property_readonly("lanes",
                             [](const ReplayBuffer& b) { return b.buffer().options().lanes; })
      .def_property_readonly("priorities", [](const ReplayBuffer& b) {
        return b.buffer().options().priorities != replay::PriorityKind::kNone;
      });
}

}  // namespace palaestra::python
