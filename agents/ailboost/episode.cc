#include <palaestra/agents/ailboost/episode.h>

#include <palaestra/core/error.h>

namespace palaestra::agents::ailboost {
namespace {

void append_row(std::span<const float> column, Index rows, Index row, std::vector<float>& out) {
  const auto width = column.size() / static_cast<std::size_t>(rows);
  const auto first = column.begin() + static_cast<std::ptrdiff_t>(width) * row;
  out.insert(out.end(), first, first + static_cast<std::ptrdiff_t>(width));
}

}  // namespace

bool Episode::add(const rollout::Transitions& t, Index row) {
  const auto i = static_cast<std::size_t>(row);
  if (t.skip[i] != 0) {
    if (!reward_.empty()) {
      truncated_.back() = 1;
    }
    return true;
  }
  append_row(t.observation, t.rows, row, observation_);
  append_row(t.action, t.rows, row, action_);
  append_row(t.next_observation, t.rows, row, next_observation_);
  reward_.push_back(t.reward[i]);
  terminated_.push_back(t.terminated[i]);
  truncated_.push_back(t.truncated[i]);
  total_ += static_cast<double>(t.reward[i]);
  return (t.terminated[i] | t.truncated[i]) != 0;
}

void Episode::move_to(replay::WeightedReplayBuffer& buffer, Index lane) {
  if (!reward_.empty()) {
    const replay::NamedValues columns[] = {
        {"observation", observation_}, {"action", action_}, {"reward", reward_}};
    const replay::NamedValues next[] = {{"observation", next_observation_}};
    buffer.extend(lane, {.columns = columns,
                         .terminated = terminated_,
                         .truncated = truncated_,
                         .skip = {},
                         .next = next,
                         .last = next});
  }
  for (std::vector<float>* column : {&observation_, &action_, &reward_, &next_observation_}) {
    column->clear();
  }
  terminated_.clear();
  truncated_.clear();
  total_ = 0;
}

void Episode::save(ArchiveWriter& archive, std::string_view prefix) const {
  archive.put_scalar(concat(prefix, "length"), length());
  if (reward_.empty()) {
    return;
  }
  archive.put(concat(prefix, "observation"), observation_);
  archive.put(concat(prefix, "action"), action_);
  archive.put(concat(prefix, "reward"), reward_);
  archive.put(concat(prefix, "next_observation"), next_observation_);
  archive.put_scalar(concat(prefix, "total"), total_);
}

void Episode::load(const ArchiveReader& archive, std::string_view prefix, Index observation_width,
                   Index action_width) {
  Episode loaded;
  const Index length = archive.get_index(concat(prefix, "length"));
  require(length >= 0, "ailboost: \"", prefix, "length\" is ", length, "; accepted: 0 and up");
  if (length > 0) {
    // lengths as the file has them: one that lies allocates nothing
    const auto column = [&](std::string_view name, Index width) {
      auto values = archive.get_vector<float>(concat(prefix, name));
      require(std::ssize(values) % width == 0 && std::ssize(values) / width == length,
              "ailboost: \"", prefix, name, "\" has ", values.size(), " numbers, expected ", length,
              " x ", width);
      return values;
    };
    loaded.observation_ = column("observation", observation_width);
    loaded.action_ = column("action", action_width);
    loaded.reward_ = column("reward", 1);
    loaded.next_observation_ = column("next_observation", observation_width);
    loaded.total_ = archive.get_double(concat(prefix, "total"));
    // none of them was the last of its episode
    loaded.terminated_.resize(loaded.reward_.size(), 0);
    loaded.truncated_ = loaded.terminated_;
  }
  *this = std::move(loaded);
}

}  // namespace palaestra::agents::ailboost
