// palaestra._palaestra.DataSet and DataSetWriter: recorded episodes on disk.

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <palaestra/bindings/data_set.h>
#include <palaestra/replay/datasets/check.h>
#include <palaestra/replay/datasets/convert.h>

namespace palaestra::python {
namespace {

namespace fs = std::filesystem;
using replay::DataColumn;

constexpr Index kLongRead = 1 << 16;  // bytes that are worth letting other Python threads run

replay::DataFormat format_of(const std::string& name) {
  for (const auto format : {replay::DataFormat::kMinari, replay::DataFormat::kD4rl}) {
    if (replay::name_of(format) == name) {
      return format;
    }
  }
  throw UserError(concat("format is \"", name, "\"; accepted: minari, d4rl"));
}

DataSet open(const fs::path& path, Index time_limit) {
  const py::gil_scoped_release release;
  return {.data = replay::DataSet(path, {.time_limit = time_limit})};
}

py::list columns(const DataSet& set) {
  py::list list;
  for (const DataColumn& column : set.data.columns()) {
    list.append(py::make_tuple(column.name, to_dtype(column.dtype), column.shape, column.state,
                               column.space, column.start));
  }
  return list;
}

py::tuple episode(DataSet& set, Index number) {
  set.require_idle();
  const replay::EpisodeFacts facts = set.data.episode(number);
  return py::make_tuple(facts.id, facts.length, facts.terminated, facts.truncated, facts.last_known,
                        facts.seed);
}

double episode_return(DataSet& set, Index number) {
  set.require_idle();
  const Busy busy(set.busy);
  return set.data.episode_return(number);
}

Index steps(DataSet& set) {
  set.require_idle();
  const Busy busy(set.busy);
  return set.data.steps();
}

py::array read(DataSet& set, const std::string& name, Index number, Index first, Index count) {
  set.require_idle();
  const std::size_t index = set.data.find(name);
  const DataColumn& column = set.data.columns()[index];
  const Index rows = set.data.episode(number).rows(column);
  require(first >= 0 && count >= 0 && first <= rows && count <= rows - first, "rows ", first,
          " to ", first + count, " of column ", name, " were asked for; episode ", number, " has ",
          rows);
  std::vector<py::ssize_t> shape{count};
  shape.insert(shape.end(), column.shape.begin(), column.shape.end());
  py::array out(to_dtype(column.dtype), shape);
  const std::span<std::byte> bytes(static_cast<std::byte*>(out.mutable_data()),
                                   static_cast<std::size_t>(out.nbytes()));
  if (std::ssize(bytes) < kLongRead) {
    set.data.read(index, number, first, count, bytes);
  } else {
    const Busy busy(set.busy);
    set.data.read(index, number, first, count, bytes);
  }
  return out;
}

py::dict check(DataSet& set) {
  set.require_idle();
  const replay::DataSetCheck result = [&] {
    const Busy busy(set.busy);
    return replay::check(set.data);
  }();
  py::dict out;
  out["good"] = result.good();
  out["problems"] = result.problems;
  out["more_problems"] = result.more_problems;
  out["remarks"] = result.remarks;
  out["episodes"] = result.episodes;
  out["steps"] = result.steps;
  out["terminated"] = result.terminated;
  out["truncated"] = result.truncated;
  out["cut_off"] = result.cut_off;
  out["return_mean"] = result.return_mean;
  out["return_std"] = result.return_std;
  out["return_min"] = result.return_min;
  out["return_max"] = result.return_max;
  out["length_mean"] = result.length_mean;
  return out;
}

std::vector<std::string> convert(DataSet& set, const fs::path& to, const std::string& format,
                                 Index first, std::optional<Index> end, int compression,
                                 bool replace) {
  set.require_idle();
  const replay::DataFormat target = format_of(format);
  const Busy busy(set.busy);
  return replay::convert(set.data, to, target,
                         {.first_episode = first,
                          .end_episode = end,
                          .compression = compression,
                          .replace = replace})
      .losses;
}

using ColumnTuple =
    std::tuple<std::string, py::dtype, std::vector<Index>, bool, std::optional<Space>, Index>;

replay::DataSetWriter make_writer(const fs::path& path, const std::string& format,
                                  const std::vector<ColumnTuple>& given,
                                  const std::string& metadata, int compression, bool replace) {
  replay::DataSetPlan plan{.format = format_of(format),
                           .columns = {},
                           .metadata = metadata,
                           .compression = compression,
                           .replace = replace};
  for (const auto& [name, dtype, shape, state, space, start] : given) {
    plan.columns.push_back({.name = name,
                            .dtype = from_dtype(dtype, concat("column ", name)),
                            .shape = shape,
                            .state = state,
                            .space = space,
                            .start = start});
  }
  return {path, std::move(plan)};
}

void add(replay::DataSetWriter& writer, Index length, const py::dict& given,
         std::optional<Index> seed) {
  std::vector<std::string> names;
  std::vector<py::array> arrays;
  std::vector<replay::NamedValues> values;
  for (const auto& [key, value] : given) {
    names.push_back(py::cast<std::string>(key));
    arrays.push_back(py::array::ensure(value, py::array::c_style));
    require(static_cast<bool>(arrays.back()), "column ", names.back(), " is no array");
  }
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    const DType dtype = from_dtype(arrays[i].dtype(), concat("column ", names[i]));
    values.push_back({names[i], {dtype, arrays[i].data(), Index{arrays[i].size()}}});
  }
  const py::gil_scoped_release release;
  writer.add({.length = length, .columns = values, .seed = seed});
}

}  // namespace

void bind_datasets(py::module_& module) {
  py::class_<DataSet>(module, "DataSet")
      .def(py::init(&open), py::arg("path"), py::arg("time_limit") = 0)
      .def_property_readonly("format",
                             [](const DataSet& s) { return replay::name_of(s.data.format()); })
      .def_property_readonly("_columns", &columns)
      .def_property_readonly("_metadata", [](const DataSet& s) { return s.data.metadata(); })
      .def_property_readonly("ignored", [](const DataSet& s) { return s.data.ignored(); })
      .def_property_readonly("path", [](const DataSet& s) { return s.data.path().string(); })
      .def("__len__", [](const DataSet& s) { return s.data.episodes(); })
      .def("_steps", &steps)
      .def("_episode", &episode)
      .def("_episode_return", &episode_return)
      .def("_read", &read)
      .def("check", &check)
      .def("_convert", &convert);
  py::class_<replay::DataSetWriter>(module, "DataSetWriter")
      .def(py::init(&make_writer))
      .def("_add", &add)
      .def("finish", &replay::DataSetWriter::finish, py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("episodes", &replay::DataSetWriter::episodes)
      .def_property_readonly("steps", &replay::DataSetWriter::steps);
}

}  // namespace palaestra::python
