// palaestra._palaestra.Agent: a native agent that acts, learns and is evaluated.

#include <palaestra/bindings/agent.h>
#include <palaestra/bindings/wrappers.h>

#include <pybind11/stl.h>

#include <chrono>

#include <palaestra/agents/registry.h>
#include <palaestra/core/archive.h>
#include <palaestra/core/error.h>
#include <palaestra/rollout/evaluator.h>
#include <palaestra/rollout/keywords.h>
#include <palaestra/rollout/policy.h>

namespace palaestra::python {

namespace {

using Floats = py::array_t<float, py::array::c_style>;

rollout::ActMode act_mode(const std::string& name) {
  if (name == "mean") return rollout::ActMode::kMean;
  if (name == "sample") return rollout::ActMode::kSample;
  throw UserError(concat("Agent: mode is \"", name, "\"; accepted: mean, sample"));
}

/// Lets Ctrl-C end an evaluation. Signals arrive on the thread that made the call, which works
/// along as thread 0.
class Interruptible final : public rollout::Policy {
 public:
  explicit Interruptible(rollout::Policy& policy) : policy_(policy) {}
  void act(const rollout::RowBlock& block, std::span<const float> observations,
           rollout::Actions& out) override {
    if (block.thread == 0 && Clock::now() >= next_) {
      next_ = Clock::now() + std::chrono::milliseconds(50);
      const py::gil_scoped_acquire acquire;
      if (PyErr_CheckSignals() != 0) {
        throw py::error_already_set();
      }
    }
    policy_.act(block, observations, out);
  }
  std::span<const double> promised() const override { return policy_.promised(); }
  Index grain() const override { return policy_.grain(); }

 private:
  using Clock = std::chrono::steady_clock;
  rollout::Policy& policy_;
  Clock::time_point next_ = Clock::now();
};

std::span<const float> column(const py::dict& batch, const char* name, Index size) {
  require(batch.contains(name), "Agent: the minibatch has no column \"", name, "\"");
  const auto array = py::reinterpret_borrow<py::object>(batch[name]);
  require(py::isinstance<Floats>(array), "Agent: column \"", name,
          "\" must be a C-contiguous float32 array");
  const auto values = py::reinterpret_borrow<Floats>(array);
  require(size < 0 || Index{values.size()} == size, "Agent: column \"", name, "\" holds ",
          values.size(), " numbers, expected ", size, "; nothing was learnt");
  return {values.data(), static_cast<std::size_t>(values.size())};
}

}  // namespace

rollout::Agent& Agent::idle() {
  require(!busy_, "Agent: another thread is inside a call on this agent");
  return *agent_;
}

py::array Agent::act(const py::array& observations, const std::string& mode, Index step) {
  return act_from(nullptr, {}, {}, observations, mode, step);
}

py::array Agent::act_from(rollout::RowMemory* memory, const py::array& begins,
                          const py::array& reward, const py::array& observations,
                          const std::string& mode, Index step) {
  auto& agent = idle();
  const auto chosen = act_mode(mode);
  const Index width = agent.observation_size(), rows = observations.shape(0);
  const auto in = py::reinterpret_borrow<Floats>(observations);
  Floats out({rows, agent.action_size()});
  const std::span<const float> from(in.data(), static_cast<std::size_t>(in.size()));
  const std::span<float> to(out.mutable_data(), static_cast<std::size_t>(out.size()));
  const auto starts = py::reinterpret_borrow<py::array_t<std::uint8_t>>(begins);
  const auto earned = py::reinterpret_borrow<Floats>(reward);
  const std::span<const std::uint8_t> first_steps(starts.data(),
                                                  static_cast<std::size_t>(starts.size()));
  const std::span<const float> rewards(earned.data(), static_cast<std::size_t>(earned.size()));
  {
    const Busy busy(busy_);
    parallel_for(threads_, rows, agent.grain(), [&](Index begin, Index end, int thread) {
      const auto part = [](auto span, Index first, Index last, Index columns) {
        return span.subspan(static_cast<std::size_t>(first * columns),
                            static_cast<std::size_t>((last - first) * columns));
      };
      const auto states = part(from, begin, end, width);
      const auto actions = part(to, begin, end, agent.action_size());
      if (memory == nullptr) {
        agent.act(states, end - begin, begin, step, chosen, thread, actions);
      } else {
        agent.act_from(*memory, {part(first_steps, begin, end, 1), part(rewards, begin, end, 1)},
                       states, end - begin, begin, step, chosen, thread, actions);
      }
    });
  }
  return agent.choices() > 0 ? py::array(out.attr("astype")("int64")) : py::array(out);
}

replay::Minibatch Agent::minibatch(const py::dict& batch, std::vector<float>& ones) const {
  const auto reward = column(batch, "reward", -1);
  const auto rows = static_cast<Index>(reward.size());
  replay::Minibatch minibatch{.rows = rows,
                              .observation = column(batch, "observation", -1),
                              .action = column(batch, "action", rows * agent_->action_size()),
                              .reward = reward,
                              .discount = column(batch, "discount", rows),
                              .next_observation = column(batch, "next_observation", -1),
                              .index = {},
                              .weight = {},
                              .probability = {},
                              .steps = {}};
  if (ones.size() < reward.size()) {
    ones.resize(reward.size(), 1.0f);
  }
  minibatch.weight = batch.contains("weight") ? column(batch, "weight", rows)
                                              : std::span<const float>(ones).first(reward.size());
  return minibatch;
}

template <class Learn>
void Agent::learn(std::string_view caller, const Learn& learn) {
  const Busy busy(busy_);
  try {
    learn();
  } catch (const UserError&) {
    throw;
  } catch (const std::runtime_error& error) {
    throw UserError(concat("Agent.", caller, ": learning diverged: ", error.what(),
                           "; smaller learning rates are the usual remedy"));
  }
}

void Agent::update(const py::dict& batch) {
  auto& agent = idle();
  const replay::Minibatch own = minibatch(batch, ones_);
  learn("update", [&] { agent.update(own); });
}

void Agent::imitate(const py::dict& batch, const py::dict& demonstrations) {
  auto& agent = idle();
  const replay::Minibatch own = minibatch(batch, ones_),
                          shown = minibatch(demonstrations, demonstrations_ones_);
  learn("imitate", [&] { agent.imitate(own, shown); });
}

py::array Agent::judge(const py::dict& steps) {
  auto& agent = idle();
  const replay::Minibatch rows = minibatch(steps, ones_);
  py::array_t<float> out(rows.rows);
  const std::span<float> reward(out.mutable_data(), static_cast<std::size_t>(rows.rows));
  std::copy(rows.reward.begin(), rows.reward.end(), reward.begin());
  learn("judge", [&] { agent.judge(rows, reward); });
  return out;
}

py::dict Agent::metrics() {
  py::dict result;
  if (idle().updates() > 0) {
    for (const rollout::Metric& metric : agent_->metrics()) {
      result[py::str(metric.name)] = metric.value;
    }
  }
  return result;
}

py::dict Agent::evaluate(const std::string& env, const std::string& options, Index episodes,
                         std::uint64_t seed, const std::string& policy_name,
                         const std::string& mode) {
  rollout::Actor& actor = rollout::find_actor(idle(), policy_name);
  const auto chosen = act_mode(mode);
  rollout::Evaluation evaluation;
  {
    const Busy busy(busy_);
    rollout::Evaluator evaluator(env, rollout::parse_keywords(options), episodes, threads_,
                                 wrappers_);
    evaluator.use(statistics_);
    rollout::AgentPolicy policy(actor, chosen, evaluator.spec(), episodes);
    Interruptible interruptible(policy);
    evaluation = evaluator.run(interruptible, seed, 0);
  }
  return to_dict(evaluation);
}

std::vector<std::string> Agent::policies() {
  std::vector<std::string> names;
  for (const rollout::NamedActor& other : idle().alternatives()) {
    names.emplace_back(other.name);
  }
  return names;
}

void Agent::save(const std::string& file) {
  auto& agent = idle();
  const Busy busy(busy_);
  ArchiveWriter archive;
  archive.put_text("agent.name", agent.name());
  agent.save(archive, "agent.");
  archive.save(file);
}

void Agent::load(const std::string& file) {
  auto& agent = idle();
  const Busy busy(busy_);
  const ArchiveReader archive(file);
  agent.load(archive, "agent.");
}

py::dict to_dict(const rollout::Evaluation& evaluation) {
  py::dict result;
  result["returns"] = py::array(py::cast(evaluation.returns));
  result["lengths"] = py::array(py::cast(evaluation.lengths));
  result["seeds"] = py::array(py::cast(evaluation.seeds));
  result["success"] =
      evaluation.success.empty() ? py::object(py::none()) : py::array(py::cast(evaluation.success));
  result["promised"] = evaluation.promised.empty() ? py::object(py::none())
                                                   : py::array(py::cast(evaluation.promised));
  return result;
}

namespace {

std::unique_ptr<Agent> make_agent(const std::string& name, const Space& observation,
                                  const Space& action, std::uint64_t seed, int threads,
                                  const std::vector<std::pair<std::string, ConfigValue>>& values) {
  const auto settings = agents::find(name).defaults();
  Settings fields;
  settings->add_to(fields, /*under_name=*/false);
  for (const auto& [key, value] : values) {
    fields.set(key, value);
  }
  fields.validate();
  return std::make_unique<Agent>(settings->make(observation, action, seed, Threads(threads)),
                                 Threads(threads));
}

/// A trained agent, and what is known of its run.
py::tuple load_run(const std::string& run, int threads) {
  agents::LoadedRun loaded;
  {
    const py::gil_scoped_release release;
    loaded = agents::load_run(run, Threads(threads));
  }
  const auto& train = loaded.settings->train;
  py::dict facts;
  facts["env"] = train.env;
  facts["spec"] = loaded.spec;
  facts["keywords"] = rollout::parse_keywords(train.env_options);
  facts["wrappers"] = to_python(train.wrap.wrappers());
  facts["statistics"] = py::array(py::cast(loaded.statistics));
  facts["env_options"] = train.env_options;
  facts["seed"] = train.seed;
  facts["weights"] = loaded.weights.string();
  py::dict settings;
  for (const FieldInfo& field : loaded.settings->settings.describe()) {
    settings[py::str(field.key)] = py::cast(field.default_value);
  }
  facts["settings"] = settings;
  auto agent = std::make_unique<Agent>(std::move(loaded.agent), Threads(threads));
  agent->set_wrappers(train.wrap.wrappers(), std::move(loaded.statistics));
  return py::make_tuple(std::move(agent), facts);
}

}  // namespace

/// The rows of one batch in which an agent acts step by step.
class Rows {
 public:
  Rows(py::object agent, Index rows)
      : agent_(std::move(agent)), memory_(agent_.cast<Agent&>().make_memory(rows)) {}

  py::array act(const py::array& begins, const py::array& reward, const py::array& observations,
                const std::string& mode) {
    return agent_.cast<Agent&>().act_from(memory_.get(), begins, reward, observations, mode,
                                          step_++);
  }
  py::object promised() const {
    const std::span<const double> values =
        memory_ ? memory_->promised() : std::span<const double>();
    if (values.empty()) return py::none();
    return py::array_t<double>(static_cast<Index>(values.size()), values.data());
  }

 private:
  py::object agent_;
  std::unique_ptr<rollout::RowMemory> memory_;
  Index step_ = 0;
};

void bind_agents(py::module_& module) {
  py::class_<Rows>(module, "AgentRows")
      .def(py::init<py::object, Index>(), py::arg("agent"), py::arg("rows"))
      .def("act", &Rows::act, py::arg("begins"), py::arg("reward"), py::arg("observations"),
           py::arg("mode"))
      .def("promised", &Rows::promised);
  py::class_<Agent>(module, "Agent")
      .def("act", &Agent::act, py::arg("observations"), py::arg("mode"), py::arg("step"))
      .def("update", &Agent::update, py::arg("batch"))
      .def("imitate", &Agent::imitate, py::arg("batch"), py::arg("demonstrations"))
      .def("judge", &Agent::judge, py::arg("steps"))
      .def("metrics", &Agent::metrics)
      .def("evaluate", &Agent::evaluate, py::arg("env"), py::arg("options"), py::arg("episodes"),
           py::arg("seed"), py::arg("policy"), py::arg("mode"))
      .def("policies", &Agent::policies)
      .def("save", &Agent::save, py::arg("file"))
      .def("load", &Agent::load, py::arg("file"))
      .def_property_readonly("name", [](Agent& a) { return a.idle().name(); })
      .def_property_readonly("observation_size",
                             [](Agent& a) { return a.idle().observation_size(); })
      .def_property_readonly("action_size", [](Agent& a) { return a.idle().action_size(); })
      .def_property_readonly("updates", [](Agent& a) { return a.idle().updates(); });
  module.def("agent_names", [] {
    std::vector<std::string> names;
    for (const agents::AgentInfo& info : agents::all()) {
      names.emplace_back(info.name);
    }
    return names;
  });
  module.def("make_agent", &make_agent, py::arg("name"), py::arg("observation"), py::arg("action"),
             py::arg("seed"), py::arg("threads"), py::arg("settings"));
  module.def("load_run", &load_run, py::arg("run"), py::arg("threads"));
  module.def("setting_fields", [](const std::string& agent) {
    py::list fields;
    const agents::RunSettings settings(agent);
    for (const FieldInfo& field : settings.settings.describe()) {
      fields.append(py::make_tuple(field.key, field.default_value, field.accepted, field.doc));
    }
    return fields;
  });
  bind_training(module);
}

}  // namespace palaestra::python
