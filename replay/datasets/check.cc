#include <palaestra/replay/datasets/check.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/replay/datasets/pieces.h>
#include <palaestra/replay/datasets/reader.h>
#include <palaestra/replay/datasets/space_json.h>

namespace palaestra::replay {
namespace {

constexpr std::size_t kMostLines = 20;

class Checker {
 public:
  explicit Checker(const DataSet& data) : data_(data) {}

  DataSetCheck run() {
    result_.episodes = data_.episodes();
    if (result_.episodes == 0) {
      problem("there is no episode");
    }
    for (Index e = 0; e < result_.episodes; ++e) {
      try {
        check_episode(e);
      } catch (const UserError& error) {
        problem(error.what());
      }
    }
    if (!returns_.empty()) {
      summarise();
    }
    check_metadata();
    return std::move(result_);
  }

 private:
  template <class... Parts>
  void problem(const Parts&... parts) {
    if (result_.problems.size() < kMostLines) {
      result_.problems.push_back(concat(parts...));
    } else {
      result_.more_problems += 1;
    }
  }
  template <class... Parts>
  void remark(const Parts&... parts) {
    if (result_.remarks.size() < kMostLines) {
      result_.remarks.push_back(concat(parts...));
    }
  }

  void check_episode(Index number) {
    const EpisodeFacts facts = data_.episode(number);
    if (facts.length == 0) {
      problem("episode ", number, " has no steps");
      return;
    }
    if (data_.format() == DataFormat::kMinari && facts.id != number) {
      problem("episode ", number, " is called episode_", facts.id,
              ": numbers are missing before it, and Minari will not find it");
    }
    result_.steps += facts.length;
    result_.terminated += facts.terminated ? 1 : 0;
    result_.truncated += facts.truncated && !facts.terminated ? 1 : 0;
    if (!facts.terminated && !facts.truncated) {
      result_.cut_off += 1;
      remark("episode ", number, " ends without being terminated or truncated");
    }
    for (std::size_t column = 0; column < data_.columns().size(); ++column) {
      check_column(number, facts, column);
    }
    if (data_.reader().step_before_break(number) >= 0) {
      problem("episode ", number, ": next_observations at step ",
              data_.reader().step_before_break(number),
              " is not the observation of the step after it");
    }
    returns_.push_back(data_.episode_return(number));
  }

  void check_column(Index number, const EpisodeFacts& facts, std::size_t index) {
    const DataColumn& column = data_.columns()[index];
    const Index rows = facts.rows(column), width = column.width();
    const bool flag = column.name == "terminated" || column.name == "truncated";
    const bool action = column.name.starts_with("action");
    const bool info = column.name.starts_with("info");
    for (Index first = 0; first < rows; first += kRowsAtOnce) {
      const Index count = std::min(kRowsAtOnce, rows - first);
      values_.resize(static_cast<std::size_t>(count) * column.bytes());
      data_.read(index, number, first, count, values_);
      const Index bad = first_not_finite(column.dtype, values_);
      if (bad >= 0 && info) {
        remark("episode ", number, ", step ", first + bad / width, ": ", column.name,
               " is not finite");
        return;
      }
      if (bad >= 0) {
        problem("episode ", number, ", step ", first + bad / width, ": ", column.name,
                " is not finite");
        return;
      }
      if (flag) {
        const Index end = first + count == rows ? count - 1 : count;
        const auto set = std::find(values_.begin(), values_.begin() + end, std::byte{1});
        if (set != values_.begin() + end) {
          problem("episode ", number, ", step ", first + (set - values_.begin()), ": ", column.name,
                  " before the last step");
          return;
        }
      } else if (const Index outside = first_outside(column); outside >= 0) {
        const std::string text =
            concat("episode ", number, ", step ", first + outside / width, ": ", column.name,
                   " is outside of ", shown(to_string(*column.space)));
        if (action) {
          problem(text);
        } else {
          remark(text);
        }
        return;
      }
    }
  }

  /// The first element of the values at hand that its space does not have; -1 where there is none.
  Index first_outside(const DataColumn& column) const {
    if (!column.space) {
      return -1;
    }
    const Space& space = *column.space;
    const auto width = static_cast<std::size_t>(column.width());
    return with_type(column.dtype, values_, [&](auto values) -> Index {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const auto value = static_cast<double>(values[i]);
        const bool inside =
            space.kind == Space::Kind::kDiscrete
                ? value >= static_cast<double>(column.start) &&
                      value < static_cast<double>(column.start) + static_cast<double>(space.count)
                : value >= space.low[i % width] && value <= space.high[i % width];
        if (!inside) {
          return static_cast<Index>(i);
        }
      }
      return -1;
    });
  }

  void summarise() {
    double sum = 0, squares = 0;
    for (const double value : returns_) {
      sum += value;
    }
    const auto count = static_cast<double>(returns_.size());
    result_.return_mean = sum / count;
    for (const double value : returns_) {
      squares += (value - result_.return_mean) * (value - result_.return_mean);
    }
    result_.return_std = std::sqrt(squares / count);
    const auto [low, high] = std::minmax_element(returns_.begin(), returns_.end());
    result_.return_min = *low;
    result_.return_max = *high;
    result_.length_mean = static_cast<double>(result_.steps) / count;
  }

  void compare(const Json& json, const char* name, double found, const char* where) {
    const auto claimed = json.find(name);
    if (claimed == json.end() || !claimed->is_number()) {
      return;
    }
    const double value = claimed->get<double>();
    if (std::abs(value - found) > 1e-9 * std::max(1.0, std::abs(found))) {
      problem(where, " says ", name, " = ", to_text(value), ", found is ", to_text(found));
    }
  }

  void check_metadata() {
    const Json json = parse_json_object(data_.metadata(), "the metadata");
    compare(json, "total_episodes", static_cast<double>(result_.episodes), "the metadata");
    if (result_.problems.empty()) {
      compare(json, "total_steps", static_cast<double>(result_.steps), "the metadata");
      const auto found = json.find("palaestra");
      if (found != json.end() && found->is_object()) {
        compare(*found, "return_mean", result_.return_mean, "the provenance");
        compare(*found, "return_std", result_.return_std, "the provenance");
        compare(*found, "length_mean", result_.length_mean, "the provenance");
      }
    }
    for (const std::string& line : data_.ignored()) {
      remark("not read: ", line);
    }
  }

  const DataSet& data_;
  DataSetCheck result_;
  std::vector<double> returns_;
  std::vector<std::byte> values_;
};

}  // namespace

DataSetCheck check(const DataSet& data) { return Checker(data).run(); }

}  // namespace palaestra::replay
