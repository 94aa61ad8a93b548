#include <palaestra/replay/datasets/load.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/replay/datasets/pieces.h>

namespace palaestra::replay {
namespace {

/// Steps [begin, end) of an episode, to be appended to a lane.
struct Part {
  Index episode, begin, end, lane;
  EpisodeFacts facts;
};

/// Whether every number of one type has its like in the other, up to the rounding of float64 to
/// float32. Whole numbers that a float cannot hold are found when they come.
bool goes_into(DType from, DType to) {
  const auto real = [](DType t) { return t == DType::kFloat32 || t == DType::kFloat64; };
  if (from == to || real(to)) {
    return true;
  }
  const bool small = from == DType::kUint8 || from == DType::kBool;
  return (to == DType::kInt64 && !real(from)) || (to == DType::kInt32 && small) ||
         (to == DType::kUint8 && from == DType::kBool);
}

/// A column of the buffer and what fills it.
struct Feed {
  const ColumnSpec* column;
  std::vector<std::size_t> sources;  // columns of the data set
  std::vector<std::byte> values;     // of the piece at hand; a state has one row more
};

class Loader {
 public:
  Loader(WeightedReplayBuffer& buffer, const DataSet& data, const LoadOptions& options)
      : buffer_(buffer), data_(data), pinned_(options.pinned) {
    for (const ColumnSpec& column : buffer.storage().columns()) {
      feeds_.push_back(make_feed(column, options));
    }
    for (const auto& [name, sources] : options.sources) {
      find_column(buffer.storage().columns(), name, "load_into: sources");
    }
    choose(options);
  }

  LoadResult run() {
    for (const bool append : {false, true}) {  // the first pass only looks
      for (const Part& part : parts_) {
        if (append && !pinned_) {
          buffer_.cut(part.lane);
        }
        for (Index first = part.begin; first < part.end; first += kRowsAtOnce) {
          const Index end = std::min(part.end, first + kRowsAtOnce);
          read(part, first, end);
          if (append) {
            hand_over(part, first, end);
          } else {
            check(part, first);
          }
        }
      }
    }
    return result_;
  }

 private:
  Feed make_feed(const ColumnSpec& column, const LoadOptions& options) const {
    Feed feed{&column, {}, {}};
    const auto given = options.sources.find(column.name);
    if (given != options.sources.end()) {
      for (const std::string& name : given->second) {
        feed.sources.push_back(data_.find(name));
      }
    } else {
      for (std::size_t i = 0; i < data_.columns().size(); ++i) {
        const std::string& name = data_.columns()[i].name;
        if (name == column.name || name.starts_with(column.name + "/")) {
          feed.sources.push_back(i);  // parts are sorted by name
        }
      }
    }
    require(!feed.sources.empty(), "load_into: nothing in ", data_.path().string(),
            " fills the buffer's column ", column.name, "; name its sources");
    Index width = 0;
    for (const std::size_t source : feed.sources) {
      const DataColumn& from = data_.columns()[source];
      width += from.width();
      require(goes_into(from.dtype, column.dtype), "load_into: column ", from.name, " is ",
              name_of(from.dtype), ", which does not go into the buffer's ", name_of(column.dtype),
              " of ", column.name);
      require(!column.state || from.state, "load_into: the buffer's column ", column.name,
              " is a state, but ", from.name, " of the data set has no value after the last step");
    }
    require(width == column.width(), "load_into: the buffer's column ", column.name, " has ",
            column.width(), " numbers per row, the data set's ", width);
    return feed;
  }

  static std::vector<Index> episodes_of(const LoadOptions& options, Index end) {
    if (!options.episodes) {
      std::vector<Index> all(as_size(end - options.first_episode));
      std::iota(all.begin(), all.end(), options.first_episode);
      return all;
    }
    Index least = options.first_episode;
    for (const Index e : *options.episodes) {
      require(e >= least && e < end, "load_into: episode ", e, " was asked for after ", least - 1,
              "; accepted: numbers in ascending order, from ", options.first_episode, " to ",
              end - 1);
      least = e + 1;
    }
    return *options.episodes;
  }

  void choose(const LoadOptions& options) {
    const Index end_episode = options.end_episode.value_or(data_.episodes());
    require(options.first_episode >= 0 && options.first_episode <= end_episode &&
                end_episode <= data_.episodes(),
            "load_into: episodes ", options.first_episode, " to ", end_episode, " were asked for; ",
            data_.path().string(), " has ", data_.episodes());
    require(options.first_step >= 0 && (!options.end_step || *options.end_step >= 0),
            "load_into: first_step is ", options.first_step, ", end_step ",
            options.end_step.value_or(0), "; accepted: 0 or more");
    require(options.fraction >= 0 && options.fraction <= 1, "load_into: fraction is ",
            options.fraction, "; accepted: 0 to 1");
    const Index lanes = buffer_.options().lanes;
    require(!options.lane || (*options.lane >= 0 && *options.lane < lanes), "load_into: lane is ",
            options.lane.value_or(0), "; accepted: 0 to ", lanes - 1);
    Index total = 0;
    for (const Index e : episodes_of(options, end_episode)) {
      const EpisodeFacts facts = data_.episode(e);
      const Index end = std::min(facts.length, options.end_step.value_or(facts.length));
      if (options.first_step < end) {
        parts_.push_back({e, options.first_step, end, 0, facts});
        total += end - options.first_step;
      }
    }
    auto left = static_cast<Index>(std::llround(options.fraction * static_cast<double>(total)));
    std::vector<Index> added(as_size(lanes)), held(as_size(lanes));
    for (std::size_t lane = 0; lane < held.size() && !stands_alone(); ++lane) {
      held[lane] =
          buffer_.storage().size(buffer_.storage().first_lane() + static_cast<Index>(lane));
    }
    std::vector<Part> kept;
    for (Part& part : parts_) {
      part.end = std::min(part.end, part.begin + left);
      left -= part.end - part.begin;
      const bool unknown = !part.facts.last_known && !part.facts.terminated;
      if (unknown && part.end == part.facts.length && part.end > part.begin) {
        part.end -= 1;
        result_.dropped += 1;
      }
      if (part.begin >= part.end) {
        continue;
      }
      part.lane = options.lane.value_or(std::min_element(held.begin(), held.end()) - held.begin());
      held[as_size(part.lane)] += part.end - part.begin;
      added[as_size(part.lane)] += part.end - part.begin;
      result_.episodes += 1;
      result_.steps += part.end - part.begin;
      kept.push_back(part);
    }
    parts_ = std::move(kept);
    const Index most =
        stands_alone() || pinned_ ? result_.steps : *std::max_element(added.begin(), added.end());
    require(most <= room(), "load_into: ", most, " steps for ",
            pinned_ ? "the pinned rows, of which " : "a lane of ", room(),
            pinned_ ? " are free" : " rows, where the first would be evicted by the last",
            "; choose fewer episodes, steps or a smaller fraction, or make the buffer larger");
    require(result_.steps <= buffer_.may_insert(), "load_into: ", result_.steps,
            " steps, of which the buffer's limit allows ", buffer_.may_insert());
  }

  /// Rows that may go in any order are in no lanes of their own.
  bool stands_alone() const { return buffer_.options().removal == Removal::kLowestPriority; }

  /// Rows that one lane takes without losing any of the new ones.
  Index room() const {
    const Storage& storage = buffer_.storage();
    if (pinned_) {
      const Index lane = storage.pinned_lane();
      return lane < 0 ? 0 : storage.rows_of_lane(lane) - storage.size(lane);
    }
    return stands_alone() ? buffer_.capacity() : storage.rows_of_lane(storage.first_lane());
  }

  /// Fills every feed with steps [first, end).
  void read(const Part& part, Index first, Index end) {
    for (Feed& feed : feeds_) {
      const Index rows = end - first + (feed.column->state ? 1 : 0);
      feed.values.resize(as_size(rows) * feed.column->bytes());
      std::size_t offset = 0;
      for (const std::size_t source : feed.sources) {
        const DataColumn& from = data_.columns()[source];
        // a last state that is not known repeats the one before
        const Index known = std::min(rows, part.facts.rows(from) - first);
        raw_.resize(as_size(rows) * from.bytes());
        const auto given = std::span(raw_).first(as_size(known) * from.bytes());
        data_.read(source, part.episode, first, known, given);
        if (known < rows) {
          std::copy_n(given.end() - static_cast<std::ptrdiff_t>(from.bytes()), from.bytes(),
                      raw_.begin() + static_cast<std::ptrdiff_t>(given.size()));
        }
        put(from, part, rows, offset, feed);
        offset += as_size(from.width());
      }
    }
    read_flags("terminated", part, first, end, terminated_);
    read_flags("truncated", part, first, end, truncated_);
    if (end == part.end && terminated_.back() == 0) {
      truncated_.back() = 1;
    }
  }

  void read_flags(std::string_view column, const Part& part, Index first, Index end,
                  std::vector<std::uint8_t>& out) const {
    out.resize(as_size(end - first));
    data_.read(data_.find(column), part.episode, first, end - first,
               std::as_writable_bytes(std::span(out)));
  }

  /// Converts raw_ and puts it into its place in each row.
  void put(const DataColumn& from, const Part& part, Index rows, std::size_t offset, Feed& feed) {
    const auto width = as_size(from.width()), row_width = as_size(feed.column->width());
    with_type(from.dtype, raw_, [&](auto source) {
      using From = std::remove_cvref_t<decltype(source[0])>;
      with_type(feed.column->dtype, feed.values, [&](auto target) {
        using To = std::remove_cvref_t<decltype(target[0])>;
        auto* out = const_cast<To*>(target.data());
        for (std::size_t row = 0; row < as_size(rows); ++row) {
          for (std::size_t k = 0; k < width; ++k) {
            const From value = source[row * width + k];
            const auto converted = static_cast<To>(value);
            if constexpr (std::is_integral_v<From> && std::is_floating_point_v<To>) {
              require(std::abs(static_cast<double>(value)) <= (sizeof(To) == 4 ? 0x1p24 : 0x1p53),
                      "load_into: ", value, " in column ", from.name, " of episode ", part.episode,
                      " is too large for ", name_of(feed.column->dtype));
            }
            out[row * row_width + offset + k] = converted;
          }
        }
      });
    });
  }

  void check(const Part& part, Index first) const {
    for (const Feed& feed : feeds_) {
      const Index bad = first_not_finite(feed.column->dtype, feed.values);
      require(bad < 0, "load_into: column ", feed.column->name, " of episode ", part.episode,
              " of ", data_.path().string(), " is not a finite ", name_of(feed.column->dtype),
              " at step ", first + std::max<Index>(bad, 0) / feed.column->width(),
              "; nothing was added");
    }
  }

  void hand_over(const Part& part, Index first, Index end) {
    now_.clear();
    next_.clear();
    for (const Feed& feed : feeds_) {
      const Index count = (end - first) * feed.column->width();
      now_.push_back({feed.column->name, {feed.column->dtype, feed.values.data(), count}});
      if (feed.column->state) {
        const std::byte* after = feed.values.data() + feed.column->bytes();
        next_.push_back({feed.column->name, {feed.column->dtype, after, count}});
      }
    }
    const Steps steps{.columns = now_,
                      .terminated = terminated_,
                      .truncated = truncated_,
                      .skip = {},
                      .next = next_,
                      .last = next_};
    if (pinned_) {
      buffer_.pin(steps);
    } else {
      buffer_.extend(part.lane, steps);
    }
  }

  WeightedReplayBuffer& buffer_;
  const DataSet& data_;
  bool pinned_;
  std::vector<Feed> feeds_;
  std::vector<Part> parts_;
  LoadResult result_;
  std::vector<std::byte> raw_;
  std::vector<std::uint8_t> terminated_, truncated_;
  std::vector<NamedValues> now_, next_;
};

}  // namespace

LoadResult load_into(WeightedReplayBuffer& buffer, const DataSet& data,
                     const LoadOptions& options) {
  return Loader(buffer, data, options).run();
}

}  // namespace palaestra::replay
