#include <palaestra/rollout/agent.h>

#include <stdexcept>

#include <palaestra/core/error.h>

namespace palaestra::rollout {

void Agent::act_from(RowMemory&, const Past&, std::span<const float> observations, Index rows,
                     Index first_row, Index step, ActMode mode, int thread,
                     std::span<float> actions) {
  act(observations, rows, first_row, step, mode, thread, actions);
}

// UserError: in a loop of their own users choose what an agent is given

void Agent::update(const replay::Minibatch&) {
  throw UserError(
      concat("agent ", name(), " learns from windows of episodes, not from transitions"));
}

void Agent::update_windows(const replay::WindowBatch&) {
  throw UserError(
      concat("agent ", name(), " learns from transitions, not from windows of episodes"));
}

void Agent::imitate(const replay::Minibatch&, const replay::Minibatch&) {
  throw UserError(concat("agent ", name(), " imitates no demonstrations"));
}

void Agent::judge(const replay::Minibatch&, std::span<float>) {}

}  // namespace palaestra::rollout
