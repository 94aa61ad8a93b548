#include <palaestra/replay/datasets/convert.h>

#include <algorithm>

#include <palaestra/core/error.h>
#include <palaestra/core/json.h>
#include <palaestra/replay/datasets/space_json.h>

namespace palaestra::replay {
namespace {

constexpr std::size_t kAligned = 8;

/// Copies episodes into a writer, and counts what gets lost.
class Converter {
 public:
  Converter(const DataSet& data, const std::filesystem::path& to, DataFormat format,
            const ConvertOptions& options)
      : data_(data),
        end_(options.end_episode.value_or(data.episodes())),
        to_d4rl_(format == DataFormat::kD4rl) {
    require(options.first_episode >= 0 && options.first_episode < end_ && end_ <= data.episodes(),
            "episodes ", options.first_episode, " to ", end_, " were asked for; ",
            data.path().string(), " has ", data.episodes());
    DataSetPlan plan{.format = format,
                     .columns = data.columns(),
                     .metadata = metadata(options.first_episode),
                     .compression = options.compression,
                     .replace = options.replace};
    for (DataColumn& column : plan.columns) {
      // D4RL's infos have as many rows as steps
      column.state = column.state && !(to_d4rl_ && column.name.starts_with("info"));
      kept_.push_back(column);
    }
    writer_.emplace(to, std::move(plan));
    values_.resize(kept_.size());
    for (Index e = options.first_episode; e < end_; ++e) {
      add(e);
    }
    writer_->finish();
    result_.episodes = writer_->episodes();
    result_.steps = writer_->steps();
    result_.moved = writer_->moved();
    list_losses();
  }

  ConvertResult result() { return std::move(result_); }

 private:
  /// The old metadata, less what the writer finds out by itself or what is no longer true.
  std::string metadata(Index first) const {
    Json json = parse_json_object(data_.metadata(), data_.path().string() + ": metadata");
    for (const char* name : {"total_episodes", "total_steps", "dataset_size", "data_format",
                             "jpeg_encoding", "minari_version"}) {
      json.erase(name);
    }
    const bool all = first == 0 && end_ == data_.episodes();
    if (!all && json.contains("palaestra") && json["palaestra"].is_object()) {
      for (const char* name : {"return_mean", "return_std", "length_mean"}) {
        json["palaestra"].erase(name);
      }
      json["palaestra"]["part"] = {first, end_};
    }
    return json_text(json);
  }

  void add(Index number) {
    const EpisodeFacts facts = data_.episode(number);
    if (facts.length == 0) {
      empty_ += 1;
      return;
    }
    // without a last state the last step of a truncated episode has nowhere to lead to
    const bool unknown = !facts.last_known;
    const bool shorten = unknown && !facts.terminated;
    const Index length = facts.length - (shorten ? 1 : 0);
    if (length == 0) {
      empty_ += 1;
      return;
    }
    shortened_ += shorten ? 1 : 0;
    repeated_ += unknown && facts.terminated ? 1 : 0;
    seeds_ += facts.seed ? 1 : 0;
    std::vector<NamedValues> columns;
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      const DataColumn& column = kept_[i];
      const Index rows = length + (column.state ? 1 : 0);
      const Index known = std::min(rows, facts.rows(data_.columns()[i]));
      auto& values = values_[i];
      values.resize((static_cast<std::size_t>(rows) * column.bytes() + kAligned - 1) / kAligned *
                    kAligned);
      const auto given = std::span(values).first(static_cast<std::size_t>(known) * column.bytes());
      data_.read(i, number, 0, known, given);
      if (known < rows) {
        std::copy_n(given.end() - static_cast<std::ptrdiff_t>(column.bytes()), column.bytes(),
                    values.begin() + static_cast<std::ptrdiff_t>(given.size()));
      }
      if (shorten && column.name == "truncated") {
        values[static_cast<std::size_t>(length) - 1] = std::byte{1};
      }
      columns.push_back({column.name, {column.dtype, values.data(), rows * column.width()}});
    }
    writer_->add(
        {.length = length, .columns = columns, .seed = to_d4rl_ ? std::nullopt : facts.seed});
  }

  void list_losses() {
    auto& losses = result_.losses;
    for (const std::string& line : data_.ignored()) {
      losses.push_back(line);
    }
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      if (data_.columns()[i].state && !kept_[i].state) {
        losses.push_back(kept_[i].name + ": the value after each episode's last step");
      }
    }
    if (to_d4rl_ && seeds_ > 0) {
      losses.push_back(concat("the seeds of ", seeds_, " episodes"));
    }
    if (shortened_ > 0) {
      losses.push_back(concat("the last step of ", shortened_,
                              " episodes that were not terminated: the file does not have the "
                              "observation after it"));
    }
    if (repeated_ > 0) {
      losses.push_back(
          concat("nothing, but the last observation of ", repeated_,
                 " terminated episodes is not in the file: the one before is repeated"));
    }
    if (empty_ > 0) {
      losses.push_back(concat(empty_, " episodes without a step"));
    }
  }

  const DataSet& data_;
  Index end_;
  bool to_d4rl_;
  std::optional<DataSetWriter> writer_;
  std::vector<DataColumn> kept_;
  std::vector<std::vector<std::byte>> values_;
  ConvertResult result_;
  Index shortened_ = 0, repeated_ = 0, seeds_ = 0, empty_ = 0;
};

}  // namespace

ConvertResult convert(const DataSet& data, const std::filesystem::path& to, DataFormat format,
                      const ConvertOptions& options) {
  return Converter(data, to, format, options).result();
}

}  // namespace palaestra::replay
