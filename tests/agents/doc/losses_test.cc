// The terms against their equations, written out by hand.
#include <doctest/doctest.h>

#include <cmath>

#include <tests/agents/doc/example.h>

namespace palaestra::agents::doc {
namespace {

using testing::Example;
using testing::Numbers;

constexpr double kBound = 1e-12;

void zero(Example& e, const std::string& vector, const nn::Layout& layout,
          const std::string& name) {
  const nn::Parameter& p = layout.find(name);
  std::fill_n(e.vectors[vector].begin() + p.offset, p.size(), 0.0);
}

/// f = 0 for every outcome.
void flatten(Example& e) {
  for (const char* name : {"output.weight", "output.bias"}) {
    zero(e, "critic", e.nets.critic.layout, name);
    zero(e, "free_critic", e.nets.free_critic.layout, name);
  }
}

}  // namespace

TEST_CASE("-log π is that of the chosen action, averaged within windows first") {
  Example e(true);
  const Numbers head = e.values(log(e.nets.policy_of(e.w.observation, e.z)));
  double expected = 0;
  for (std::size_t j = 0; j < Example::kSteps; ++j) {
    for (std::size_t i = 0; i < Example::kWindows; ++i) {
      const std::size_t r = j * Example::kWindows + i;
      if (static_cast<Index>(j) >= Example::kRows[i]) continue;
      const std::size_t chosen = (r + r / 4) % Example::kActions;
      expected -= head[r * Example::kActions + chosen] / static_cast<double>(Example::kRows[i]) / 4;
    }
  }
  CHECK(e.value(policy_loss(e.nets, e.w, e.z)) == doctest::Approx(expected).epsilon(kBound));
}

TEST_CASE("a critic that knows nothing: ω = ρ, the bracket is 0, whatever is padding") {
  Example listed(true), other(false);
  flatten(listed);
  flatten(other);
  for (const double x : listed.values(bracket(listed.nets, listed.w, listed.z).observed)) {
    CHECK(std::abs(x) < kBound);
  }
  double entropy = 0;  // -log ρ(o) over the rows there are
  for (std::size_t r = 0; r < listed.inputs["weight"].size(); ++r) {
    entropy -= listed.inputs["weight"][r] * listed.inputs["log_share"][r % 3];
  }
  CHECK(listed.value(critic_loss(listed.nets, listed.w, listed.z)) ==
        doctest::Approx(entropy).epsilon(kBound));
  // contrastive: logsumexp over the rows there are is log of their number, which is taken off
  CHECK(std::abs(other.value(critic_loss(other.nets, other.w, other.z))) < kBound);
  CHECK(std::abs(other.value(free_critic_loss(other.nets, other.w))) < kBound);
}

TEST_CASE("the contrastive critic is the softmax of products over the rows of the same step") {
  Example e(false);
  const auto rows = [&](nn::Expr x) { return e.values(x); };
  const nn::Expr input = Networks::join(nn::concat_columns({e.w.observation, e.w.action}), e.z);
  const Numbers u = rows(e.nets.critic.net(input, "critic"));
  const Numbers v = rows(e.nets.critic.outcome(e.w.outcome, "critic"));
  double expected = 0;
  for (std::size_t j = 0; j < Example::kSteps; ++j) {
    for (std::size_t i = 0; i < Example::kWindows; ++i) {
      if (static_cast<Index>(j) >= Example::kRows[i]) continue;
      double total = 0, own = 0, count = 0;
      for (std::size_t k = 0; k < Example::kWindows; ++k) {
        if (static_cast<Index>(j) >= Example::kRows[k]) continue;
        double f = 0;
        for (std::size_t d = 0; d < 3; ++d) {
          f += u[(j * 4 + i) * 3 + d] * v[(j * 4 + k) * 3 + d] / std::sqrt(3.0);
        }
        total += std::exp(f);
        count += 1;
        if (k == i) own = f;
      }
      expected += e.inputs["weight"][j * 4 + i] * (std::log(total) - own - std::log(count));
    }
  }
  CHECK(e.value(critic_loss(e.nets, e.w, e.z)) == doctest::Approx(expected).epsilon(kBound));
}

TEST_CASE("the bounded penalty is KL(ω || ω0): never below 0, and 0 where z tells nothing") {
  for (const bool counted : {true, false}) {
    Example e(counted);
    const nn::Expr term = penalty(e.nets, e.w, e.z, Penalty::kBounded);
    const Numbers with = e.values(bracket(e.nets, e.w, e.z).log_omega);
    const Numbers without = e.values(free_bracket(e.nets, e.w).log_omega);
    const std::size_t columns = counted ? 3 : 4;
    double expected = 0;
    for (std::size_t r = 0; r < e.inputs["weight"].size(); ++r) {
      double total = 0, divergence = 0;
      for (std::size_t o = 0; o < columns; ++o) {
        const std::size_t k = r * columns + o;
        total += std::exp(with[k]);
        if (std::exp(with[k]) > 0) divergence += std::exp(with[k]) * (with[k] - without[k]);
      }
      if (e.inputs["weight"][r] == 0) continue;
      CHECK(total == doctest::Approx(1).epsilon(kBound));
      CHECK(divergence >= 0);
      expected += e.inputs["weight"][r] * divergence;
    }
    CHECK(expected > 1e-6);
    CHECK(e.value(term) == doctest::Approx(expected).epsilon(1e-9));

    // the same numbers in both critics, and none on z
    const Index latent = Example::kLatent;
    for (const nn::Parameter& p : e.nets.free_critic.layout.parameters()) {
      const nn::Parameter& wide = e.nets.critic.layout.find(p.name);
      Numbers& to = e.vectors["critic"];
      const Numbers& from = e.vectors["free_critic"];
      std::copy_n(from.begin() + p.offset, p.size(), to.begin() + wide.offset);
      if (wide.size() != p.size()) {
        REQUIRE(wide.size() == p.size() + latent * p.shape.columns);
        std::fill_n(to.begin() + wide.offset + p.size(), latent * p.shape.columns, 0.0);
      }
    }
    CHECK(std::abs(e.value(term)) < 1e-12);
  }
}

TEST_CASE("V's error and the divergences of Gaussians are those of their formulas") {
  Example e(false);
  const Numbers v = e.values(e.nets.value_of(first_observation(e.w), e.z));
  double error = 0;
  for (std::size_t i = 0; i < 4; ++i) error += std::pow(v[i] - e.inputs["target"][i], 2) / 4;
  CHECK(e.value(value_loss(e.nets, e.w, e.z, true)) == doctest::Approx(error).epsilon(kBound));

  const auto prior = e.nets.prior_of(first_observation(e.w));
  const Numbers m1 = e.values(e.q.mean), l1 = e.values(e.q.log_std);
  const Numbers m2 = e.values(prior.mean), l2 = e.values(prior.log_std);
  double divergence = 0;  // summed, not averaged, over the numbers of z
  for (std::size_t k = 0; k < m1.size(); ++k) {
    const double ratio = std::exp(2 * (l1[k] - l2[k]));
    const double distance = std::pow(m1[k] - m2[k], 2) * std::exp(-2 * l2[k]);
    divergence += (l2[k] - l1[k] + (ratio + distance - 1) / 2) / 4;
  }
  CHECK(e.value(prior_loss(e.nets, e.w, e.q)) == doctest::Approx(divergence).epsilon(kBound));
  CHECK(e.value(compression_loss(e.nets, e.w, e.q)) == doctest::Approx(divergence).epsilon(kBound));
}

TEST_CASE("candidates get the value that they get one by one") {
  Example e(true);
  const nn::Expr state = first_observation(e.w);
  const nn::Expr z = nn::input(e.graph, "candidates", {5, Example::kWindows, Example::kLatent});
  e.inputs["candidates"] = testing::normals(5 * Example::kWindows * Example::kLatent, 9);
  const Numbers together = e.values(e.nets.values_of_candidates(state, z));
  const Numbers apart = e.values(e.nets.value_of(state, z));
  REQUIRE(together.size() == 20);
  CHECK(testing::apart(together, apart) < kBound);
}

TEST_CASE("what lies in padding reaches no loss and no gradient") {
  for (const bool counted : {true, false}) {
    Example e(counted);
    const nn::Expr losses[] = {policy_loss(e.nets, e.w, e.z), critic_loss(e.nets, e.w, e.z),
                               free_critic_loss(e.nets, e.w),
                               penalty(e.nets, e.w, e.z, Penalty::kBounded),
                               penalty(e.nets, e.w, e.z, Penalty::kAdversarial)};
    std::vector<Numbers> before;
    const auto everything = [&](nn::Expr loss) {
      Numbers all = e.values(loss);
      for (const char* vector : {"model", "critic", "free_critic"}) {
        const Numbers g = e.gradient(loss, vector);
        all.insert(all.end(), g.begin(), g.end());
      }
      return all;
    };
    for (const nn::Expr loss : losses) before.push_back(everything(loss));
    for (const char* name : {"observation", "action", "outcome"}) {
      Numbers& values = e.inputs[name];
      const std::size_t width = values.size() / e.inputs["weight"].size();
      for (std::size_t k = 0; k < values.size(); ++k) {
        if (e.inputs["weight"][k / width] == 0) values[k] = counted && width == 1 ? 2 : 7.5;
      }
    }
    for (std::size_t k = 0; k < std::size(losses); ++k) {
      CAPTURE(k);
      CHECK(everything(losses[k]) == before[k]);
    }
  }
}

}  // namespace palaestra::agents::doc
