#include <palaestra/agents/doc/tabular/sequential.h>

#include <doctest/doctest.h>

#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::agents::doc {
namespace {

/// Two actions in one state; action 0 pays 4 or 0 alike, action 1 pays 1.
TrajectoryLaw small_law() {
  TrajectoryLaw law{.states = 1, .actions = 2, .outcomes = 3, .trajectories = {}};
  law.trajectories = {{0.25, 4, {{0, 0, 0}}}, {0.25, 0, {{0, 0, 1}}}, {0.5, 1, {{0, 1, 2}}}};
  return law;
}

SequentialDoc trained(SequentialConfig config, int updates = 1500) {
  config.latents = 4;
  SequentialDoc agent(small_law(), config, 3);
  for (int i = 0; i < updates; ++i) agent.update();
  return agent;
}

}  // namespace

TEST_CASE("the constraint leaves z what was chosen, and takes what was drawn") {
  const SequentialDoc agent = trained({});
  CHECK(agent.information() < 1e-5);
  // the same law over z for both outcomes of action 0
  const auto won = agent.encoder(0), lost = agent.encoder(1);
  for (std::size_t z = 0; z < 4; ++z) CHECK(won[z] == doctest::Approx(lost[z]).epsilon(0.01));
  const auto prior = agent.prior(), value = agent.values();
  for (Index z = 0; z < 4; ++z) {
    if (prior[static_cast<std::size_t>(z)] >
        0.01) {  // a latent is an action, and worth what that is
      const double gambles = agent.policy(z)[0];
      CHECK((gambles < 0.01 || gambles > 0.99));
      CHECK(value[static_cast<std::size_t>(z)] ==
            doctest::Approx(gambles > 0.5 ? 2 : 1).epsilon(0.01));
    }
  }
}

TEST_CASE("against the constraint, z tells the outcome") {
  // H(o | a) of this law is log(2) / 2
  const SequentialDoc agent = trained({.constraint = Constraint::kPublished, .stop_value = false});
  CHECK(agent.information() == doctest::Approx(std::log(2) / 2).epsilon(0.02));
}

TEST_CASE("a heavy KL makes z say nothing: cloning") {
  const SequentialDoc agent = trained({.constraint = Constraint::kNone, .kl = 5});
  const auto prior = agent.prior();
  for (Index i = 0; i < 3; ++i) {
    const auto q = agent.encoder(i);
    for (std::size_t z = 0; z < 4; ++z) CHECK(q[z] == doctest::Approx(prior[z]).epsilon(0.05));
  }
  CHECK(agent.policy(std::ranges::max_element(prior) - prior.begin())[0] ==
        doctest::Approx(0.5).epsilon(0.05));
}

TEST_CASE("consistency: promises over the prior are worth the mean return of the data") {
  for (const double beta : {0.0, 1.0, 5.0}) {
    const SequentialDoc agent = trained({.beta = beta}, 200);
    const auto prior = agent.prior(), value = agent.values();
    double promised = 0, mass = 0;
    for (std::size_t z = 0; z < 4; ++z) {
      promised += prior[z] * value[z];
      mass += prior[z];
    }
    CHECK(mass == doctest::Approx(1));
    CHECK(promised == doctest::Approx(0.25 * 4 + 0.5 * 1));
  }
}

TEST_CASE("with infinite data cloning and asking are Bayes's rule") {
  const TrajectoryLaw law = small_law();
  CHECK(cloned_policy(law) == std::vector<double>{0.5, 0.5});
  CHECK(return_conditioned_policy(law, 4) == std::vector<double>{1, 0});
  CHECK(return_conditioned_policy(law, 1) == std::vector<double>{0, 1});
  CHECK(return_conditioned_policy(law, 77) == std::vector<double>{0.5, 0.5});  // nobody got that
}

TEST_CASE("a law that is none is refused, with what is wrong") {
  const auto refused = [](const TrajectoryLaw& law) {
    try {
      SequentialDoc(law, {}, 1);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  TrajectoryLaw law = small_law();
  law.trajectories[0].probability = 0.5;
  CHECK(refused(law).find("sum to 1.25") != std::string::npos);
  law = small_law();
  law.trajectories[1].total = NAN;
  CHECK(refused(law).find("trajectory 1") != std::string::npos);
  law = small_law();
  law.trajectories[2].steps[0].action = 2;
  CHECK(refused(law).find("action 2") != std::string::npos);
  law = small_law();
  law.trajectories[2].steps.clear();
  CHECK(refused(law).find("has no step") != std::string::npos);
  CHECK(refused({}).find("1 or more of each") != std::string::npos);
  CHECK_THROWS_WITH_AS(SequentialDoc(small_law(), {.beta = -2}, 1), doctest::Contains("beta"),
                       UserError);
}

}  // namespace palaestra::agents::doc
