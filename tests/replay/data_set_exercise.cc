#include "tests/replay/data_set_exercise.h"

#include <fstream>
#include <set>

#include <palaestra/core/error.h>
#include <palaestra/replay/datasets/check.h>
#include <palaestra/replay/datasets/hdf5/table.h>
#include <palaestra/replay/datasets/load.h>
#include <palaestra/replay/datasets/space_json.h>

namespace palaestra::replay {
namespace {

/// Small files may describe large tables that are packed well; these are not read whole here.
constexpr Index kMostBytes = 1 << 22;
constexpr std::size_t kMostObjects = 300;

void walk(const hdf5::Object& object, const std::string& name, int depth, std::size_t& objects) {
  if (++objects > kMostObjects || depth > 6) {
    return;
  }
  for (const hdf5::Attribute& attribute : object.attributes()) {
    attribute.text(object.source());
    attribute.number(object.source());
    attribute.integer(object.source());
  }
  if (object.is_data_set()) {
    const hdf5::Table table(object, name);
    if (const auto dtype = table.dtype()) {
      const Index row = table.row_elements() * static_cast<Index>(size_of(*dtype));
      const Index rows = std::min(table.rows(), kMostBytes / std::max<Index>(row, 1));
      std::vector<std::byte> values(static_cast<std::size_t>(rows * row));
      table.read(table.rows() - rows, rows, values);
    } else if (table.shape().empty()) {
      table.read_text();
    }
    return;
  }
  for (const auto& [key, address] : object.links()) {
    walk(hdf5::Object(object.shared_source(), address), key, depth + 1, objects);
  }
}

template <class F>
void attempt(std::string& message, const F& f) {
  try {
    f();
  } catch (const UserError& error) {
    message += error.what();
    message += '\n';
  }
}

void use(const std::filesystem::path& path) {
  const DataSet data(path, {.time_limit = 3});
  if (data.episodes() > 1000 || data.steps() > 100'000) {
    return;
  }
  const DataSetCheck found = check(data);
  require(found.good(), found.problems.empty() ? "" : found.problems.front());
  std::vector<ColumnSpec> columns;
  for (const char* name : {"observation", "action", "reward"}) {
    const DataColumn& column = data.columns()[data.find(name)];
    columns.push_back({name, column.dtype, column.shape, column.state});
  }
  columns[2].dtype = DType::kFloat32;
  WeightedReplayBuffer buffer(columns, {.capacity = std::max<Index>(data.steps(), 1)});
  load_into(buffer, data);
}

}  // namespace

std::string exercise(std::span<const std::byte> bytes, const std::filesystem::path& folder) {
  std::string message;
  if (!bytes.empty() && bytes.front() == std::byte{'{'}) {
    const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    attempt(message, [&] {
      const Json json = parse_json_object(text, "metadata");
      for (const auto& [key, value] : json.items()) {
        if (value.is_string()) {
          parse_space(value.get<std::string>(), key, "metadata");
        }
      }
    });
    return message;
  }
  attempt(message, [&] {
    std::size_t objects = 0;
    walk(hdf5::root_of(hdf5::Source::from_memory({bytes.begin(), bytes.end()}, "memory")), "/", 0,
         objects);
  });
  const auto file = folder / "main_data.hdf5";
  {
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
  }
  const auto metadata = folder / "metadata.json";
  std::filesystem::remove(metadata);
  attempt(message, [&] { use(file); });
  std::ofstream(metadata) << "{}";
  attempt(message, [&] { use(folder); });
  return message;
}

}  // namespace palaestra::replay
