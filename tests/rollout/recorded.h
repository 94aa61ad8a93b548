#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/envs/registry.h>
#include <palaestra/replay/datasets/data_set_writer.h>
#include <palaestra/rollout/record_episodes.h>

namespace palaestra::rollout::testing {

/// How a data set of a test is made.
struct Recording {
  std::string env = "Pendulum-v1";
  Index episodes = 3;
  std::uint64_t seed = 7;
  Index time_limit = 0;  ///< 0: the environment's own
  replay::DataFormat format = replay::DataFormat::kMinari;
  std::string metadata = "";  ///< empty: names `env` as `palaestra data collect` does
  /// The action of an observation, one number; empty: random actions.
  std::function<float(std::span<const float>)> law = {};
  /// Changes what is about to be written.
  std::function<void(RecordedEpisode&)> change = {};
  std::function<void(std::vector<replay::DataColumn>&)> change_columns = {};
};

/// Plays a law of one number.
class LawEpisodes final : public EpisodePolicy {
 public:
  explicit LawEpisodes(std::function<float(std::span<const float>)> law) : law_(std::move(law)) {}
  void act(const EpisodeRows& rows, std::span<const float> observations, Actions& out) override {
    const auto width = observations.size() / static_cast<std::size_t>(rows.end - rows.begin);
    for (Index row = rows.begin; row < rows.end; ++row) {
      out.numbers[static_cast<std::size_t>(row)] =
          law_(observations.subspan(static_cast<std::size_t>(row - rows.begin) * width, width));
    }
  }

 private:
  std::function<float(std::span<const float>)> law_;
};

/// Episodes of random actions, or of a law, on disk; of goal tasks in the parts of the observation.
inline std::filesystem::path record(const std::filesystem::path& path, const Recording& how) {
  envs::BatchOptions options{.size = 4, .autoreset = envs::AutoresetMode::kDisabled};
  if (how.time_limit > 0) {
    options.time_limit = how.time_limit;
  }
  const auto batch = envs::make(how.env, options);
  const envs::EnvSpec& spec = batch->spec();
  struct Part {
    std::string name;
    Space space;
    std::size_t first;
  };
  std::vector<Part> parts = {{"observation", spec.observation, 0}};
  if (spec.goal) {
    const auto width = [](Index n) { return Space::box(n, -1e9, 1e9, DType::kFloat64); };
    const auto a = static_cast<std::size_t>(spec.goal->observation),
               b = a + static_cast<std::size_t>(spec.goal->achieved);
    parts = {{"observation/achieved_goal", width(spec.goal->achieved), a},
             {"observation/desired_goal", width(spec.goal->desired), b},
             {"observation/observation", width(spec.goal->observation), 0}};
  }
  std::vector<replay::DataColumn> columns;
  columns.reserve(parts.size() + 2);
  for (const Part& part : parts) {
    columns.push_back({.name = part.name,
                       .dtype = part.space.dtype,
                       .shape = part.space.shape,
                       .state = true,
                       .space = part.space});
  }
  const bool choices = spec.action.kind == Space::Kind::kDiscrete;
  columns.push_back({.name = "action",
                     .dtype = choices ? DType::kInt64 : DType::kFloat32,
                     .shape = spec.action.shape,
                     .state = false,
                     .space = spec.action});
  columns.push_back({.name = "reward", .dtype = DType::kFloat64});
  if (how.change_columns) {
    how.change_columns(columns);
  }
  replay::DataSetWriter writer(
      path,
      {.format = how.format,
       .columns = columns,
       .metadata = how.metadata.empty() ? concat(R"({"palaestra": {"env": ")", how.env, R"("}})")
                                        : how.metadata});
  RandomEpisodes random(spec.action, how.seed);
  LawEpisodes by_law(how.law);
  EpisodePolicy& policy = how.law ? static_cast<EpisodePolicy&>(by_law) : random;
  record_episodes(*batch, policy, how.seed, [&](RecordedEpisode& episode) {
    if (how.change) {
      how.change(episode);
    }
    const auto rows = static_cast<std::size_t>(episode.length);
    std::vector<std::uint8_t> terminated(rows), truncated(rows);
    terminated.back() = episode.terminated ? 1 : 0;
    truncated.back() = episode.truncated ? 1 : 0;
    std::vector<replay::NamedValues> values = {
        {"reward", episode.reward}, {"terminated", terminated}, {"truncated", truncated}};
    std::vector<std::vector<std::byte>> cut(parts.size());
    for (std::size_t k = 0; k < parts.size(); ++k) {
      const auto& [name, space, first] = parts[k];
      const std::size_t size = size_of(spec.observation.dtype), width = space.bytes(),
                        row = spec.observation.bytes();
      for (std::size_t t = 0; t <= rows; ++t) {
        const auto from =
            episode.observation.begin() + static_cast<std::ptrdiff_t>(t * row + first * size);
        cut[k].insert(cut[k].end(), from, from + static_cast<std::ptrdiff_t>(width));
      }
      values.push_back({name, {space.dtype, cut[k].data(), (episode.length + 1) * space.size()}});
    }
    if (choices) {
      values.push_back({"action", episode.choices});
    } else {
      values.push_back({"action", episode.numbers});
    }
    writer.add({.length = episode.length, .columns = values});
    return writer.episodes() < how.episodes;
  });
  writer.finish();
  return path;
}

}  // namespace palaestra::rollout::testing
