#include <palaestra/agents/registry.h>

#include <string>
#include <vector>

#include <palaestra/agents/ailboost/agent.h>
#include <palaestra/agents/bc/agent.h>
#include <palaestra/agents/dac/agent.h>
#include <palaestra/agents/decision_transformer/agent.h>
#include <palaestra/agents/doc/agent.h>
#include <palaestra/agents/doc/transformer/agent.h>
#include <palaestra/agents/iqlearn/agent.h>
#include <palaestra/agents/return_bc/agent.h>
#include <palaestra/agents/sac/agent.h>
#include <palaestra/agents/td3/agent.h>
#include <palaestra/agents/valuedice/agent.h>
#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra::agents {

namespace {

/// `Config` has fields(), either sampling() or batch_size and discount, and perhaps
/// set_run_defaults(rollout::TrainConfig&), static or const; `A` is made from spaces, a Config,
/// seed, threads, and may have a static make_trainer().
template <class A, class Config>
class TypedSettings final : public AgentSettings {
 public:
  explicit TypedSettings(std::string_view name) : name_(name) {}
  TypedSettings(std::string_view name, const Config& defaults) : name_(name), config_(defaults) {}

  std::string_view name() const override { return name_; }
  void add_to(Settings& settings, bool under_name) override {
    settings.add(config_, under_name ? name_ : std::string_view());
  }
  rollout::Sampling sampling() const override {
    if constexpr (requires { config_.sampling(); }) {
      return config_.sampling();
    } else {
      return {config_.batch_size, config_.discount};
    }
  }
  void set_run_defaults(rollout::TrainConfig& train) const override {
    if constexpr (requires { config_.set_run_defaults(train); }) {
      config_.set_run_defaults(train);
    }
  }
  std::unique_ptr<rollout::Agent> make(const Space& observation_space, const Space& action_space,
                                       std::uint64_t seed, Threads threads) const override {
    return std::make_unique<A>(observation_space, action_space, config_, seed, threads);
  }
  std::unique_ptr<rollout::Trainer> make_trainer(const rollout::TrainConfig& config,
                                                 rollout::Agent& agent, Threads threads,
                                                 const rollout::TrainingData* data) const override {
    if constexpr (requires { A::make_trainer(config, agent, threads, data); }) {
      return A::make_trainer(config, agent, threads, data);
    } else {
      return nullptr;
    }
  }

 private:
  std::string_view name_;
  Config config_;
};

const AgentInfo kAgents[] = {
    {"ailboost",
     "Imitation by boosting: an ensemble of policies, each rewarded for what the ones "
     "before lack of the demonstrations",
     "Chang et al. 2024, arXiv 2404.08513",
     []() -> std::unique_ptr<AgentSettings> {
       return std::make_unique<TypedSettings<AilBoost, AilBoostConfig>>("ailboost");
     }},
    {"ailboost_uniform", "Its control: the same with policies that are all weighted alike",
     "Chang et al. 2024, arXiv 2404.08513",
     []() -> std::unique_ptr<AgentSettings> {
       AilBoostConfig config;
       config.weights = LearnerWeights::kUniform;
       return std::make_unique<TypedSettings<AilBoost, AilBoostConfig>>("ailboost_uniform", config);
     }},
    {"bc", "Behaviour cloning: the policy of a data set, by supervised learning",
     "Pomerleau 1991, Neural Computation 3(1)",
     []() -> std::unique_ptr<AgentSettings> {
       return std::make_unique<TypedSettings<Bc, BcConfig>>("bc");
     }},
    {"dac", "Discriminator-Actor-Critic: imitates demonstrations while it collects",
     "Kostrikov et al. 2019, arXiv 1809.02925",
     []() -> std::unique_ptr<AgentSettings> {
       return std::make_unique<TypedSettings<Dac, DacConfig>>("dac");
     }},
    {"decision_transformer", "Decision Transformer: offline, a policy that is asked for a return",
     "Chen et al. 2021, arXiv 2106.01345",
     []() -> std::unique_ptr<AgentSettings> {
       return std::make_unique<
           TypedSettings<DecisionTransformer, decision_transformer::DecisionTransformerConfig>>(
           "decision_transformer");
     }},
    {"doc", "Dichotomy of Control: offline, a policy that is asked for a latent without luck in it",
     "Yang et al. 2023, arXiv 2210.13435",
     []() -> std::unique_ptr<AgentSettings> {
       return std::make_unique<TypedSettings<Doc, doc::DocConfig>>("doc");
     }},
    {"doc_transformer",
     "Dichotomy of Control with transformers: its policy looks back on a history",
     "Yang et al. 2023, arXiv 2210.13435",
     []() -> std::unique_ptr<AgentSettings> {
       return std::make_unique<TypedSettings<DocTransformer, doc::SequenceConfig>>(
           "doc_transformer");
     }},
    {"iqlearn",
     "Inverse soft Q-learning: imitates by a critic alone, beside what it collects or not",
     "Garg et al. 2021, arXiv 2106.12142",
     []() -> std::unique_ptr<AgentSettings> {
       return std::make_unique<TypedSettings<IqLearn, IqLearnConfig>>("iqlearn");
     }},
    {"return_bc", "Behaviour cloning that is asked for a return: offline, without a history",
     "Kumar, Peng & Levine 2019, arXiv 1912.13465",
     []() -> std::unique_ptr<AgentSettings> {
       return std::make_unique<TypedSettings<ReturnBc, return_bc::ReturnBcConfig>>("return_bc");
     }},
    {"sac", "Soft Actor-Critic: off-policy, continuous actions, learnt temperature",
     "Haarnoja et al. 2018, arXiv 1812.05905",
     []() -> std::unique_ptr<AgentSettings> {
       return std::make_unique<TypedSettings<Sac, SacConfig>>("sac");
     }},
    {"td3", "Twin Delayed DDPG: off-policy, continuous actions, a deterministic policy",
     "Fujimoto et al. 2018, arXiv 1802.09477",
     []() -> std::unique_ptr<AgentSettings> {
       return std::make_unique<TypedSettings<Td3, Td3Config>>("td3");
     }},
    {"valuedice",
     "ValueDICE: imitates demonstrations while it collects, without a reward in between",
     "Kostrikov et al. 2020, arXiv 1912.05032",
     []() -> std::unique_ptr<AgentSettings> {
       return std::make_unique<TypedSettings<ValueDice, ValueDiceConfig>>("valuedice");
     }},
    {"valuedice_offline", "The same from demonstrations alone, which are all that is looked at",
     "Kostrikov et al. 2020, arXiv 1912.05032",
     []() -> std::unique_ptr<AgentSettings> {
       ValueDiceConfig config;
       config.offline = true;
       config.replay_share = 0;
       return std::make_unique<TypedSettings<ValueDice, ValueDiceConfig>>("valuedice_offline",
                                                                          config);
     }},
};

}  // namespace

std::span<const AgentInfo> all() { return kAgents; }

const AgentInfo& find(std::string_view name) {
  std::vector<std::string> names;
  std::string list;
  for (const AgentInfo& agent : kAgents) {
    if (agent.name == name) return agent;
    names.emplace_back(agent.name);
    list += (list.empty() ? "" : ", ") + names.back();
  }
  throw UserError(
      concat("unknown agent \"", name, "\"", did_you_mean(name, names), " (known: ", list, ")"));
}

}  // namespace palaestra::agents
