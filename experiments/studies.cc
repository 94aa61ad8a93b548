#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/experiments/ailboost/buffer.h>
#include <palaestra/experiments/ailboost/discriminator.h>
#include <palaestra/experiments/ailboost/tabular.h>
#include <palaestra/experiments/doc/bandit.h>
#include <palaestra/experiments/doc/double_integrator.h>
#include <palaestra/experiments/doc/enumerable.h>
#include <palaestra/experiments/doc/frozen_lake.h>
#include <palaestra/experiments/doc/mujoco.h>
#include <palaestra/experiments/doc/sequence_models.h>
#include <palaestra/experiments/study.h>

namespace palaestra::experiments {
namespace {

constexpr std::string_view kAilBoost = "Chang et al. 2024, arXiv 2404.08513";
constexpr std::string_view kDoc = "Yang et al. 2023, arXiv 2210.13435";

const StudyInfo kStudies[] = {
    study<ailboost::TabularStudy, ailboost::run_tabular>(
        "ailboost_tabular",
        "Boost an imitator on a random decision process, all of it exact: what weights do",
        kAilBoost),
    study<ailboost::WeightsStudy, ailboost::run_weights>(
        "ailboost_weights", "Draw rows of learners from the replay buffer by the learners' weights",
        kAilBoost),
    study<ailboost::TailStudy, ailboost::run_tail>(
        "ailboost_tail", "Look for rows that the replay buffer was told to forget", kAilBoost),
    study<ailboost::PenaltyStudy, ailboost::run_penalty>(
        "ailboost_penalty",
        "Compare the gradient of the discriminator's penalty with its closed form", kAilBoost),
    study<ailboost::OptimaStudy, ailboost::run_optima>(
        "ailboost_optima", "Train a discriminator where the optimum is known", kAilBoost),
    study<doc::BanditStudy, doc::run_bandit>(
        "doc_bandit", "Learn a Bernoulli bandit from data of a poor policy, with tables", kDoc),
    study<doc::EnumerableStudy, doc::run_enumerable>(
        "doc_enumerable", "Learn a small decision process from the exact law of its trajectories",
        kDoc),
    study<doc::FrozenLakeStudy, doc::run_frozen_lake>(
        "doc_frozen_lake", "Learn FrozenLake from data of a softened policy, with small networks",
        kDoc),
    study<doc::FrozenLakeExact, doc::run_frozen_lake_exact>(
        "doc_frozen_lake_exact", "What is known of that task and its data without learning", kDoc),
    study<doc::DoubleIntegratorStudy, doc::run_double_integrator>(
        "doc_double_integrator",
        "Learn the double integrator under noise from data of a weak controller", kDoc),
    study<doc::MujocoStudy, doc::run_mujoco>(
        "doc_mujoco", "Learn a noisy MuJoCo task from data of a half-trained SAC policy", kDoc),
    study<doc::SequenceStudy, doc::run_sequence_models>(
        "doc_sequence",
        "Learn FrozenLake or the double integrator with transformers, Decision Transformer's or "
        "Dichotomy of Control's",
        kDoc),
};

}  // namespace

std::span<const StudyInfo> studies() { return kStudies; }

const StudyInfo& find_study(std::string_view name) {
  std::vector<std::string> names;
  for (const StudyInfo& info : kStudies) {
    if (info.name == name) {
      return info;
    }
    names.emplace_back(info.name);
  }
  throw UserError(concat("unknown study ", shown(name), did_you_mean(name, names),
                         " (known: ", join(names, ", "), ")"));
}

}  // namespace palaestra::experiments
