#pragma once

#include <palaestra/agents/decision_transformer/actor.h>
#include <palaestra/agents/recorded_agent.h>

namespace palaestra::agents {

namespace decision_transformer {

struct Method {
  static constexpr std::string_view kName = "decision_transformer";
  static constexpr auto kMetricNames = Learner::kMetricNames;
  using Config = DecisionTransformerConfig;
  using Model = Learner;
  using Memory = decision_transformer::Memory;
  using Actor = decision_transformer::Actor;
};

}  // namespace decision_transformer

/// Decision Transformer, see docs/agents/decision_transformer.md. Promises the return that it is
/// asked for.
using DecisionTransformer = RecordedAgent<decision_transformer::Method>;

}  // namespace palaestra::agents
