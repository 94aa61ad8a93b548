#pragma once

#include <array>
#include <cmath>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <palaestra/agents/doc/actions.h>
#include <palaestra/agents/doc/imitation.h>
#include <palaestra/agents/recorded_agent.h>
#include <palaestra/agents/return_bc/config.h>
#include <palaestra/agents/sequence/asked.h>

namespace palaestra::agents {

namespace return_bc {

/// π(a|s, return to go), and the return that acting asks it for.
class Model {
 public:
  Model(doc::Task task, const ReturnBcConfig& config, std::uint64_t seed, Threads threads)
      : imitation_(std::move(task), config.networks(), doc::Condition::kReturn, seed, threads),
        target_(config.target_return) {}

  const doc::Imitation& imitation() const { return imitation_; }
  double target() const { return std::isinf(target_) ? imitation_.task().best_return : target_; }

  void update(const replay::WindowBatch& batch) {
    imitation_.update(batch);
    metrics_[0].value = imitation_.loss();
  }
  static constexpr std::array<std::string_view, 1> kMetricNames = {"loss"};
  std::span<const rollout::Metric> metrics() const { return metrics_; }
  Index updates() const { return imitation_.updates(); }

  void save(ArchiveWriter& archive, std::string_view prefix) const {
    imitation_.save(archive, prefix);
  }
  void load(const ArchiveReader& archive, std::string_view prefix) {
    imitation_.load(archive, prefix);
    metrics_[0].value = imitation_.loss();
  }

 private:
  doc::Imitation imitation_;
  double target_;
  std::array<rollout::Metric, 1> metrics_{{{kMetricNames[0], 0}}};
};

/// What acting remembers of each row of a batch: the return that is still asked for.
class Memory final : public rollout::RowMemory {
 public:
  Memory(const doc::Task&, const ReturnBcConfig&, Index rows)
      : asked(rows), now(static_cast<std::size_t>(rows)) {}

  std::span<const double> promised() const override { return asked.promised(); }
  void save(ArchiveWriter& archive, std::string_view prefix) const override {
    asked.save(archive, prefix);
  }
  void load(const ArchiveReader& archive, std::string_view prefix) override {
    asked.load(archive, prefix);
  }

  sequence::Asked asked;
  std::vector<float> now;  ///< [rows] of the present step, as the network is told
};

/// Acts by a policy that is asked for the model's target, less what has been earned.
class Actor {
 public:
  explicit Actor(const Model& model) : model_(&model), actor_(model.imitation()) {}

  void act(Memory& memory, const rollout::Past& past, std::span<const float> observations,
           const sequence::Turn& turn, std::span<float> actions) {
    const auto asked =
        std::span(memory.now)
            .subspan(static_cast<std::size_t>(turn.place), static_cast<std::size_t>(turn.rows));
    for (std::size_t i = 0; i < asked.size(); ++i) {
      asked[i] = static_cast<float>(memory.asked.ask(turn.place + static_cast<Index>(i),
                                                     past.begins[i] != 0, model_->target(),
                                                     past.reward[i]));
    }
    actor_.act(observations, turn.rows, turn.first_row, turn.step, turn.mode, asked, actions);
    doc::keep_within(model_->imitation().task().action, actions);
  }

 private:
  const Model* model_;
  doc::ImitationActor actor_;
};

struct Method {
  static constexpr std::string_view kName = "return_bc";
  static constexpr auto kMetricNames = return_bc::Model::kMetricNames;
  using Config = ReturnBcConfig;
  using Model = return_bc::Model;
  using Memory = return_bc::Memory;
  using Actor = return_bc::Actor;
};

}  // namespace return_bc

/// Return-conditioned behaviour cloning, see docs/agents/return_bc.md. Promises the return that it
/// is asked for.
using ReturnBc = RecordedAgent<return_bc::Method>;

}  // namespace palaestra::agents
