#include <palaestra/agents/registry.h>

#include <doctest/doctest.h>

#include <palaestra/core/error.h>

namespace palaestra::agents {
namespace {

TEST_CASE("every agent is found by its name and makes itself from its defaults") {
  const Space observation = Space::box(3, -1, 1), action = Space::box(1, -2, 2);
  for (const AgentInfo& info : all()) {
    CHECK(&find(info.name) == &info);
    CHECK(!info.summary.empty());
    CHECK(!info.source.empty());
    const auto settings = info.defaults();
    CHECK(settings->name() == info.name);
    const auto agent = settings->make(observation, action, 0, Threads{1});
    CHECK(agent->name() == info.name);
    CHECK(agent->observation_size() == 3);
    CHECK(agent->action_size() == 1);
  }
}

TEST_CASE("an unknown agent is a user error with the nearest name") {
  CHECK_THROWS_WITH_AS(
      find("sacc"), doctest::Contains("unknown agent \"sacc\"; did you mean \"sac\"?"), UserError);
}

TEST_CASE("settings are changed by key and reach the agent and the sampler") {
  const auto sac = find("sac").defaults();
  Settings settings;
  sac->add_to(settings);
  settings.set("sac.batch_size", "32");
  settings.set("sac.discount", "0.9");
  settings.set("sac.hidden", "8,8");
  CHECK(sac->sampling().batch_size == 32);
  CHECK(sac->sampling().discount == 0.9);
  CHECK_THROWS_WITH_AS(settings.set("sac.batchsize", "1"), doctest::Contains("sac.batch_size"),
                       UserError);
  CHECK_THROWS_AS(settings.set("sac.tau", "2"), UserError);
  CHECK_THROWS_AS(settings.set("sac.activation", "rellu"), UserError);
  settings.set("sac.critics", "1");  // below target_critics: only a check of both can see it
  CHECK_THROWS_AS(sac->make(Space::box(1, -1, 1), Space::box(1, -1, 1), 0, Threads{1}), UserError);
}

TEST_CASE("settings come back from their own TOML") {
  const auto a = find("sac").defaults(), b = find("sac").defaults();
  Settings from, to;
  a->add_to(from);
  b->add_to(to);
  from.set("sac.activation", "silu");
  from.set("sac.actor_value", "mean");
  from.set("sac.critic_learning_rate", "0.1");
  to.read_toml(from.to_toml());
  CHECK(to.to_toml() == from.to_toml());
  CHECK(std::get<std::string>(to.get("sac.activation")) == "silu");
}

}  // namespace
}  // namespace palaestra::agents
