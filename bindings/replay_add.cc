// palaestra._palaestra.ReplayBuffer: rows from Python's arrays.

#include <palaestra/bindings/replay_buffer.h>

namespace palaestra::python {
namespace {

using replay::ColumnSpec;

constexpr std::size_t kLongAdd = 1 << 20;  // bytes that are worth letting other Python threads run

std::span<const std::uint8_t> bytes_of(const Flags& array) {
  return {reinterpret_cast<const std::uint8_t*>(array.data()),
          static_cast<std::size_t>(array.size())};
}

/// An array of the column's type and of shape [rows, *shape], converted where that loses no kind.
py::array array_of(const ColumnSpec& spec, py::handle value, Index rows, const char* outcome) {
  auto array = py::array::ensure(value);
  if (!array) {
    PyErr_Clear();
    throw UserError(concat("ReplayBuffer: column \"", spec.name, "\" is a ",
                           Py_TYPE(value.ptr())->tp_name, ", expected an array", outcome));
  }
  const bool same = array.ndim() == static_cast<py::ssize_t>(spec.shape.size()) + 1 &&
                    array.shape(0) == rows &&
                    std::equal(spec.shape.begin(), spec.shape.end(), array.shape() + 1);
  if (!same) {
    std::vector<py::ssize_t> expected{rows};
    expected.insert(expected.end(), spec.shape.begin(), spec.shape.end());
    throw UserError(concat("ReplayBuffer: column \"", spec.name, "\" has shape ",
                           shape_text(array.shape(), array.ndim()), ", expected ",
                           shape_text(expected), outcome));
  }
  const auto dtype = to_dtype(spec.dtype);
  if (!array.dtype().equal(dtype)) {
    const auto can_cast = py::module_::import("numpy").attr("can_cast");
    require(py::cast<bool>(can_cast(array.dtype(), dtype, "same_kind")), "ReplayBuffer: column \"",
            spec.name, "\" is ", std::string(py::str(array.dtype())), ", expected ",
            name_of(spec.dtype), outcome);
    array = array.attr("astype")(dtype);
  }
  if ((array.flags() & py::array::c_style) == 0) {
    array = array.attr("copy")();
  }
  return array;
}

/// The columns of one call: converted arrays that stay alive, and where their numbers are.
class Columns {
 public:
  Columns(const std::vector<ColumnSpec>& specs, const py::dict& given, Index rows) {
    arrays_.reserve(given.size());
    values_.reserve(given.size());
    for (const auto& [key, value] : given) {
      const auto& spec =
          specs[replay::find_column(specs, py::cast<std::string>(key), "ReplayBuffer")];
      arrays_.push_back(array_of(spec, value, rows, "; nothing was added"));
      const auto& array = arrays_.back();
      values_.push_back({spec.name, {spec.dtype, array.data(), Index{array.size()}}});
      bytes_ += static_cast<std::size_t>(array.nbytes());
    }
  }
  std::span<const replay::NamedValues> values() const { return values_; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::vector<py::array> arrays_;
  std::vector<replay::NamedValues> values_;
  std::size_t bytes_ = 0;
};

/// What was given, as the C++ side wants it; it keeps converted arrays alive.
struct PreparedSteps {
  PreparedSteps(const std::vector<ColumnSpec>& specs, const GivenSteps& given, Index rows)
      : now(specs, given.columns, rows),
        next(specs, given.next, rows),
        last(specs, given.last, rows),
        steps{.columns = now.values(),
              .terminated = bytes_of(given.terminated),
              .truncated = bytes_of(given.truncated),
              .skip = given.skip ? bytes_of(*given.skip) : std::span<const std::uint8_t>{},
              .next = next.values(),
              .last = last.values()},
        priority(given.priority ? numbers(*given.priority) : std::span<const float>{}) {}

  Columns now, next, last;
  replay::Steps steps;
  std::span<const float> priority;
};

/// Runs `work`, without the interpreter lock where there is much to copy.
template <class Work>
void unlocked_if(bool large, bool& busy, const Work& work) {
  if (large) {
    const Busy unlocked(busy);
    work();
  } else {
    work();
  }
}

}  // namespace

void ReplayBuffer::add(const GivenSteps& given) {
  auto& buffer = idle();
  const PreparedSteps prepared(buffer.storage().columns(), given, buffer.options().lanes);
  unlocked_if(prepared.now.bytes() >= kLongAdd, busy_,
              [&] { buffer.append(prepared.steps, prepared.priority); });
}

void ReplayBuffer::extend(Index lane, const GivenSteps& given) {
  auto& buffer = idle();
  const PreparedSteps prepared(buffer.storage().columns(), given, given.terminated.size());
  unlocked_if(prepared.now.bytes() >= kLongAdd, busy_,
              [&] { buffer.extend(lane, prepared.steps, prepared.priority); });
}

void ReplayBuffer::pin(const GivenSteps& given) {
  auto& buffer = idle();
  const PreparedSteps prepared(buffer.storage().columns(), given, given.terminated.size());
  unlocked_if(prepared.now.bytes() >= kLongAdd, busy_,
              [&] { buffer.pin(prepared.steps, prepared.priority); });
}

void ReplayBuffer::write(const std::string& column, const Ids& ids, py::handle values) {
  auto& buffer = idle();
  const auto& specs = buffer.storage().columns();
  const auto& spec = specs[replay::find_column(specs, column, "ReplayBuffer.write")];
  const auto array = array_of(spec, values, ids.size(), "; nothing was written");
  buffer.write(column, numbers(ids), {spec.dtype, array.data(), Index{array.size()}});
}

}  // namespace palaestra::python
