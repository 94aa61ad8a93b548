// D4RL's file: flat arrays over all steps; episodes end where terminals or timeouts say so.

#include <algorithm>
#include <cstring>
#include <map>

#include <palaestra/core/error.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>
#include <palaestra/replay/datasets/hdf5/table.h>
#include <palaestra/replay/datasets/reader.h>
#include <palaestra/replay/datasets/space_json.h>

namespace palaestra::replay {

namespace fs = std::filesystem;

namespace {

using hdf5::Object;
using hdf5::Table;

constexpr Index kPiece = 1 << 16;
constexpr std::size_t kMostEpisodes = std::size_t{1} << 24;
constexpr std::size_t kMostInfos = 4096;

class D4rlReader final : public DataSet::Reader {
 public:
  D4rlReader(const fs::path& file, const DataSetOptions& options)
      : source_(hdf5::Source::open(file)) {
    format = DataFormat::kD4rl;
    const Object root = hdf5::root_of(source_);
    const auto links = root.links();
    const auto open = [&](const char* name, bool needed) -> std::optional<Table> {
      const auto found = links.find(name);
      require(found != links.end() || !needed, source_->name(), " has no \"", name,
              "\": neither a D4RL file nor the main_data.hdf5 of a Minari data set");
      if (found == links.end()) {
        return {};
      }
      return Table(Object(source_, found->second), name);
    };
    read_metadata(root, links);
    auto observations = open("observations", true), actions = open("actions", true);
    auto rewards = open("rewards", true), terminals = open("terminals", true);
    timeouts_ = open("timeouts", false);
    next_ = open("next_observations", false);
    rows_ = rewards->shape().empty() ? 0 : rewards->rows();
    add("observation", std::move(*observations), true);
    add("action", std::move(*actions), false);
    add("reward", std::move(*rewards), false);
    require(columns.back().dtype == DType::kFloat32 || columns.back().dtype == DType::kFloat64,
            source_->name(), ": rewards are no real numbers");
    add("terminated", std::move(*terminals), false);
    if (timeouts_) {
      require_rows("timeouts", *timeouts_);
      require_single("timeouts", *timeouts_);
    }
    // also where the file has none: rows then say nothing but false, and the time limit
    columns.push_back({.name = "truncated", .dtype = DType::kBool});
    tables_.push_back(timeouts_);
    if (next_) {
      require_rows("next_observations", *next_);
      require(next_->dtype() == columns[0].dtype && next_->row_shape() == columns[0].shape,
              source_->name(), ": next_observations are not like observations");
    }
    if (const auto infos = links.find("infos"); infos != links.end()) {
      add_infos(infos->second, "info", 0);
    }
    for (const auto& [name, address] : links) {
      static const std::vector<std::string> known{"actions",           "infos",        "metadata",
                                                  "next_observations", "observations", "rewards",
                                                  "terminals",         "timeouts"};
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        ignored.push_back(concat(shown(name), ": not known"));
      }
    }
    find_episodes(options.time_limit);
  }

  EpisodeFacts episode(Index number) override {
    const auto i = static_cast<std::size_t>(number);
    EpisodeFacts facts;
    facts.id = number;
    facts.length = starts_[i + 1] - starts_[i];
    facts.last_known = next_.has_value();
    facts.terminated = (ends_[i] & 1) != 0;
    facts.truncated = (ends_[i] & 2) != 0;
    return facts;
  }

  void read(std::size_t column, Index number, Index first, Index count,
            std::span<std::byte> out) override {
    const DataColumn& what = columns[column];
    const auto i = static_cast<std::size_t>(number);
    const Index start = starts_[i], length = starts_[i + 1] - start;
    if (what.name == "terminated" || what.name == "truncated") {
      read_flags(tables_[column], start + first, count, out);
      // a time limit that the file does not know of
      if (what.name == "truncated" && (ends_[i] & 2) != 0 && first + count == length) {
        out.back() = std::byte{1};
      }
      return;
    }
    const Index inside = std::min(count, length - first);
    if (inside > 0) {
      tables_[column]->read(start + first, inside,
                            out.first(static_cast<std::size_t>(inside) * what.bytes()));
    }
    if (inside < count) {  // the state after the last step
      next_->read(start + length - 1, 1, out.last(what.bytes()));
    }
  }

  Index steps() override { return rows_; }

  Index step_before_break(Index number) override {
    const auto i = static_cast<std::size_t>(number);
    const Index start = starts_[i], last = starts_[i + 1] - 1;
    const std::size_t bytes = columns[0].bytes();
    std::vector<std::byte> now, next;
    for (Index first = start; next_ && first < last; first += kPiece / 16) {
      const Index count = std::min(kPiece / 16, last - first);
      now.resize(static_cast<std::size_t>(count) * bytes);
      next.resize(now.size());
      tables_[0]->read(first + 1, count, now);
      next_->read(first, count, next);
      const auto [a, b] = std::mismatch(now.begin(), now.end(), next.begin());
      if (a != now.end()) {
        return first - start +
               (a - now.begin()) / static_cast<Index>(std::max<std::size_t>(bytes, 1));
      }
    }
    return -1;
  }

 private:
  void require_rows(const std::string& name, const Table& table) const {
    require(!table.shape().empty() && table.rows() == rows_, source_->name(), ": ", name, " has ",
            table.rows(), " rows, rewards have ", rows_);
    require(table.dtype().has_value(), source_->name(), ": ", name, " is ", table.type().name(),
            "; read are numbers and bool");
  }

  void require_single(const std::string& name, const Table& table) const {
    require(rows_ == 0 || table.row_elements() == 1, source_->name(), ": ", name, " has ",
            table.row_elements(), " numbers per row; accepted: 1");
  }

  void add(const std::string& name, Table table, bool state) {
    require_rows(table.name(), table);
    DataColumn column{.name = name,
                      .dtype = *table.dtype(),
                      .shape = table.row_shape(),
                      .state = state,
                      .space = {},
                      .start = 0};
    if (name == "reward" || name == "terminated") {
      require_single(table.name(), table);
      column.shape.clear();  // some files have [N, 1]
      column.dtype = name == "terminated" ? DType::kBool : column.dtype;
    }
    const auto space = spaces_.find(name);
    if (space != spaces_.end() && space->second.space &&
        space->second.space->shape == column.shape) {
      column.space = space->second.space;
      column.start = space->second.start;
    }
    columns.push_back(std::move(column));
    tables_.push_back(std::move(table));
  }

  void add_infos(hdf5::Address address, const std::string& name, int depth) {
    require(++infos_ <= kMostInfos, source_->name(), " has more than ", kMostInfos, " infos");
    const Object object(source_, address);
    if (!object.is_data_set()) {
      require(depth < kDeepestGroup, source_->name(), ": ", shown(name), " is nested too deeply");
      for (const auto& [key, child] : object.links()) {
        add_infos(child, concat(name, "/", key), depth + 1);
      }
      return;
    }
    Table table(object, name);
    if (table.shape().empty() || table.rows() != rows_ || !table.dtype()) {
      ignored.push_back(concat(name, ": ", table.type().name(), ", ", table.rows(), " rows"));
      return;
    }
    add(name, std::move(table), false);
  }

  void read_metadata(const Object& root, const std::map<std::string, hdf5::Address>& links) {
    Json json = Json::object();
    if (const auto group = links.find("metadata"); group != links.end()) {
      const Object parent(source_, group->second);
      const auto inner = parent.is_group() ? parent.links() : links;
      if (const auto found = inner.find("palaestra"); found != inner.end()) {
        const std::string what = source_->name() + ": metadata/palaestra";
        json = parse_json_object(Table(Object(source_, found->second), what).read_text(), what);
      }
    }
    for (const hdf5::Attribute& attribute : root.attributes()) {
      const auto text = attribute.text(*source_);
      const auto number = attribute.number(*source_);
      if (json.contains(attribute.name) || !is_utf8(attribute.name)) {
        continue;
      }
      if (text && is_utf8(*text)) {
        json[attribute.name] = *text;
      } else if (number) {
        json[attribute.name] = *number;
      }
    }
    for (const char* part : {"observation", "action"}) {
      const auto found = json.find(concat(part, "_space"));
      if (found != json.end() && found->is_string()) {
        for (SpaceLeaf& leaf : parse_space(found->get<std::string>(), part, source_->name())) {
          spaces_.emplace(leaf.name, leaf);
        }
      }
    }
    metadata = json_text(json);
  }

  /// Zero and one from any kind of number.
  void read_flags(const std::optional<Table>& table, Index first, Index count,
                  std::span<std::byte> out) const {
    if (!table) {
      std::fill(out.begin(), out.end(), std::byte{0});
      return;
    }
    const std::size_t bytes = size_of(*table->dtype());
    std::vector<std::byte> raw(static_cast<std::size_t>(count) * bytes);
    table->read(first, count, raw);
    const bool real = *table->dtype() == DType::kFloat32 || *table->dtype() == DType::kFloat64;
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto value = std::span(raw).subspan(i * bytes, bytes);
      bool set = false;
      for (std::size_t k = 0; k < bytes; ++k) {
        // the sign of a zero does not count
        const bool sign_byte = real && k + 1 == bytes;
        set = set || (value[k] & (sign_byte ? std::byte{0x7F} : std::byte{0xFF})) != std::byte{0};
      }
      out[i] = set ? std::byte{1} : std::byte{0};
    }
  }

  void find_episodes(Index time_limit) {
    const bool limit = time_limit > 0 && !timeouts_;
    std::vector<std::byte> terminated, truncated;
    starts_.push_back(0);
    for (Index first = 0; first < rows_; first += kPiece) {
      const Index count = std::min(kPiece, rows_ - first);
      terminated.resize(static_cast<std::size_t>(count));
      truncated.resize(terminated.size());
      read_flags(tables_[3], first, count, terminated);
      read_flags(timeouts_, first, count, truncated);
      for (std::size_t i = 0; i < terminated.size(); ++i) {
        const Index row = first + static_cast<Index>(i);
        const bool cut =
            truncated[i] != std::byte{0} ||
            (limit && row + 1 - starts_.back() >= time_limit && terminated[i] == std::byte{0});
        if (terminated[i] != std::byte{0} || cut) {
          end_episode(row + 1, (terminated[i] != std::byte{0} ? 1 : 0) | (cut ? 2 : 0));
        }
      }
    }
    if (starts_.back() < rows_) {
      end_episode(rows_, 0);
    }
    episodes = static_cast<Index>(ends_.size());
  }

  void end_episode(Index end, int how) {
    require(ends_.size() < kMostEpisodes, source_->name(), " has more than ", kMostEpisodes,
            " episodes");
    starts_.push_back(end);
    ends_.push_back(static_cast<std::uint8_t>(how));
  }

  std::shared_ptr<const hdf5::Source> source_;
  Index rows_ = 0;
  std::size_t infos_ = 0;  // groups and data sets seen: groups may hold themselves
  std::vector<std::optional<Table>> tables_;  // of each column
  std::optional<Table> timeouts_, next_;
  std::map<std::string, SpaceLeaf> spaces_;
  std::vector<Index> starts_;       // first row of each episode, and the end
  std::vector<std::uint8_t> ends_;  // bit 0 terminated, bit 1 truncated
};

}  // namespace

std::unique_ptr<DataSet::Reader> open_d4rl(const fs::path& file, const DataSetOptions& options) {
  return std::make_unique<D4rlReader>(file, options);
}

}  // namespace palaestra::replay
