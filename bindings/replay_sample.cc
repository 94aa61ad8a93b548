// palaestra._palaestra.ReplayBuffer: draws, and the arrays that show them.

#include <palaestra/bindings/replay_buffer.h>
#include <palaestra/replay/stored_gather.h>

namespace palaestra::python {
namespace {

using replay::RowId;

constexpr Index kLongSample = 4096;          // rows that are worth letting other Python threads run
constexpr Index kLongSampleBytes = 1 << 20;  // or what is copied for them

constexpr Purpose kSamplePurpose = purpose("python/replay");

}  // namespace

/// Memory of a minibatch of any columns.
struct ReplayBuffer::Batch {
  /// One array of it.
  struct Part {
    std::string name;
    std::size_t column;
    bool after, as_float;
    DType dtype;
    std::vector<py::ssize_t> shape;
    std::unique_ptr<std::byte[]> memory;
    std::size_t bytes;

    std::span<std::byte> out() const { return {memory.get(), bytes}; }
  };

  Index rows = 0;
  bool stored = false;
  replay::Draw draw;
  std::vector<Part> parts;
  std::optional<replay::StoredGather> gather;  // into the parts
  std::vector<float> reward, discount;
  std::vector<std::int32_t> steps;
  std::vector<std::uint8_t> terminated;
};

ReplayBuffer::ReplayBuffer(std::vector<replay::ColumnSpec> columns,
                           const replay::BufferOptions& options, std::uint64_t seed,
                           bool one_observation)
    : buffer_(std::move(columns), options),
      retired_(std::make_shared<std::optional<replay::WeightedReplayBuffer>>()),
      random_(seed, kSamplePurpose),
      one_observation_(one_observation) {}

const replay::WeightedReplayBuffer& ReplayBuffer::idle() const {
  require(!busy_, "ReplayBuffer: another thread is inside a call on this buffer");
  return buffer_;
}

replay::WeightedReplayBuffer& ReplayBuffer::idle() {
  return const_cast<replay::WeightedReplayBuffer&>(std::as_const(*this).idle());
}

bool ReplayBuffer::large(Index rows) const {
  return rows >= kLongSample ||
         rows * static_cast<Index>(buffer_.storage().layout().used) >= kLongSampleBytes;
}

template <class Work>
void ReplayBuffer::run(Index rows, const Work& work) {
  if (large(rows)) {
    const Busy unlocked(busy_);
    work();
  } else {
    work();
  }
}

void ReplayBuffer::choose(const Choice& choice, replay::Draw& out) {
  if (choice.epoch) {
    epochs_.draw(buffer_.storage(), random_, choice.request.rows, out);
  } else {
    buffer_.draw(random_, choice.request, out);
  }
}

py::dict ReplayBuffer::sample(const Choice& choice, bool stored) {
  auto& buffer = idle();
  const Index rows = choice.request.rows;
  require(rows >= 1, "ReplayBuffer.sample: rows is ", rows, "; accepted: 1 or more");
  require(rows <= buffer.may_sample() || buffer.size() == 0, "ReplayBuffer.sample: rows is ", rows,
          ", but only ", buffer.may_sample(), " may be drawn before more come (set_limit)");
  const bool floats = one_observation_ && !stored;
  if (floats) {
    sample_floats(choice);
  } else {
    sample_stored(choice, stored);
  }
  buffer.count_samples(rows);
  return floats ? float_views_ : batch_views_;
}

void ReplayBuffer::sample_floats(const Choice& choice) {
  const replay::SampleRequest& request = choice.request;
  const bool fits = floats_ != nullptr && floats_->draw.rows() == request.rows;
  const auto memory = fits ? floats_ : std::make_shared<Floats>();
  run(request.rows, [&] {
    choose(choice, memory->draw);
    buffer_.gather(memory->draw, request, memory->minibatch);
  });
  if (fits) {
    return;
  }
  const auto batch = memory->minibatch.view(memory->draw);
  const auto& columns = buffer_.storage().columns();
  const auto show = [&]<class T>(std::span<T> values, DType dtype, std::string_view column = {}) {
    std::vector<py::ssize_t> dims{request.rows};
    if (!column.empty()) {
      const auto& shape = columns[replay::find_column(columns, column, "")].shape;
      dims.insert(dims.end(), shape.begin(), shape.end());
    }
    return view(dtype, std::move(dims), const_cast<std::remove_const_t<T>*>(values.data()), memory);
  };
  py::dict views;
  views["observation"] = show(batch.observation, DType::kFloat32, "observation");
  views["action"] = show(batch.action, DType::kFloat32, "action");
  views["reward"] = show(batch.reward, DType::kFloat32);
  views["discount"] = show(batch.discount, DType::kFloat32);
  views["next_observation"] = show(batch.next_observation, DType::kFloat32, "observation");
  views["index"] = show(batch.index, DType::kInt64);
  views["weight"] = show(batch.weight, DType::kFloat32);
  views["probability"] = show(batch.probability, DType::kFloat64);
  views["steps"] = show(batch.steps, DType::kInt32);
  floats_ = memory;
  float_views_ = std::move(views);
}

void ReplayBuffer::sample_stored(const Choice& choice, bool stored) {
  const replay::SampleRequest& request = choice.request;
  const bool fits = batch_ != nullptr && batch_->rows == request.rows && batch_->stored == stored;
  const auto batch = fits ? batch_ : make_batch(request.rows, stored);
  run(request.rows, [&] {
    choose(choice, batch->draw);
    fill(*batch, batch->draw.id, {request.n_step, request.discount});
  });
  if (!fits) {
    batch_views_ = show(batch);
    batch_ = batch;
  }
}

std::shared_ptr<ReplayBuffer::Batch> ReplayBuffer::make_batch(Index rows, bool stored) const {
  auto batch = std::make_shared<Batch>();
  const auto n = static_cast<std::size_t>(rows);
  batch->rows = rows;
  batch->stored = stored;
  batch->reward.resize(n);
  batch->discount.resize(n);
  batch->steps.resize(n);
  batch->terminated.resize(n);
  const auto& columns = buffer_.storage().columns();
  const auto add = [&](std::size_t i, bool after) {
    const replay::ColumnSpec& column = columns[i];
    const DType dtype = stored ? column.dtype : DType::kFloat32;
    const std::size_t bytes = n * static_cast<std::size_t>(column.width()) * size_of(dtype);
    std::vector<py::ssize_t> shape{rows};
    shape.insert(shape.end(), column.shape.begin(), column.shape.end());
    batch->parts.push_back({column.name, i, after, !stored, dtype, std::move(shape),
                            std::make_unique_for_overwrite<std::byte[]>(bytes), bytes});
  };
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].state) {
      add(i, false);
      add(i, true);
    } else if (columns[i].name == "action") {
      add(i, false);
    }
  }
  std::vector<replay::ColumnTarget> targets;
  for (const Batch::Part& part : batch->parts) {
    targets.push_back({part.column, part.after, part.as_float, part.out()});
  }
  batch->gather.emplace(buffer_.storage(), targets);
  return batch;
}

void ReplayBuffer::fill(Batch& batch, std::span<const RowId> ids, const replay::Fold& fold) const {
  (*batch.gather)(buffer_.storage(), ids, fold,
                  {batch.reward, batch.discount, batch.steps, batch.terminated},
                  buffer_.options().threads);
}

py::dict ReplayBuffer::show(const std::shared_ptr<Batch>& batch) const {
  const auto list = [&]<class T>(std::vector<T>& values, DType dtype) {
    return view(dtype, {py::ssize_t{batch->rows}}, values.data(), batch);
  };
  py::dict views, now, after;
  for (const Batch::Part& part : batch->parts) {
    const auto array = view(part.dtype, part.shape, part.memory.get(), batch);
    if (part.name == "action") {
      views["action"] = array;
    } else {
      (part.after ? after : now)[py::str(part.name)] = array;
    }
  }
  const char* const only = "observation";
  views["observation"] = one_observation_ ? py::object(now[only]) : py::object(now);
  views["next_observation"] = one_observation_ ? py::object(after[only]) : py::object(after);
  views["reward"] = list(batch->reward, DType::kFloat32);
  views["discount"] = list(batch->discount, DType::kFloat32);
  views["steps"] = list(batch->steps, DType::kInt32);
  if (!batch->draw.id.empty()) {
    views["index"] = list(batch->draw.id, DType::kInt64);
    views["weight"] = list(batch->draw.weight, DType::kFloat32);
    views["probability"] = list(batch->draw.probability, DType::kFloat64);
  } else {
    views["terminated"] = list(batch->terminated, DType::kBool);
  }
  return views;
}

py::tuple ReplayBuffer::draw(const Choice& choice) {
  idle();
  const Index rows = choice.request.rows;
  require(rows >= 1, "ReplayBuffer.draw: rows is ", rows, "; accepted: 1 or more");
  replay::Draw draw;
  if (rows < kLongSample) {
    choose(choice, draw);
  } else {
    const Busy unlocked(busy_);
    choose(choice, draw);
  }
  return py::make_tuple(copy_of(draw.id), copy_of(draw.weight), copy_of(draw.probability));
}

py::dict ReplayBuffer::gather(const Ids& ids, const replay::Fold& fold, bool stored) const {
  const auto& storage = idle().storage();
  require(fold.n_step >= 1 && fold.n_step <= Index{1} << 20, "ReplayBuffer.gather: n_step is ",
          fold.n_step, "; accepted: 1 to 2^20");
  require(fold.discount >= 0.0 && fold.discount <= 1.0, "ReplayBuffer.gather: discount is ",
          fold.discount, "; accepted: 0 to 1");
  require(fold.n_step == 1 || !storage.room().single, "ReplayBuffer.gather: n_step is ",
          fold.n_step, "; accepted: 1, as rows that are removed by lowest priority stand alone");
  for (const RowId id : numbers(ids)) {
    require(storage.presence(id) == replay::Storage::Presence::kStored,
            "ReplayBuffer.gather: row id ", id, " is not stored");
  }
  const auto batch = make_batch(ids.size(), stored);
  fill(*batch, numbers(ids), fold);
  return show(batch);
}

Index ReplayBuffer::update_priorities(const Ids& ids, const Priorities& priorities) {
  return idle().update_priorities(numbers(ids), numbers(priorities));
}

py::array ReplayBuffer::weights(const Ids& ids) const {
  const auto& buffer = idle();
  py::array_t<float> out(ids.size());
  float* to = out.mutable_data();
  for (const RowId id : numbers(ids)) {
    *to++ = buffer.weight(id);
  }
  return out;
}

}  // namespace palaestra::python
