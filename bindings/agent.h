#pragma once

#include <memory>
#include <string>
#include <vector>

#include <palaestra/agents/run_settings.h>
#include <palaestra/bindings/bind.h>
#include <palaestra/rollout/agent.h>
#include <palaestra/rollout/evaluator.h>

namespace palaestra::python {

/// A native agent. The interpreter lock is free during every call; one thread at a time.
class Agent {
 public:
  Agent(std::unique_ptr<rollout::Agent> agent, Threads threads)
      : agent_(std::move(agent)), threads_(threads) {}

  /// Throws UserError while another thread is inside a call.
  rollout::Agent& idle();

  /// `observations` is float32[rows, observation size], C-contiguous; noise is addressed by row and
  /// `step`. Returns float32[rows, action size], or int64[rows, 1] where actions are choices.
  py::array act(const py::array& observations, const std::string& mode, Index step);
  /// What it remembers of `rows` rows that it acts in step by step: null where the observation is
  /// enough.
  std::unique_ptr<rollout::RowMemory> make_memory(Index rows) { return idle().make_memory(rows); }
  /// act() from the memory of all its rows: `begins` uint8[rows], `reward` float32[rows] of the
  /// step before.
  py::array act_from(rollout::RowMemory* memory, const py::array& begins, const py::array& reward,
                     const py::array& observations, const std::string& mode, Index step);
  /// One update from the columns of a replay minibatch.
  void update(const py::dict& batch);
  /// The same of an agent that imitates: what was done, and what is to be done.
  void imitate(const py::dict& batch, const py::dict& demonstrations);
  /// Its rewards of single steps, float32[rows].
  py::array judge(const py::dict& steps);
  py::dict metrics();
  /// `policy` is empty, or one of policies(); `mode` as of act().
  py::dict evaluate(const std::string& env, const std::string& options, Index episodes,
                    std::uint64_t seed, const std::string& policy, const std::string& mode);
  /// Names of the agent's other policies.
  std::vector<std::string> policies();
  /// What the agent was trained in; evaluate() uses it.
  void set_wrappers(envs::Wrappers wrappers, std::vector<double> statistics) {
    wrappers_ = std::move(wrappers);
    statistics_ = std::move(statistics);
  }
  void save(const std::string& file);
  void load(const std::string& file);

 private:
  /// The agent says whether its observations fit: with absorbing states they are wider than those
  /// that it acts from.
  replay::Minibatch minibatch(const py::dict& batch, std::vector<float>& ones) const;
  template <class Learn>
  void learn(std::string_view caller, const Learn& learn);

  std::unique_ptr<rollout::Agent> agent_;
  Threads threads_;
  bool busy_ = false;                              // guarded by the interpreter lock
  std::vector<float> ones_, demonstrations_ones_;  // weights of minibatches without any
  envs::Wrappers wrappers_;
  std::vector<double> statistics_;
};

py::dict to_dict(const rollout::Evaluation& evaluation);
void bind_training(py::module_& module);

}  // namespace palaestra::python
