#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <palaestra/agents/doc/task.h>
#include <palaestra/agents/sequence/turn.h>
#include <palaestra/core/error.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents {

/// An agent that learns from windows of recorded episodes alone, and acts from a memory of each
/// row. Its networks are made when it sees its data set (prepare()), or comes from a file: scales,
/// and the outcomes that can be listed, are part of their shape. A `Method` says what it is made
/// of:
///
///   kName          of the agent
///   Config         its settings, with fields() and sampling()
///   Model          made from (task, config, seed, threads): task(), update(), updates(),
///                  metrics(), save(), load(); perhaps keep_windows(data), keep_windows_of(other)
///   Memory         made from (task, config, rows), of whose task only the spaces are known
///   Actor          made from (model); act(memory, past, observations, turn, actions)
///   kMetricNames   of metrics()
template <class Method>
class RecordedAgent final : public rollout::Agent {
 public:
  using Config = typename Method::Config;

  /// `threads` is the number of callers of act() at a time, and of threads within update(). Throws
  /// UserError for a setting out of range and for spaces without a choice.
  RecordedAgent(const Space& observation_space, const Space& action_space, const Config& config,
                std::uint64_t seed, Threads threads = Threads{1})
      : spaces_{.observation = observation_space, .action = action_space},
        config_(config),
        seed_(seed),
        threads_(threads) {
    validate(config);
    for (const Space* space : {&observation_space, &action_space}) {
      require(space->size() >= 1 && (space->kind == Space::Kind::kBox || space->count >= 1),
              Method::kName, ": there is nothing in the space ", to_string(*space));
    }
    for (const std::string_view metric : Method::kMetricNames) unknown_.push_back({metric, 0});
    for (int thread = 0; thread < threads.count(); ++thread) {
      firsts_.emplace_back(spaces_, config_, kRows);
    }
  }

  std::string_view name() const override { return Method::kName; }
  Index observation_size() const override { return spaces_.observation.size(); }
  Index action_size() const override { return spaces_.action.size(); }
  Index choices() const override { return spaces_.counts_actions() ? spaces_.action.count : 0; }
  /// A plan, or a step of a history, takes some 50 us a row.
  Index grain() const override { return 4; }

  /// What it does when an episode begins.
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           rollout::ActMode mode, int thread, std::span<float> actions) override {
    auto& actor = actor_of(thread);
    require_lengths(observations, rows, actions);
    First& first = firsts_[static_cast<std::size_t>(thread)];
    for (Index begin = 0; begin < rows; begin += kRows) {
      const Index count = std::min(kRows, rows - begin);
      const auto part = [&](auto span, Index width) {
        return span.subspan(static_cast<std::size_t>(begin * width),
                            static_cast<std::size_t>(count * width));
      };
      const auto these = [&](const auto& column) {
        return std::span(column).first(static_cast<std::size_t>(count));
      };
      actor.act(first.memory, {these(first.begins), these(first.reward)},
                part(observations, observation_size()), {count, 0, first_row + begin, step, mode},
                part(actions, action_size()));
    }
  }

  std::unique_ptr<rollout::RowMemory> make_memory(Index rows) const override {
    return std::make_unique<Memory>(spaces_, config_, std::max<Index>(rows, 1));
  }

  void act_from(rollout::RowMemory& memory, const rollout::Past& past,
                std::span<const float> observations, Index rows, Index first_row, Index step,
                rollout::ActMode mode, int thread, std::span<float> actions) override {
    auto& actor = actor_of(thread);
    require_lengths(observations, rows, actions);
    actor.act(dynamic_cast<Memory&>(memory), past, observations,
              {rows, first_row, first_row, step, mode}, actions);
  }

  /// Makes the networks for the data, untrained. Throws UserError for data that do not suit the
  /// spaces or have no column kReturnToGo; the agent is then as it was.
  bool prepare(const replay::Storage& data) override {
    auto model = std::make_unique<Model>(doc::task_of(data, spaces_.observation, spaces_.action),
                                         config_, seed_, threads_);
    if constexpr (requires { model->keep_windows(data); }) model->keep_windows(data);
    take(std::move(model));
    return true;
  }

  void update_windows(const replay::WindowBatch& batch) override {
    require_model("update");
    model_->update(batch);
  }

  std::span<const rollout::Metric> metrics() override {
    return model_ ? model_->metrics() : std::span<const rollout::Metric>(unknown_);
  }
  Index updates() const override { return model_ ? model_->updates() : 0; }

  void save(ArchiveWriter& archive, std::string_view prefix) const override {
    archive.put_scalar(concat(prefix, "prepared"), Index{model_ ? 1 : 0});
    if (model_) model_->save(archive, prefix);
  }
  void load(const ArchiveReader& archive, std::string_view prefix) override {
    if (archive.get_index(concat(prefix, "prepared")) == 0) {
      actors_.clear();
      model_.reset();
      return;
    }
    auto model = std::make_unique<Model>(
        doc::Task::load(archive, concat(prefix, "task."), spaces_.observation, spaces_.action),
        config_, seed_, threads_);
    model->load(archive, prefix);
    if constexpr (requires { model->keep_windows_of(*model); }) {
      if (model_) model->keep_windows_of(*model_);
    }
    take(std::move(model));
  }

  const Config& config() const { return config_; }
  /// Null before it has seen any data.
  const typename Method::Model* model() const { return model_.get(); }

 private:
  using Model = typename Method::Model;
  using Memory = typename Method::Memory;
  using Actor = typename Method::Actor;
  static constexpr Index kRows = 64;  // of one piece of act()

  /// Room for rows whose episodes begin.
  struct First {
    First(const doc::Task& spaces, const Config& config, Index rows)
        : memory(spaces, config, rows),
          begins(static_cast<std::size_t>(rows), 1),
          reward(static_cast<std::size_t>(rows)) {}

    Memory memory;
    std::vector<std::uint8_t> begins;
    std::vector<float> reward;
  };

  void require_model(std::string_view what) const {
    require(model_ != nullptr, Method::kName, ": ", what,
            " before it has seen a data set: train it on one, or load it");
  }
  Actor& actor_of(int thread) {
    require_model("act");
    require(thread >= 0 && thread < static_cast<int>(actors_.size()), Method::kName,
            ": act: thread is ", thread, ", must be within [0, ", actors_.size(), ")");
    return actors_[static_cast<std::size_t>(thread)];
  }
  void require_lengths(std::span<const float> observations, Index rows,
                       std::span<const float> actions) const {
    require(rows >= 0 && std::ssize(observations) == rows * observation_size() &&
                std::ssize(actions) == rows * action_size(),
            Method::kName, ": act: got ", observations.size(), " and ", actions.size(),
            " numbers for ", rows, " rows of ", observation_size(), " observations and ",
            action_size(), " actions");
  }
  void take(std::unique_ptr<Model> model) {
    std::vector<Actor> actors;
    actors.reserve(static_cast<std::size_t>(threads_.count()));
    for (int thread = 0; thread < threads_.count(); ++thread) actors.emplace_back(*model);
    actors_ = std::move(actors);
    model_ = std::move(model);
  }

  doc::Task spaces_;  // nothing else of a task is known before prepare()
  Config config_;
  std::uint64_t seed_;
  Threads threads_;
  std::unique_ptr<Model> model_;
  std::vector<Actor> actors_;  // one per thread
  std::vector<First> firsts_;
  std::vector<rollout::Metric> unknown_;
};

}  // namespace palaestra::agents
