#include <palaestra/rollout/imitation_step.h>

namespace palaestra::rollout {

void ImitationStep::operator()(Agent& agent, const replay::WeightedReplayBuffer& buffer,
                               Stream& random, const replay::SampleRequest& request,
                               bool relabelled, Demonstrations& demonstrations) {
  buffer.draw(random, request, draw_);
  replay::SampleRequest single = request;
  single.n_step = 1;
  buffer.gather(draw_, single, single_);
  agent.imitate(single_.view(draw_), demonstrations.sample(random, request.discount));
  const auto judge = [&](const replay::StepBatch& steps) {
    if (!relabelled) return;
    replay::Minibatch batch;
    batch.rows = steps.steps;
    batch.observation = steps.observation;
    batch.action = steps.action;
    batch.reward = steps.reward;
    batch.next_observation = steps.next_observation;
    agent.judge(batch, steps.reward);
  };
  gather_(buffer.storage(), draw_, {request.n_step, request.discount}, judge,
          buffer.options().threads, steps_, folded_);
  agent.update(folded_.view(draw_));
}

}  // namespace palaestra::rollout
