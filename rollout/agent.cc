#include <palaestra/rollout/agent.h>

#include <stdexcept>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra::rollout {

void Actor::act_from(RowMemory&, const Past&, std::span<const float> observations, Index rows,
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

double Agent::held_out_loss(const replay::Minibatch&) {
  throw UserError(concat("agent ", name(), " has no loss of rows that it does not learn from; ",
                         "accepted: held_out = 0"));
}

Actor& find_actor(Agent& agent, std::string_view name) {
  if (name.empty()) {
    return agent;
  }
  std::vector<std::string> names;
  for (const NamedActor& other : agent.alternatives()) {
    if (other.name == name) {
      return *other.actor;
    }
    names.emplace_back(other.name);
  }
  throw UserError(concat("agent ", agent.name(), " has no policy ", shown(std::string(name)),
                         names.empty() ? " beside its own"
                                       : concat(did_you_mean(name, names),
                                                " (beside its own: ", join(names, ", "), ")")));
}

}  // namespace palaestra::rollout
