// Which term trains which network, cell by cell of the table in losses.h: a zero is an exact zero,
// the others agree with finite differences in double.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <tests/agents/doc/example.h>

namespace palaestra::agents::doc {
namespace {

using testing::all_zero;
using testing::apart;
using testing::Example;
using testing::Numbers;

constexpr double kBound = 1e-7;
const std::string kParts[] = {"encoder.", "policy.", "value.", "prior."};

/// The gradient of a term reaches exactly the named parts of the model, there as differences say.
void check_model(Example& e, nn::Expr term, const std::vector<std::string>& trained) {
  const Numbers gradient = e.gradient(term, "model"), slopes = e.differences(term, "model");
  for (const std::string& part : kParts) {
    CAPTURE(part);
    const Numbers mine = e.part(gradient, part);
    REQUIRE(!mine.empty());
    if (std::find(trained.begin(), trained.end(), part) == trained.end()) {
      CHECK(all_zero(mine));
    } else {
      CHECK(!all_zero(mine));
      CHECK(apart(mine, e.part(slopes, part)) < kBound);
    }
  }
}

void check_critic(Example& e, nn::Expr term, const std::string& vector, bool trained) {
  CAPTURE(vector);
  const Numbers gradient = e.gradient(term, vector);
  if (trained) {
    CHECK(!all_zero(gradient));
    CHECK(apart(gradient, e.differences(term, vector)) < kBound);
  } else {
    CHECK(all_zero(gradient));
  }
}

}  // namespace

TEST_CASE("-log π trains policy and encoder") {
  for (const bool counted : {true, false}) {
    Example e(counted);
    const nn::Expr term = policy_loss(e.nets, e.w, e.z);
    check_model(e, term, {"encoder.", "policy."});
    check_critic(e, term, "critic", false);
    check_critic(e, term, "free_critic", false);
  }
}

TEST_CASE("the penalty trains the encoder alone, of all that is in the model") {
  for (const bool counted : {true, false}) {
    for (const Penalty kind : {Penalty::kBounded, Penalty::kAdversarial, Penalty::kPublished}) {
      CAPTURE(counted);
      CAPTURE(static_cast<int>(kind));
      Example e(counted);
      check_model(e, penalty(e.nets, e.w, e.z, kind), {"encoder."});
    }
  }
}

TEST_CASE("each critic's loss trains that critic, and nothing of the model") {
  for (const bool counted : {true, false}) {
    Example e(counted);
    const nn::Expr loss = critic_loss(e.nets, e.w, e.z);
    check_model(e, loss, {});
    check_critic(e, loss, "critic", true);
    check_critic(e, loss, "free_critic", false);
    const nn::Expr free_loss = free_critic_loss(e.nets, e.w);
    check_model(e, free_loss, {});
    check_critic(e, free_loss, "critic", false);
    check_critic(e, free_loss, "free_critic", true);
  }
}

TEST_CASE("the value's loss trains the value; the encoder only where it is not stopped") {
  for (const bool counted : {true, false}) {
    Example e(counted);
    const nn::Expr stopped = value_loss(e.nets, e.w, e.z, true);
    check_model(e, stopped, {"value."});
    check_critic(e, stopped, "critic", false);
    check_critic(e, stopped, "free_critic", false);
    check_model(e, value_loss(e.nets, e.w, e.z, false), {"encoder.", "value."});
  }
}

TEST_CASE("KL(q || p) trains the prior; as a term of an autoencoder the encoder") {
  for (const bool counted : {true, false}) {
    Example e(counted);
    const nn::Expr term = prior_loss(e.nets, e.w, e.q);
    check_model(e, term, {"prior."});
    check_critic(e, term, "critic", false);
    check_critic(e, term, "free_critic", false);
    check_model(e, compression_loss(e.nets, e.w, e.q), {"encoder."});
  }
}

TEST_CASE("one step of the model adds the rows of the table up, with their weights") {
  for (const bool counted : {true, false}) {
    for (const bool detach : {true, false}) {
      DocConfig config = Example::small();
      config.beta = 1.5;
      config.kl_weight = 0.25;
      config.detach_value = detach;
      Example e(counted, config);
      const Numbers total = e.gradient(model_loss(e.nets, e.w, config).total, "model");
      Numbers expected(total.size(), 0);
      const auto add = [&](nn::Expr term, double weight) {
        const Numbers gradient = e.gradient(term, "model");
        for (std::size_t i = 0; i < expected.size(); ++i) expected[i] += weight * gradient[i];
      };
      add(policy_loss(e.nets, e.w, e.z), 1);
      add(penalty(e.nets, e.w, e.z, Penalty::kBounded), 1.5);
      add(value_loss(e.nets, e.w, e.z, detach), 1);
      add(prior_loss(e.nets, e.w, e.q), 1);
      add(compression_loss(e.nets, e.w, e.q), 0.25);
      CHECK(apart(total, expected) < 1e-12);
    }
  }
}

TEST_CASE("critic and encoder pull at the same bracket from its two ends") {
  for (const bool counted : {true, false}) {
    Example e(counted);
    // what the encoder descends, differentiated by the critic, is what the critic ascends
    const Numbers up = e.gradient(penalty(e.nets, e.w, e.z, Penalty::kAdversarial), "critic");
    Numbers down = e.gradient(critic_loss(e.nets, e.w, e.z), "critic");
    for (double& x : down) x = -x;
    CHECK(apart(up, down) < 1e-13);
  }
}

TEST_CASE("a small step of the encoder lowers the bracket; with the published sign it raises it") {
  for (const bool counted : {true, false}) {
    for (const bool published : {false, true}) {
      Example e(counted);
      const nn::Expr observed = sum(e.w.weight * bracket(e.nets, e.w, e.z).observed);
      const double before = e.value(observed);
      const Numbers gradient = e.gradient(
          penalty(e.nets, e.w, e.z, published ? Penalty::kPublished : Penalty::kAdversarial),
          "model");
      double norm = 0;
      for (std::size_t i = 0; i < gradient.size(); ++i) {
        e.vectors["model"][i] -= 0.01 * gradient[i];
        norm += gradient[i] * gradient[i];
      }
      const double change = e.value(observed) - before;
      CHECK(change == doctest::Approx((published ? 0.01 : -0.01) * norm).epsilon(0.05));
      CHECK((published ? change > 0 : change < 0));
    }
  }
}

}  // namespace palaestra::agents::doc
