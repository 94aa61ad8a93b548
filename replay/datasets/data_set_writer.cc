#include <palaestra/replay/datasets/data_set_writer.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cmath>
#include <map>
#include <set>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>
#include <palaestra/replay/datasets/hdf5/writer.h>
#include <palaestra/replay/datasets/space_json.h>

namespace palaestra::replay {

namespace fs = std::filesystem;

namespace {

/// Minari refuses versions that it does not know; data sets of this one are read by 0.5.0 and
/// later.
constexpr const char* kMinariVersion = "0.5.0";
/// The first that can leave images alone.
constexpr const char* kMinariVersionOfImages = "0.5.4";

bool is_flag(const std::string& name) { return name == "terminated" || name == "truncated"; }

/// Whether Minari takes the column for an image, which it would compress.
bool is_image(const DataColumn& column) {
  return column.dtype == DType::kUint8 && column.shape.size() >= 2;
}

std::string file_name_of(const std::string& column, DataFormat format) {
  const bool minari = format == DataFormat::kMinari;
  const std::string head = column.substr(0, column.find('/'));
  static const std::map<std::string, std::pair<const char*, const char*>> names{
      {"observation", {"observations", "observations"}},
      {"action", {"actions", "actions"}},
      {"reward", {"rewards", "rewards"}},
      {"terminated", {"terminations", "terminals"}},
      {"truncated", {"truncations", "timeouts"}},
      {"info", {"infos", "infos"}}};
  const auto& [of_minari, of_d4rl] = names.at(head);
  return (minari ? of_minari : of_d4rl) + column.substr(head.size());
}

/// The groups that a column lies in, outermost first.
std::vector<std::string> parents(const std::string& name) {
  std::vector<std::string> groups;
  for (std::size_t at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) {
    groups.push_back(name.substr(0, at));
  }
  return groups;
}

void check_name(const std::string& name) {
  const std::string head = name.substr(0, name.find('/'));
  const bool known = head == "observation" || head == "action" || head == "reward" ||
                     head == "info" || is_flag(head);
  const bool whole = (head != "reward" && !is_flag(head)) || name == head;
  const bool parts = name.find("//") == std::string::npos && !name.ends_with('/') &&
                     (head != "info" || name != head) && is_utf8(name) &&
                     name.find('\0') == std::string::npos && name.size() < 1024;
  require(known && whole && parts, "column ", shown(name),
          " cannot be written; accepted: observation, action, each or parts of it with a name "
          "behind a slash, reward, terminated, truncated, info/NAME");
}

DataSetPlan checked(DataSetPlan plan) {
  std::set<std::string> names;
  for (DataColumn& column : plan.columns) {
    check_name(column.name);
    require(names.insert(column.name).second, "column ", column.name, " is there twice");
    for (const Index extent : column.shape) {
      require(extent >= 1, "column ", column.name, " has an extent of ", extent,
              "; accepted: 1 or more");
    }
    const bool info = column.name.starts_with("info/");
    column.state = column.name.starts_with("observation") || (info && column.state);
    require(
        plan.format == DataFormat::kMinari || info || column.name.find('/') == std::string::npos,
        "column ", column.name,
        ": a D4RL file holds one array of observations and one of actions; Minari holds parts "
        "of them");
  }
  for (const std::string& name : names) {
    for (const std::string& group : parents(name)) {
      require(!names.contains(group), "column ", group, " cannot also have parts, such as ", name);
    }
  }
  const auto has = [&](const std::string& head) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return name.substr(0, name.find('/')) == head;
    });
  };
  for (const char* needed : {"observation", "action", "reward"}) {
    require(has(needed), "a data set needs the column ", needed);
  }
  for (const char* flag : {"terminated", "truncated"}) {
    std::erase_if(plan.columns, [&](const DataColumn& c) { return c.name == flag; });
    plan.columns.push_back({.name = flag, .dtype = DType::kBool});
  }
  for (const DataColumn& column : plan.columns) {
    const bool real = column.dtype == DType::kFloat32 || column.dtype == DType::kFloat64;
    require(column.name != "reward" || (real && column.width() == 1 && column.shape.empty()),
            "column reward is ", name_of(column.dtype), "; accepted: float32, float64");
  }
  require(plan.compression >= 0 && plan.compression <= 9, "compression is ", plan.compression,
          "; accepted: 0 to 9");
  return plan;
}

fs::path temporary_folder(const fs::path& folder) {
  static std::atomic<unsigned> counter{0};
  return folder.parent_path() / concat(".", folder.filename().string(), ".palaestra-tmp-",
                                       ::getpid(), "-d", counter.fetch_add(1));
}

/// What Minari accepts as the name of a data set, from the name of a folder.
std::string data_set_id(const fs::path& folder) {
  std::string id;
  for (const char c : folder.filename().string()) {
    id.push_back(std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ? c
                                                                                          : '_');
  }
  const std::size_t version = id.rfind("-v");
  const bool versioned = version != std::string::npos && version > 0 && version + 2 < id.size() &&
                         id.find_first_not_of("0123456789", version + 2) == std::string::npos;
  return versioned ? id : concat(id.empty() ? "data" : id, "-v0");
}

}  // namespace

struct DataSetWriter::Impl {
  fs::path target, moved;
  DataSetPlan plan;
  Json metadata;
  fs::path folder;  // where the data set is before it gets its name; deleted with this
  std::optional<hdf5::FileWriter> file;
  std::vector<hdf5::RowWriter> rows;         // D4RL: of each column
  std::optional<hdf5::RowWriter> next_rows;  // "next_observations"
  Index episodes = 0, steps = 0;

  ~Impl() {
    rows.clear();  // data sets before their file
    next_rows.reset();
    file.reset();
    if (!folder.empty()) {
      std::error_code error;
      fs::remove_all(folder, error);
    }
  }

  void open_d4rl() {
    file.emplace(target_or_temporary());
    const hdf5::ColumnOptions options{.compression = plan.compression};
    std::set<std::string> groups;
    for (const DataColumn& column : plan.columns) {
      const std::string name = file_name_of(column.name, plan.format);
      for (const std::string& group : parents(name)) {
        if (groups.insert(group).second) {
          file->add_group(group);
        }
      }
      rows.emplace_back(*file, name, column.dtype, column.shape, options);
      if (column.name == "observation") {
        next_rows.emplace(*file, "next_observations", column.dtype, column.shape, options);
      }
    }
  }

  void open_minari() {
    folder = temporary_folder(target);
    std::error_code error;
    fs::remove_all(folder, error);  // of a process that had this number and was killed
    error.clear();
    fs::create_directory(folder, error);
    require(!error, "cannot write ", target.string(), ": ", error.message());
    fs::create_directory(folder / "data", error);
    require(!error, "cannot write ", target.string(), ": ", error.message());
    file.emplace(folder / "data" / "main_data.hdf5");
  }

  /// A file that is to replace another is made beside it.
  fs::path target_or_temporary() {
    std::error_code error;
    if (!fs::exists(fs::symlink_status(target, error))) {
      return target;
    }
    return temporary_folder(target);
  }

  const Values& values_of(const EpisodeValues& episode, const DataColumn& column) const {
    for (const NamedValues& given : episode.columns) {
      if (given.name == column.name) {
        const Index count = (episode.length + (column.state ? 1 : 0)) * column.width();
        const bool same = given.values.dtype == column.dtype ||
                          (column.dtype == DType::kBool && given.values.dtype == DType::kUint8);
        require(same, "column ", column.name, " is ", name_of(given.values.dtype), ", expected ",
                name_of(column.dtype), "; nothing was added");
        require(given.values.size == count, "column ", column.name, " has ", given.values.size,
                " numbers, expected ", count, " in an episode of ", episode.length,
                " steps; nothing was added");
        const auto* flags = static_cast<const std::uint8_t*>(given.values.data);
        require(column.dtype != DType::kBool ||
                    std::all_of(flags, flags + count, [](std::uint8_t f) { return f <= 1; }),
                "column ", column.name, " has flags other than 0 and 1; nothing was added");
        return given.values;
      }
    }
    throw UserError(concat("an episode has no column ", column.name, "; nothing was added"));
  }

  void add_minari(const EpisodeValues& episode, std::span<const Values> values) {
    const std::string group = concat("episode_", episodes);
    file->add_group(group);
    file->set_attribute(group, "id", episodes);
    if (episode.seed) {
      file->set_attribute(group, "seed", *episode.seed);
    }
    file->set_attribute(group, "total_steps", episode.length);
    std::set<std::string> groups;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const DataColumn& column = plan.columns[i];
      const std::string name = group + "/" + file_name_of(column.name, plan.format);
      for (const std::string& parent : parents(name)) {
        if (parent != group && groups.insert(parent).second) {
          file->add_group(parent);
        }
      }
      std::vector<Index> shape{episode.length + (column.state ? 1 : 0)};
      shape.insert(shape.end(), column.shape.begin(), column.shape.end());
      file->add_table(name, column.dtype, shape, values[i].data, plan.compression);
    }
  }

  void add_d4rl(const EpisodeValues& episode, std::span<const Values> values) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const DataColumn& column = plan.columns[i];
      rows[i].append(values[i].data, episode.length);
      if (column.name == "observation") {
        next_rows->append(static_cast<const std::byte*>(values[i].data) + column.bytes(),
                          episode.length);
      }
    }
  }

  void complete_metadata() {
    metadata["total_episodes"] = episodes;
    metadata["total_steps"] = steps;
    for (const char* root : {"observation", "action"}) {
      const std::string name = concat(root, "_space");
      if (!metadata.contains(name) || !metadata[name].is_string()) {
        metadata[name] = space_text(plan.columns, root);
      }
    }
    if (plan.format != DataFormat::kMinari) {
      return;
    }
    const bool images = std::any_of(plan.columns.begin(), plan.columns.end(), is_image);
    metadata["data_format"] = "hdf5";
    metadata["jpeg_encoding"] = false;
    metadata["minari_version"] = images ? kMinariVersionOfImages : kMinariVersion;
    if (!metadata.contains("dataset_id") || !metadata["dataset_id"].is_string()) {
      metadata["dataset_id"] = data_set_id(target);
    }
    // as Minari counts: MB with one decimal
    std::error_code error;
    const auto bytes = static_cast<double>(fs::file_size(file->file(), error));
    metadata["dataset_size"] = error ? 0.0 : std::round(bytes / 1e5) / 10;
  }

  void name_it(const fs::path& made) {
    std::error_code error;
    if (plan.replace && fs::exists(fs::symlink_status(target, error))) {
      moved = move_aside(target);
    }
    rename_to_free_name(made, target);
  }
};

DataSetWriter::DataSetWriter(const fs::path& path, DataSetPlan plan)
    : impl_(std::make_unique<Impl>()) {
  impl_->plan = checked(std::move(plan));
  impl_->metadata = parse_json_object(impl_->plan.metadata, "the metadata of a data set");
  // "data/" is "data"
  impl_->target = path.has_filename() ? path : path.parent_path();
  require(impl_->target.has_filename(), "a data set needs a name, not \"", path.string(), "\"");
  std::error_code error;
  require(impl_->plan.replace || !fs::exists(fs::symlink_status(impl_->target, error)),
          impl_->target.string(), " exists and is not replaced; nothing was written");
  if (impl_->target.has_parent_path()) {
    create_folder(impl_->target.parent_path(), IfExists::kKeep);
  }
  if (impl_->plan.format == DataFormat::kMinari) {
    impl_->open_minari();
  } else {
    impl_->open_d4rl();
  }
}
DataSetWriter::~DataSetWriter() = default;
DataSetWriter::DataSetWriter(DataSetWriter&&) noexcept = default;
DataSetWriter& DataSetWriter::operator=(DataSetWriter&&) noexcept = default;

void DataSetWriter::set_metadata(const std::string& metadata) {
  impl_->metadata = parse_json_object(metadata, "the metadata of a data set");
}

const fs::path& DataSetWriter::moved() const { return impl_->moved; }
Index DataSetWriter::episodes() const { return impl_->episodes; }
Index DataSetWriter::steps() const { return impl_->steps; }

void DataSetWriter::add(const EpisodeValues& episode) {
  require(episode.length >= 1, "an episode has ", episode.length, " steps; accepted: 1 or more");
  std::vector<Values> values;
  for (const DataColumn& column : impl_->plan.columns) {
    values.push_back(impl_->values_of(episode, column));
  }
  require(episode.columns.size() == values.size(), "an episode has ", episode.columns.size(),
          " columns, expected ", values.size(), "; nothing was added");
  if (impl_->plan.format == DataFormat::kMinari) {
    impl_->add_minari(episode, values);
  } else {
    impl_->add_d4rl(episode, values);
  }
  impl_->episodes += 1;
  impl_->steps += episode.length;
}

void DataSetWriter::finish() {
  Impl& self = *impl_;
  require(self.episodes > 0, self.target.string(), ": a data set without episodes is not written");
  if (self.plan.format == DataFormat::kD4rl) {
    for (hdf5::RowWriter& rows : self.rows) {
      rows.flush();
    }
    self.next_rows->flush();
    self.complete_metadata();
    self.file->add_group("metadata");
    self.file->add_text("metadata/palaestra", json_text(self.metadata));
    self.rows.clear();
    self.next_rows.reset();
    const fs::path made = self.file->file();
    self.file->finish();
    self.file.reset();
    if (made != self.target) {
      self.folder = made;  // taken away again where the renaming fails
      self.name_it(made);
      self.folder.clear();
    }
    return;
  }
  self.file->finish();
  self.complete_metadata();
  write_atomically(self.folder / "data" / "metadata.json", json_text(self.metadata));
  self.file.reset();
  self.name_it(self.folder);
  self.folder.clear();
}

}  // namespace palaestra::replay
