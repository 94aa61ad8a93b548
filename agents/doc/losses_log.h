#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/rollout/agent.h>

namespace palaestra::agents::doc {

/// The losses of an update of Dichotomy of Control, whatever its networks are.
class LossesLog {
 public:
  enum Number : unsigned char {
    kPolicyLoss,
    kPenalty,
    kValueLoss,
    kPriorKl,
    kCriticLoss,
    kFreeCriticLoss,
    kInformation,
    kGradientNorm,
    kCount
  };
  static constexpr std::array<std::string_view, kCount> kNames = {
      "policy_loss", "penalty",          "value_loss",  "prior_kl",
      "critic_loss", "free_critic_loss", "information", "gradient_norm"};

  LossesLog() {
    for (std::size_t i = 0; i < kCount; ++i) metrics_[i] = {kNames[i], 0};
  }

  double& operator[](Number number) { return metrics_[number].value; }
  std::span<const rollout::Metric> metrics() const { return metrics_; }

  /// The two critics' losses, and their difference: what z tells of outcomes, if both are right.
  void set_critics(double loss, double free_loss) {
    (*this)[kCriticLoss] = loss;
    (*this)[kFreeCriticLoss] = free_loss;
    (*this)[kInformation] = free_loss - loss;
  }

  void save(ArchiveWriter& archive, std::string_view name) const {
    std::vector<double> values;
    for (const auto& metric : metrics_) values.push_back(metric.value);
    archive.put(name, values);
  }
  /// Throws UserError on a mismatch.
  static LossesLog load(const ArchiveReader& archive, std::string_view name) {
    std::array<double, kCount> values{};
    archive.get(name, std::span<double>(values));
    LossesLog log;
    for (std::size_t i = 0; i < kCount; ++i) log.metrics_[i].value = values[i];
    return log;
  }

 private:
  std::array<rollout::Metric, kCount> metrics_;
};

}  // namespace palaestra::agents::doc
