// Minari's folder: a group per episode, and what is said about all of them in metadata.json.

#include <algorithm>
#include <charconv>
#include <map>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/text.h>
#include <palaestra/replay/datasets/hdf5/table.h>
#include <palaestra/replay/datasets/reader.h>
#include <palaestra/replay/datasets/space_json.h>

namespace palaestra::replay {

namespace fs = std::filesystem;

namespace {

using hdf5::Address;
using hdf5::Object;
using hdf5::Table;

constexpr std::size_t kMostObjects = 4096;
constexpr std::string_view kEpisode = "episode_";

/// Names in the file and ours; a group stands for all of what is in it.
struct PartNames {
  const char* file_name;
  const char* name;
};
constexpr PartNames kParts[] = {{"observations", "observation"}, {"actions", "action"},
                                {"rewards", "reward"},           {"terminations", "terminated"},
                                {"truncations", "truncated"},    {"infos", "info"}};

/// Everything of one episode that is not a value.
struct LoadedEpisode {
  Index number = -1;
  EpisodeFacts facts;
  std::vector<std::pair<std::string, Table>> tables;  // by our names, in the order of kParts
  std::size_t objects = 0;  // groups and tables: groups may hold themselves
};

void add_tables(const std::shared_ptr<const hdf5::Source>& source, Address address,
                const std::string& name, int depth, LoadedEpisode& episode) {
  require(++episode.objects <= kMostObjects, source->name(), ": an episode has more than ",
          kMostObjects, " groups and data sets");
  const Object object(source, address);
  if (object.is_data_set()) {
    episode.tables.emplace_back(name, Table(object, name));
    return;
  }
  require(depth < kDeepestGroup, source->name(), ": ", shown(name), " is nested too deeply");
  for (const auto& [key, child] : object.links()) {
    add_tables(source, child, concat(name, "/", key), depth + 1, episode);
  }
}

class MinariReader final : public DataSet::Reader {
 public:
  explicit MinariReader(const fs::path& folder) {
    format = DataFormat::kMinari;
    const fs::path file = folder / "metadata.json";
    const std::string what = file.string();
    metadata = read_text(file);
    const Json json = parse_json_object(metadata, what);
    const std::string data_format = json.value("data_format", Json("hdf5")).is_string()
                                        ? json.value("data_format", std::string("hdf5"))
                                        : "?";
    require(data_format == "hdf5", what, ": the data are in the format ", shown(data_format),
            "; read is hdf5 (minari.DataCollector and create_dataset_from_buffers take "
            "data_format=\"hdf5\")");
    source_ = hdf5::Source::open(folder / "main_data.hdf5");
    const Object root = hdf5::root_of(source_);
    for (const auto& [name, address] : root.links()) {
      add_episode(name, address);
    }
    std::sort(places_.begin(), places_.end());
    for (std::size_t i = 1; i < places_.size(); ++i) {
      require(places_[i].first != places_[i - 1].first, source_->name(), " has episode ",
              places_[i].first, " twice");
    }
    episodes = static_cast<Index>(places_.size());
    if (episodes > 0) {
      make_columns(json, what);
    }
  }

  EpisodeFacts episode(Index number) override { return load(number).facts; }

  void read(std::size_t column, Index number, Index first, Index count,
            std::span<std::byte> out) override {
    tables(number)[column]->read(first, count, out);
  }

  Index steps() override {
    Index sum = 0;
    for (const auto& [id, address] : places_) {
      const Object group(source_, address);
      const auto links = group.links();
      const auto rewards = links.find("rewards");
      require(rewards != links.end(), source_->name(), ": episode_", id, " has no rewards");
      sum += Table(Object(source_, rewards->second), "rewards").rows();
    }
    return sum;
  }

 private:
  void add_episode(const std::string& name, Address address) {
    Index id = -1;
    if (name.starts_with(kEpisode)) {
      const char* end = name.data() + name.size();
      const auto result = std::from_chars(name.data() + kEpisode.size(), end, id);
      id = result.ec == std::errc() && result.ptr == end ? id : -1;
    }
    if (id < 0) {
      ignored.push_back(concat("group ", shown(name), ": no episode"));
      return;
    }
    places_.emplace_back(id, address);
  }

  std::string name_of_episode(Index number) const {
    return concat(source_->name(), ": episode_", places_[static_cast<std::size_t>(number)].first);
  }

  const LoadedEpisode& load(Index number) {
    if (loaded_.number == number) {
      return loaded_;
    }
    const auto [id, address] = places_[static_cast<std::size_t>(number)];
    LoadedEpisode next;
    next.facts.id = id;
    const Object group(source_, address);
    const auto links = group.links();
    for (const PartNames& part : kParts) {
      const auto found = links.find(part.file_name);
      if (found != links.end()) {
        add_tables(source_, found->second, part.name, 0, next);
      } else {
        require(part.name == std::string_view("info"), name_of_episode(number), " has no ",
                part.file_name);
      }
    }
    set_facts(number, group, next);
    next.number = number;
    loaded_ = std::move(next);
    matched_.clear();
    return loaded_;
  }

  void set_facts(Index number, const Object& group, LoadedEpisode& next) const {
    for (const hdf5::Attribute& attribute : group.attributes()) {
      if (attribute.name == "seed") {
        next.facts.seed = attribute.integer(*source_);
      }
    }
    const auto flag = [&](const Table& table) {
      const auto dtype = table.dtype();
      require(dtype == DType::kBool || dtype == DType::kUint8, name_of_episode(number), ": ",
              table.name(), " is ", table.type().name(), "; accepted: bool");
      std::byte last{0};
      if (table.rows() > 0) {
        table.read(table.rows() - 1, 1, {&last, 1});
      }
      return last != std::byte{0};
    };
    for (const auto& [name, table] : next.tables) {
      if (name == "reward") {
        next.facts.length = table.shape().empty() ? 0 : table.rows();
      }
    }
    for (const auto& [name, table] : next.tables) {
      const bool info = name.starts_with("info");
      const bool state = name.starts_with("observation");
      const bool flags = name == "terminated" || name == "truncated";
      const Index expected = next.facts.length + (state ? 1 : 0);
      require(info || (!table.shape().empty() && table.rows() == expected), name_of_episode(number),
              ": ", name, " has ", table.rows(), " rows and ", next.facts.length,
              " rewards; expected are ", expected, " rows");
      require(!(flags || name == "reward") || table.shape().size() == 1, name_of_episode(number),
              ": ", name, " has ", table.shape().size(), " axes; accepted: 1");
      if (flags) {
        (name == "terminated" ? next.facts.terminated : next.facts.truncated) = flag(table);
      }
    }
  }

  /// The columns of the first episode that can be read are those of the data set.
  void make_columns(const Json& json, const std::string& what) {
    std::map<std::string, SpaceLeaf> spaces;
    for (const char* root : {"observation", "action"}) {
      const auto found = json.find(concat(root, "_space"));
      if (found != json.end() && found->is_string()) {
        for (SpaceLeaf& leaf : parse_space(found->get<std::string>(), root, what)) {
          spaces.emplace(leaf.name, leaf);
        }
      }
    }
    const bool jpeg = json.value("jpeg_encoding", Json(true)) != Json(false);
    const LoadedEpisode& first = load(0);
    for (const auto& [name, table] : first.tables) {
      DataColumn column{.name = name,
                        .dtype = table.dtype().value_or(DType::kUint8),
                        .shape = table.row_shape(),
                        .state = name.starts_with("observation"),
                        .space = {},
                        .start = 0};
      const bool info = name.starts_with("info");
      if (info && (table.shape().empty() || (table.rows() != first.facts.length &&
                                             table.rows() != first.facts.length + 1))) {
        ignored.push_back(concat(name, ": ", table.rows(), " rows, not one for each step"));
        continue;
      }
      const auto space = spaces.find(name);
      if (space != spaces.end()) {
        const bool fits = !space->second.space || space->second.space->shape == column.shape;
        const bool image = jpeg && space->second.space && space->second.space->shape.size() >= 2;
        require(fits || !image, source_->name(), ": ", name,
                " are JPEG images, which are not read; Minari writes plain ones with "
                "jpeg_encoding=False");
        require(fits, source_->name(), ": the shape of ", name,
                " is not that of its space in metadata.json");
        column.space = space->second.space;
        column.start = space->second.start;
      }
      if (!table.dtype()) {
        require(info, source_->name(), ": ", name, " is ", table.type().name(),
                "; read are numbers and bool");
        ignored.push_back(concat(name, ": ", table.type().name()));
        continue;
      }
      column.state = column.state || (info && table.rows() == first.facts.length + 1);
      columns.push_back(std::move(column));
    }
    const auto reward = std::find_if(columns.begin(), columns.end(),
                                     [](const DataColumn& c) { return c.name == "reward"; });
    require(reward != columns.end() &&
                (reward->dtype == DType::kFloat32 || reward->dtype == DType::kFloat64),
            source_->name(), ": rewards are no real numbers");
  }

  /// The tables of an episode in the order of the columns.
  const std::vector<const Table*>& tables(Index number) {
    const LoadedEpisode& now = load(number);
    if (matched_.empty()) {
      std::vector<const Table*> matched;
      for (const DataColumn& column : columns) {
        const auto found = std::find_if(now.tables.begin(), now.tables.end(),
                                        [&](const auto& t) { return t.first == column.name; });
        require(found != now.tables.end(), name_of_episode(number), " has no ", column.name,
                ", which the first episode has");
        const Table& table = found->second;
        require(table.dtype() == column.dtype && table.row_shape() == column.shape &&
                    !table.shape().empty() && table.rows() == now.facts.rows(column),
                name_of_episode(number), ": type, shape or length of ", column.name,
                " is not as in the first episode");
        matched.push_back(&table);
      }
      matched_ = std::move(matched);
    }
    return matched_;
  }

  std::shared_ptr<const hdf5::Source> source_;
  std::vector<std::pair<Index, Address>> places_;  // id and group of each episode
  LoadedEpisode loaded_;
  std::vector<const Table*> matched_;
};

}  // namespace

std::unique_ptr<DataSet::Reader> open_minari(const fs::path& folder) {
  return std::make_unique<MinariReader>(folder);
}

}  // namespace palaestra::replay
