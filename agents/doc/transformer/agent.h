#pragma once

#include <palaestra/agents/doc/latents.h>
#include <palaestra/agents/doc/transformer/actor.h>
#include <palaestra/agents/recorded_agent.h>

namespace palaestra::agents {

namespace doc {

struct SequenceMethod {
  static constexpr std::string_view kName = "doc_transformer";
  static constexpr auto kMetricNames = LossesLog::kNames;
  using Config = SequenceConfig;
  using Model = WithBank<SequenceLearner>;
  using Memory = SequenceMemory;
  using Actor = BankActor<SequenceLearner, SequenceActor>;
};

}  // namespace doc

/// Dichotomy of Control with transformers, see docs/agents/doc_transformer.md. Promises V(h, s, z)
/// of the latent that it chose.
using DocTransformer = RecordedAgent<doc::SequenceMethod>;

}  // namespace palaestra::agents
