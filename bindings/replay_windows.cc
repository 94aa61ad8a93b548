// palaestra._palaestra.WindowSampler: pieces of episodes; returns over them.

#include <palaestra/bindings/replay_buffer.h>
#include <palaestra/replay/returns.h>
#include <palaestra/replay/value_windows.h>
#include <palaestra/replay/window_sampler.h>

namespace palaestra::python {
namespace {

using replay::WindowPadding;

constexpr std::pair<const char*, WindowPadding> kPaddings[] = {
    {"in_place", WindowPadding::kInPlace},
    {"behind", WindowPadding::kBehind},
    {"in_front", WindowPadding::kInFront}};

constexpr std::pair<const char*, replay::WindowFit> kFits[] = {
    {"pad", replay::WindowFit::kPad}, {"whole", replay::WindowFit::kWhole}};

constexpr Index kLongWindows = 16'384;  // rows that are worth letting other Python threads run

/// A sampler for each shape: its arrays stay where they are, and keep it alive.
class WindowSampler {
 public:
  using Column = std::pair<std::string, bool>;

  WindowSampler(ReplayBuffer& buffer, const std::vector<Column>& columns) : buffer_(buffer) {
    for (const auto& [name, after] : columns) {
      columns_.push_back({name, after});
    }
    sampler_ = std::make_shared<replay::WindowSampler>(buffer.idle(), columns_);
  }

  py::dict sample(Index windows, Index length, Index before, const std::string& padding,
                  const std::string& fit, const py::dict& choice) {
    auto& buffer = buffer_.idle();
    const std::string caller = "WindowSampler.sample";
    const replay::WindowRequest request{
        .windows = windows,
        .shape = {length, before, named(kPaddings, padding, caller + ": padding")},
        .fit = named(kFits, fit, caller + ": fit"),
        .choice = request_of(buffer_, choice, std::max<Index>(windows, 1), caller)};
    const bool fits = windows == windows_ && length == length_;
    const auto sampler =
        fits ? sampler_ : std::make_shared<replay::WindowSampler>(buffer, columns_);
    const replay::WindowBatch* batch = nullptr;
    const auto run = [&] { batch = &sampler->sample(buffer, buffer_.random(), request); };
    if (windows >= 1 && windows < kLongWindows / std::max<Index>(length, 1)) {
      run();
    } else {
      const Busy unlocked(buffer_.busy());
      run();
    }
    if (!fits) {
      sampler_ = sampler;
      windows_ = windows;
      length_ = length;
      views_ = show(*batch);
    }
    return views_;
  }

 private:
  template <class T>
  py::array array(std::span<const T> values, DType dtype, std::vector<py::ssize_t> shape) const {
    return view(dtype, std::move(shape), const_cast<T*>(values.data()), sampler_);
  }

  py::dict show(const replay::WindowBatch& batch) const {
    const auto& specs = buffer_.idle().storage().columns();
    const std::vector<py::ssize_t> each{windows_}, steps{windows_, length_};
    py::dict columns, views;
    for (const replay::WindowBlock& block : batch.columns) {
      const auto& spec = specs[replay::find_column(specs, block.name, "WindowSampler")];
      std::vector<py::ssize_t> shape{windows_, block.steps};
      shape.insert(shape.end(), spec.shape.begin(), spec.shape.end());
      columns[py::str(std::string(block.name))] = array(block.bytes, block.dtype, shape);
    }
    views["columns"] = columns;
    views["mask"] = array(batch.mask, DType::kBool, steps);
    views["terminated"] = array(batch.terminated, DType::kBool, steps);
    views["truncated"] = array(batch.truncated, DType::kBool, steps);
    views["start"] = array(batch.start, DType::kInt64, each);
    views["first"] = array(batch.first, DType::kInt32, each);
    views["rows"] = array(batch.rows, DType::kInt32, each);
    views["index"] = array(batch.index, DType::kInt64, each);
    views["weight"] = array(batch.weight, DType::kFloat32, each);
    views["probability"] = array(batch.probability, DType::kFloat64, each);
    return views;
  }

  ReplayBuffer& buffer_;
  std::vector<replay::WindowColumn> columns_;
  std::shared_ptr<replay::WindowSampler> sampler_;
  Index windows_ = 0, length_ = 0;
  py::dict views_;
};

using Floats = py::array_t<float, py::array::c_style | py::array::forcecast>;

/// The arrays of a ValueWindows; all of the shape of `reward`, which has two axes.
struct GivenWindows {
  Floats reward;
  Flags terminated, truncated;
  Floats next_value;
  std::optional<Flags> mask;

  void require_shape(const py::array& array, const char* name) const {
    require(
        array.ndim() == 2 && array.shape(0) == reward.shape(0) && array.shape(1) == reward.shape(1),
        "lambda_returns: ", name, " has shape ", shape_text(array.shape(), array.ndim()),
        ", expected ", shape_text(reward.shape(), reward.ndim()));
  }

  replay::ValueWindows windows() const {
    require(reward.ndim() == 2, "lambda_returns: reward has shape ",
            shape_text(reward.shape(), reward.ndim()), ", expected [windows, length]");
    require_shape(terminated, "terminated");
    require_shape(truncated, "truncated");
    require_shape(next_value, "next_value");
    if (mask) {
      require_shape(*mask, "mask");
    }
    const auto bytes = [](const Flags& array) {
      return std::span(reinterpret_cast<const std::uint8_t*>(array.data()),
                       static_cast<std::size_t>(array.size()));
    };
    return {.length = Index{reward.shape(1)},
            .reward = numbers(reward),
            .terminated = bytes(terminated),
            .truncated = bytes(truncated),
            .mask = mask ? bytes(*mask) : std::span<const std::uint8_t>{},
            .next_value = numbers(next_value)};
  }
  py::array_t<float> like() const { return py::array_t<float>({reward.shape(0), reward.shape(1)}); }
};

std::span<float> out(py::array_t<float>& array) {
  return {array.mutable_data(), static_cast<std::size_t>(array.size())};
}

py::array lambda_returns(const Floats& reward, const Flags& terminated, const Flags& truncated,
                         const Floats& next_value, const std::optional<Flags>& mask,
                         double discount, double lambda) {
  const GivenWindows given{reward, terminated, truncated, next_value, mask};
  const auto windows = given.windows();
  auto result = given.like();
  replay::lambda_returns(windows, {discount, lambda}, out(result));
  return result;
}

py::array advantages(const Floats& value, const Floats& reward, const Flags& terminated,
                     const Flags& truncated, const Floats& next_value,
                     const std::optional<Flags>& mask, double discount, double lambda) {
  const GivenWindows given{reward, terminated, truncated, next_value, mask};
  const auto windows = given.windows();
  given.require_shape(value, "value");
  auto result = given.like();
  replay::advantages(windows, numbers(value), {discount, lambda}, out(result));
  return result;
}

replay::Remainder remainder(const std::optional<double>& value) {
  using Kind = replay::Remainder::Kind;
  return value ? replay::Remainder{Kind::kValue, *value} : replay::Remainder{Kind::kInvalid};
}

py::array returns_to_go(const ReplayBuffer& buffer, const Ids& ids, double discount,
                        const std::optional<double>& truncated, const std::optional<double>& open) {
  py::array_t<float> result(ids.size());
  replay::returns_to_go(buffer.idle().storage(), numbers(ids),
                        {discount, remainder(truncated), remainder(open)}, out(result));
  return result;
}

}  // namespace

void bind_replay_windows(py::module_& module) {
  py::class_<WindowSampler>(module, "WindowSampler")
      .def(py::init<ReplayBuffer&, const std::vector<WindowSampler::Column>&>(), py::arg("buffer"),
           py::arg("columns"), py::keep_alive<1, 2>())
      .def("_sample", &WindowSampler::sample);
  module.def("lambda_returns", &lambda_returns, py::arg("reward"), py::arg("terminated"),
             py::arg("truncated"), py::arg("next_value"), py::arg("mask") = py::none(),
             py::kw_only(), py::arg("discount") = 0.99, py::arg("lam") = 0.95);
  module.def("advantages", &advantages, py::arg("value"), py::arg("reward"), py::arg("terminated"),
             py::arg("truncated"), py::arg("next_value"), py::arg("mask") = py::none(),
             py::kw_only(), py::arg("discount") = 0.99, py::arg("lam") = 0.95);
  module.def("returns_to_go", &returns_to_go, py::arg("buffer"), py::arg("index"), py::kw_only(),
             py::arg("discount") = 0.99, py::arg("truncated") = 0.0, py::arg("open") = py::none());
}

}  // namespace palaestra::python
