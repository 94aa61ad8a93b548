// palaestra._palaestra.ReplayBuffer: what is stored, and files.

#include <palaestra/bindings/replay_buffer.h>

namespace palaestra::python {
namespace {

using replay::RowId;
using replay::Storage;

void require_stored(const Storage& storage, std::span<const RowId> ids, std::string_view caller) {
  for (const RowId id : ids) {
    require(storage.presence(id) == Storage::Presence::kStored, "ReplayBuffer.", caller,
            ": row id ", id, " is not stored");
  }
}

/// Calls with the ids of the rows that can be drawn, lane by lane and oldest first.
template <class Function>
void for_each_row(const Storage& storage, const Function& function) {
  for (Index lane = 0; lane < storage.lanes(); ++lane) {
    const Index begin = storage.oldest(lane), end = begin + storage.size(lane);
    for (Index number = begin; number < end; ++number) {
      function(replay::row_id(lane, number));
    }
  }
}

}  // namespace

py::array ReplayBuffer::read(const std::string& name, const Ids& ids, bool next) const {
  const auto& storage = idle().storage();
  const auto rows = numbers(ids);
  if (name == "terminated" || name == "truncated") {
    require(!next, "ReplayBuffer.read: column \"", name, "\" is no state");
    require_stored(storage, rows, "read");
    py::array_t<bool> out(ids.size());
    bool* to = out.mutable_data();
    for (const RowId id : rows) {
      const replay::Link link = storage.link(storage.slot_of(storage.place_of(id)));
      *to++ = name == "terminated" ? link.terminated() : link.truncated();
    }
    return out;
  }
  const auto& columns = storage.columns();
  const auto& spec = columns[replay::find_column(columns, name, "ReplayBuffer.read")];
  std::vector<py::ssize_t> shape{ids.size()};
  shape.insert(shape.end(), spec.shape.begin(), spec.shape.end());
  py::array out(to_dtype(spec.dtype), shape);
  const std::span<std::byte> bytes(static_cast<std::byte*>(out.mutable_data()),
                                   static_cast<std::size_t>(out.nbytes()));
  if (next) {
    storage.read_next(name, rows, bytes);
  } else {
    storage.read(name, rows, bytes);
  }
  return out;
}

py::array ReplayBuffer::column(const std::string& name) const {
  const auto& storage = idle().storage();
  const auto& columns = storage.columns();
  const std::size_t i = replay::find_column(columns, name, "ReplayBuffer.column");
  const replay::ColumnSpec& spec = columns[i];
  std::vector<py::ssize_t> shape{storage.slots()};
  shape.insert(shape.end(), spec.shape.begin(), spec.shape.end());
  std::vector<py::ssize_t> strides(shape.size());
  auto step = static_cast<py::ssize_t>(size_of(spec.dtype));
  for (std::size_t axis = shape.size(); axis-- > 1;) {
    strides[axis] = step;
    step *= shape[axis];
  }
  strides[0] = static_cast<py::ssize_t>(storage.layout().stride);
  auto* const first = const_cast<std::byte*>(storage.record(0)) + storage.layout().offset[i];
  auto shown = view(spec.dtype, std::move(shape), std::move(strides), first, retired_);
  shown.attr("setflags")(py::arg("write") = false);
  return shown;
}

py::array ReplayBuffer::ids() const {
  const auto& storage = idle().storage();
  py::array_t<std::int64_t> out(storage.size());
  std::int64_t* to = out.mutable_data();
  for_each_row(storage, [&](RowId id) { *to++ = id; });
  return out;
}

py::array ReplayBuffer::slots(const std::optional<Ids>& ids) const {
  const auto& storage = idle().storage();
  py::array_t<std::int64_t> out(ids ? ids->size() : py::ssize_t{storage.size()});
  std::int64_t* to = out.mutable_data();
  const auto put = [&](RowId id) { *to++ = storage.slot_of(storage.place_of(id)); };
  if (ids) {
    require_stored(storage, numbers(*ids), "slots");
    for (const RowId id : numbers(*ids)) {
      put(id);
    }
  } else {
    for_each_row(storage, put);
  }
  return out;
}

py::tuple ReplayBuffer::episodes() const {
  const auto& buffer = idle();
  const auto& episodes = buffer.episodes();
  std::vector<std::int64_t> first, length;
  for (Index k = 0; k < episodes.size(); ++k) {
    const replay::Episode episode = episodes.at(buffer.storage(), k);
    first.push_back(episode.row(0));
    length.push_back(episode.length());
  }
  const auto array = [](const std::vector<std::int64_t>& values) {
    return py::array_t<std::int64_t>(static_cast<py::ssize_t>(values.size()), values.data());
  };
  return py::make_tuple(array(first), array(length));
}

py::dict ReplayBuffer::footprint() const {
  const Storage::Footprint bytes = idle().storage().footprint();
  py::dict result;
  result["columns"] = bytes.columns;
  result["bookkeeping"] = bytes.bookkeeping;
  result["padding"] = bytes.padding;
  result["final_states"] = bytes.final_states;
  return result;
}

void ReplayBuffer::save(const std::filesystem::path& file) {
  const auto& buffer = idle();
  const Busy unlocked(busy_);
  ArchiveWriter archive;
  archive.put_stream("random", random_);
  epochs_.save(archive, "epochs/");
  buffer.save(archive, "buffer.");
  archive.save(file);
}

void ReplayBuffer::retire() {
  if (retired_.use_count() > 1) {
    *retired_ = std::move(buffer_);
  }
}

void ReplayBuffer::load(const std::filesystem::path& file) {
  idle();
  std::optional<replay::WeightedReplayBuffer> loaded;
  Stream random;
  replay::Epochs epochs;
  {
    const Busy unlocked(busy_);
    const ArchiveReader archive(file);
    random = archive.get_stream("random");
    loaded.emplace(buffer_.storage().columns(), buffer_.options());
    loaded->load(archive, "buffer.");
    epochs.load(archive, "epochs/", loaded->storage());
  }
  retire();
  retired_ = std::make_shared<std::optional<replay::WeightedReplayBuffer>>();
  buffer_ = *std::move(loaded);
  random_ = random;
  epochs_ = std::move(epochs);
  ++loads_;
}

}  // namespace palaestra::python
