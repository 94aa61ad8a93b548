#include <palaestra/replay/datasets/data_set.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/replay/datasets/reader.h>

namespace palaestra::replay {

namespace fs = std::filesystem;

namespace {

/// The folder that holds metadata.json, or nothing.
std::optional<fs::path> minari_folder(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    for (const fs::path& folder : {path, path / "data"}) {
      if (fs::exists(folder / "metadata.json", error) ||
          fs::exists(folder / "main_data.hdf5", error)) {
        return folder;
      }
    }
    throw UserError(concat(path.string(),
                           " is a folder without metadata.json or data/metadata.json: no Minari "
                           "data set"));
  }
  if (path.filename() == "main_data.hdf5" &&
      fs::exists(path.parent_path() / "metadata.json", error)) {
    return path.parent_path();
  }
  return {};
}

}  // namespace

Index DataColumn::width() const {
  Index product = 1;
  for (const Index extent : shape) {
    product *= extent;
  }
  return product;
}

std::string_view name_of(DataFormat format) {
  return format == DataFormat::kMinari ? "minari" : "d4rl";
}

DataSet::DataSet(const fs::path& path, const DataSetOptions& options) : path_(path) {
  require(options.time_limit >= 0, "time_limit is ", options.time_limit,
          "; accepted: 0 (none) or more");
  const auto folder = minari_folder(path);
  file_ = folder ? *folder / "main_data.hdf5" : path;
  reader_ = folder ? open_minari(*folder) : open_d4rl(path, options);
}
DataSet::~DataSet() = default;
DataSet::DataSet(DataSet&&) noexcept = default;
DataSet& DataSet::operator=(DataSet&&) noexcept = default;

DataFormat DataSet::format() const { return reader_->format; }
const std::vector<DataColumn>& DataSet::columns() const { return reader_->columns; }
const std::string& DataSet::metadata() const { return reader_->metadata; }
const std::vector<std::string>& DataSet::ignored() const { return reader_->ignored; }
Index DataSet::episodes() const { return reader_->episodes; }
Index DataSet::steps() const { return reader_->steps(); }

std::size_t DataSet::find(std::string_view column) const {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < columns().size(); ++i) {
    names.push_back(columns()[i].name);
    if (names.back() == column) {
      return i;
    }
  }
  throw UserError(concat(path_.string(), " has no column ", shown(column),
                         did_you_mean(column, names), "; it has ", join(names, ", ")));
}

EpisodeFacts DataSet::episode(Index number) const {
  require(number >= 0 && number < episodes(), "episode ", number, " was asked for; ",
          path_.string(), " has ", episodes());
  return reader_->episode(number);
}

void DataSet::read(std::size_t column, Index episode_number, Index first, Index count,
                   std::span<std::byte> out) const {
  if (column >= columns().size()) {
    throw std::logic_error("DataSet::read: no such column");
  }
  const DataColumn& what = columns()[column];
  const EpisodeFacts facts = episode(episode_number);
  const Index rows = facts.rows(what);
  require(first >= 0 && count >= 0 && first <= rows && count <= rows - first, "rows ", first,
          " to ", first + count, " of column ", what.name, " were asked for; episode ",
          episode_number, " of ", path_.string(), " has ", rows);
  if (out.size() != static_cast<std::size_t>(count) * what.bytes()) {
    throw std::logic_error("DataSet::read: wrong size of the output");
  }
  if (count > 0) {
    reader_->read(column, episode_number, first, count, out);
  }
}

double DataSet::episode_return(Index number) const {
  const std::size_t column = find("reward");
  const DType dtype = columns()[column].dtype;
  const Index length = episode(number).length;
  constexpr Index kPiece = 1 << 16;
  double sum = 0;
  std::vector<std::byte> bytes;
  const auto add = [&]<class T>(T) {
    const std::size_t count = bytes.size() / sizeof(T);
    for (std::size_t i = 0; i < count; ++i) {
      T value;
      std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
      sum += static_cast<double>(value);
    }
  };
  for (Index first = 0; first < length; first += kPiece) {
    const Index count = std::min(kPiece, length - first);
    bytes.resize(static_cast<std::size_t>(count) * size_of(dtype));
    read(column, number, first, count, bytes);
    if (dtype == DType::kFloat64) {
      add(double{});
    } else {
      add(float{});
    }
  }
  return sum;
}

void DataSet::require_type(std::size_t column, std::size_t bytes) const {
  const DataColumn& what = columns()[column];
  if (size_of(what.dtype) != bytes) {
    throw std::logic_error(concat("column ", what.name, " is ", name_of(what.dtype)));
  }
}

}  // namespace palaestra::replay
