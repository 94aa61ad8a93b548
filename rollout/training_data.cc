#include <palaestra/rollout/training_data.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/core/hash.h>
#include <palaestra/envs/registry.h>
#include <palaestra/replay/datasets/load.h>
#include <palaestra/replay/datasets/pieces.h>
#include <palaestra/replay/datasets/space_json.h>
#include <palaestra/rollout/keywords.h>
#include <palaestra/rollout/sampling.h>

namespace palaestra::rollout {
namespace {

using replay::DataColumn;

std::string text_of(const Json& json, std::string_view key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// The environment that a data set says it is of, as it says it; empty where it does not.
struct Origin {
  std::string env, options, wrap;
};
Origin origin_of(const replay::DataSet& data) {
  const Json metadata = replay::parse_json_object(data.metadata(), "the metadata of a data set");
  const auto own = metadata.find("palaestra");
  if (own != metadata.end() && own->is_object()) {
    return {text_of(*own, "env"), text_of(*own, "env_options"), text_of(*own, "wrap")};
  }
  const std::string spec = text_of(metadata, "env_spec");  // Minari's: Gymnasium's spec as JSON
  if (spec.empty()) {
    return {};
  }
  return {text_of(replay::parse_json_object(spec, "the env_spec of a data set"), "id"), "", ""};
}

bool is_known(const std::string& env) {
  try {
    envs::find(env);
    return true;
  } catch (const UserError&) {
    return false;
  }
}

/// Wrappers from "action_repeat=2,resize=[84, 84]".
envs::WrapConfig parse_wrap(std::string text) {
  int depth = 0;
  for (char& c : text) {
    depth += c == '[' ? 1 : c == ']' ? -1 : 0;
    if (c == ',' && depth == 0) {
      c = '\n';
    }
  }
  envs::WrapConfig config;
  read_toml(config, text, "the wrappers that the data set names");
  return config;
}

/// A file must not make us allocate more than it holds: what wrappers make of an observation is no
/// wider than the rows that were recorded in them.
void require_modest(const envs::WrapConfig& wrap, Index width) {
  const Index too_many = width + 1;
  Index numbers = std::min(wrap.frame_stack, too_many);
  for (const Index side : wrap.resize) {
    numbers = std::min(numbers * std::min(side, too_many), too_many);
  }
  require(numbers <= width,
          "the data set names wrappers that make its observations wider than the ", width,
          " numbers that they have");
}

bool is_default(const envs::WrapConfig& config) {
  return to_toml(config) == to_toml(envs::WrapConfig());
}

bool is_whole(DType dtype) { return dtype != DType::kFloat32 && dtype != DType::kFloat64; }

/// The same bound, up to the rounding of float64 to float32 and of printed numbers.
bool same_bound(double a, double b) {
  return a == b || (std::isfinite(a) && std::isfinite(b) &&
                    std::abs(a - b) <= 1e-5 * std::max(1.0, std::max(std::abs(a), std::abs(b))));
}

bool same_bounds(const std::vector<double>& a, const std::vector<double>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same_bound);
}

/// Throws UserError unless every value of a column is one of `count` choices.
void require_choices(const replay::DataSet& data, std::size_t column, Index count,
                     std::span<const Index> episodes) {
  const DataColumn& what = data.columns()[column];
  std::vector<std::byte> bytes;
  for (const Index e : episodes) {
    const Index rows = data.episode(e).rows(what);
    for (Index first = 0; first < rows; first += replay::kRowsAtOnce) {
      const Index end = std::min(rows, first + replay::kRowsAtOnce);
      bytes.resize(as_size(end - first) * what.bytes());
      data.read(column, e, first, end - first, bytes);
      replay::with_type(what.dtype, bytes, [&](auto values) {
        for (std::size_t i = 0; i < values.size(); ++i) {
          const auto value = static_cast<double>(values[i]);
          require(value >= 0 && value < static_cast<double>(count), "data set ",
                  data.path().string(), ": column ", what.name, " of episode ", e, " is ", value,
                  " at step ", first + static_cast<Index>(i), "; accepted: 0 to ", count - 1);
        }
      });
    }
  }
}

}  // namespace

TrainingData::TrainingData(TrainConfig& config) : data_(config.data) {
  TrainConfig completed = config;
  const std::string hash = sha256_of_file(data_.file());
  require(config.data_sha256.empty() || config.data_sha256 == hash, "data set ", config.data,
          " is not the one of this run: the SHA-256 of ", data_.file().string(), " is ", hash,
          ", data_sha256 is ", config.data_sha256);
  completed.data_sha256 = hash;
  find_environment(completed);
  choose_episodes(config.data_episodes, config.best_share);
  hold_out(config.held_out);
  require(steps() > 0, "data set ", data_.path().string(), " has no step to learn from");
  config = completed;
}

/// Settles on the environment and its spaces.
void TrainingData::find_environment(TrainConfig& config) {
  if (config.env.empty()) {
    const Origin origin = origin_of(data_);
    if (!origin.env.empty() && is_known(origin.env)) {
      config.env = envs::find(origin.env).id;
      config.env_options = config.env_options.empty() ? origin.options : config.env_options;
      if (is_default(config.wrap)) {
        config.wrap = parse_wrap(origin.wrap);
        Index width = 0;
        for (const std::size_t part : parts_of("observation")) {
          width += data_.columns()[part].width();
        }
        require_modest(config.wrap, width);
      }
    }
  }
  if (config.env.empty()) {
    require(config.offline(), "env is missing: which environment? (data set ", config.data,
            " names none that is known; palaestra envs lists all)");
    const auto observation = space_of("observation"), action = space_of("action");
    require(observation && action, "env is missing: data set ", config.data,
            " names no environment that is known, nor the bounds of its actions and observations");
    spec_.observation = *observation;
    spec_.action = *action;
    compare("observation", spec_.observation);  // choices must start at 0
    compare("action", spec_.action);
    return;
  }
  spec_ = find_spec(config.env, config.env_options, config.wrap.wrappers());
  flat_goal_ = config.wrap.flatten_goal;
  // where a D4RL file has no "timeouts" the time limit says where its episodes end
  if (data_.format() == replay::DataFormat::kD4rl && spec_.time_limit > 0) {
    data_ = replay::DataSet(config.data, {.time_limit = spec_.time_limit});
  }
  compare("observation", spec_.observation);
  compare("action", spec_.action);
}

void TrainingData::choose_episodes(Index first, double best_share) {
  require(first <= data_.episodes(), "data_episodes is ", first, "; accepted: 0 (all) to ",
          data_.episodes(), ", the episodes of data set ", data_.path().string());
  episodes_.resize(as_size(first > 0 ? first : data_.episodes()));
  std::iota(episodes_.begin(), episodes_.end(), Index{0});
  if (best_share < 1) {
    std::vector<double> returns;
    for (const Index e : episodes_) {
      returns.push_back(data_.episode_return(e));
      require(std::isfinite(returns.back()), "data set ", data_.path().string(),
              ": the return of episode ", e, " is ", returns.back(), ", not a finite number");
    }
    // of equal returns the earlier episode
    std::stable_sort(episodes_.begin(), episodes_.end(),
                     [&](Index a, Index b) { return returns[as_size(a)] > returns[as_size(b)]; });
    const double wanted = std::ceil(best_share * static_cast<double>(episodes_.size()) - 1e-9);
    episodes_.resize(static_cast<std::size_t>(wanted));
    std::sort(episodes_.begin(), episodes_.end());
  }
}

/// Data sets may be ordered, from bad to good or by goals: what is held out is of everywhere.
void TrainingData::hold_out(double share) {
  const auto all = std::ssize(episodes_);
  // a share such as 0.2 is below 1/5
  const auto count = static_cast<Index>(share * static_cast<double>(all) + 1e-9);
  std::vector<Index> learnt;
  for (Index i = 0; i < all; ++i) {
    // the last of each of `count` stretches, about equally long
    const Index next = std::ssize(held_out_) + 1;
    const bool held = next <= count && i == next * all / count - 1;
    (held ? held_out_ : learnt).push_back(episodes_[as_size(i)]);
  }
  episodes_ = std::move(learnt);
  require(held_out_.empty() || held_out_steps() > 0, "held_out is ", share,
          "; accepted: 0, since the episodes of data set ", data_.path().string(),
          " that it holds out have no step");
}

Index TrainingData::steps_of(const std::vector<Index>& episodes) const {
  return std::accumulate(episodes.begin(), episodes.end(), Index{0},
                         [&](Index sum, Index e) { return sum + data_.episode(e).length; });
}

/// The columns that make up `name`, in the order of the environment's rows.
std::vector<std::size_t> TrainingData::parts_of(std::string_view name) const {
  if (name == "observation" && (spec_.goal || flat_goal_)) {
    std::vector<std::size_t> parts = {data_.find("observation/observation")};
    if (spec_.goal) {
      parts.push_back(data_.find("observation/achieved_goal"));
    }
    parts.push_back(data_.find("observation/desired_goal"));
    return parts;
  }
  std::vector<std::size_t> parts;
  for (std::size_t i = 0; i < data_.columns().size(); ++i) {
    const std::string& column = data_.columns()[i].name;
    if (column == name || column.starts_with(concat(name, "/"))) {
      parts.push_back(i);
    }
  }
  return parts;
}

/// What the data set says of its values; nothing where it does not.
std::optional<Space> TrainingData::space_of(std::string_view name) const {
  const auto parts = parts_of(name);
  Space joined = Space::box(Index{0}, 0, 0);
  for (const std::size_t part : parts) {
    const DataColumn& column = data_.columns()[part];
    if (!column.space || (parts.size() > 1 && column.space->kind != Space::Kind::kBox)) {
      return {};
    }
    if (parts.size() == 1) {
      return column.space;
    }
    joined.low.insert(joined.low.end(), column.space->low.begin(), column.space->low.end());
    joined.high.insert(joined.high.end(), column.space->high.begin(), column.space->high.end());
  }
  joined.shape = {std::ssize(joined.low)};
  return parts.empty() ? std::nullopt : std::optional(joined);
}

/// Throws UserError unless values of the data set are values of the environment's space.
void TrainingData::compare(std::string_view name, const Space& wanted) const {
  const auto parts = parts_of(name);
  const auto known = space_of(name);
  Index width = 0, start = 0;
  bool whole = true;
  for (const std::size_t part : parts) {
    width += data_.columns()[part].width();
    whole = whole && is_whole(data_.columns()[part].dtype);
    start = data_.columns()[part].start;
  }
  const bool choices = wanted.kind == Space::Kind::kDiscrete;
  bool same = width == wanted.size();
  if (known) {
    same = same && known->kind == wanted.kind && known->count == wanted.count && start == 0;
    if (same && !choices) {
      same = same_bounds(known->low, wanted.low) && same_bounds(known->high, wanted.high);
    }
  } else {
    same = same && (!choices || whole);
  }
  const std::string theirs =
      known ? concat(to_string(*known), start != 0 ? concat(" from ", start, " on") : "")
            : concat(width, whole ? " whole" : "", width == 1 ? " number" : " numbers");
  require(same, "data set ", data_.path().string(), ": its ", name, "s are ", theirs,
          ", but those of ", spec_.id, " are ", to_string(wanted));
}

void TrainingData::load(replay::WeightedReplayBuffer& buffer, const std::vector<Index>& episodes,
                        bool pinned) const {
  replay::LoadOptions options{.episodes = episodes, .pinned = pinned};
  for (const auto& [name, space] :
       {std::pair("observation", &spec_.observation), std::pair("action", &spec_.action)}) {
    for (const std::size_t part : parts_of(name)) {
      options.sources[name].push_back(data_.columns()[part].name);
      if (space->kind == Space::Kind::kDiscrete) {
        require_choices(data_, part, space->count, episodes);
      }
    }
  }
  const auto& columns = buffer.storage().columns();
  if (std::any_of(columns.begin(), columns.end(),
                  [](const auto& column) { return column.name == kReturnToGo; })) {
    options.sources[std::string(kReturnToGo)] = {"reward"};
  }
  require(replay::load_into(buffer, data_, options).steps > 0, "data set ", data_.path().string(),
          " has no step whose next observation is known");
}

}  // namespace palaestra::rollout
