#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <sstream>
#include <string>

#include <palaestra/envs/registry.h>

using namespace palaestra;
using namespace palaestra::envs;

TEST_CASE("the table is sorted by id, and every id finds itself, also behind palaestra/") {
  std::string last;
  for (const Registration& registration : registrations()) {
    CHECK(last < registration.id);
    last = registration.id;
    CHECK(&find(registration.id) == &registration);
    CHECK(&find("palaestra/" + registration.id) == &registration);
    CHECK(registration.spec({}).id == registration.id);
  }
}

TEST_CASE("every family is held to conformance by a test of its own") {
  std::set<std::string> tested, registered;
  std::istringstream names(PALAESTRA_FAMILIES);
  for (std::string name; names >> name;) {
    tested.insert(name);
  }
  for (const Registration& registration : registrations()) {
    registered.insert(registration.spec({}).family);
  }
  CHECK(tested == registered);
}

TEST_CASE("an unknown id names the nearest one") {
  const auto message = [](const char* id) {
    try {
      find(id);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string all = " (palaestra envs lists all)";
  CHECK(message("CartPole") ==
        "unknown environment \"CartPole\"; did you mean \"CartPole-v1\"?" + all);
  CHECK(message("HalfCheeta-v5") ==
        "unknown environment \"HalfCheeta-v5\"; did you mean \"HalfCheetah-v5\"?" + all);
  CHECK(message("cartpole-v1") ==
        "unknown environment \"cartpole-v1\"; did you mean \"CartPole-v1\"?" + all);
  CHECK(message("Tetris") == "unknown environment \"Tetris\"" + all);
}

TEST_CASE("options change the task and wrong ones are refused with a hint") {
  const auto message = [](const char* id, const Keywords& keywords) {
    try {
      make(id, {}, keywords);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message("Pendulum-v1", {{"gg", 1.0}}) ==
        "Pendulum-v1 has no option \"gg\"; did you mean \"g\"?");
  CHECK(message("MountainCar-v0", {{"goal_velocty", 0.1}}) ==
        "MountainCar-v0 has no option \"goal_velocty\"; did you mean \"goal_velocity\"?");
  CHECK(message("CartPole-v1", {{"foo", 1.0}}) ==
        "CartPole-v1 has no option \"foo\"; accepted: sutton_barto_reward");
  CHECK(message("FrozenLake-v1", {{"foo", 1.0}}) ==
        "FrozenLake-v1 has no option \"foo\"; accepted: map_name, desc, is_slippery, success_rate, "
        "reward_schedule_0 to reward_schedule_2");
  CHECK(message("Gambling-v0", {{"foo", 1.0}}) == "Gambling-v0 has no option \"foo\"; it has none");
  CHECK(message("CartPole-v1", {{"sutton_barto_reward", 0.5}}) ==
        "CartPole-v1: option sutton_barto_reward is 0.5; accepted: 0 or 1 (false or true)");
  CHECK(message("Pendulum-v1", {{"g", std::nan("")}}).find("option g is nan") != std::string::npos);
  CHECK(message("Pendulum-v1", {{"g", 9.81}}).empty());
}
