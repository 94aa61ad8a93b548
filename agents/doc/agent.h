#pragma once

#include <palaestra/agents/doc/latents.h>
#include <palaestra/agents/doc/learner.h>
#include <palaestra/agents/doc/plan_actor.h>
#include <palaestra/agents/recorded_agent.h>

namespace palaestra::agents {

namespace doc {

struct Method {
  static constexpr std::string_view kName = "doc";
  static constexpr auto kMetricNames = LossesLog::kNames;
  using Config = DocConfig;
  using Model = WithBank<Learner>;
  using Memory = PlanMemory;
  using Actor = BankActor<Learner, PlanActor>;
};

}  // namespace doc

/// Dichotomy of Control with small networks, see docs/agents/doc.md. Promises V(s, z) of the latent
/// that it chose.
using Doc = RecordedAgent<doc::Method>;

}  // namespace palaestra::agents
