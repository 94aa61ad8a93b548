#include <palaestra/envs/registry.h>

#include <palaestra/core/text.h>
#include <palaestra/envs/classic/acrobot.h>
#include <palaestra/envs/classic/cart_pole.h>
#include <palaestra/envs/classic/mountain_car.h>
#include <palaestra/envs/classic/mountain_car_continuous.h>
#include <palaestra/envs/classic/pendulum.h>
#include <palaestra/envs/entry.h>
#include <palaestra/envs/mujoco/ant.h>
#include <palaestra/envs/mujoco/half_cheetah.h>
#include <palaestra/envs/mujoco/hopper.h>
#include <palaestra/envs/mujoco/humanoid.h>
#include <palaestra/envs/mujoco/humanoid_standup.h>
#include <palaestra/envs/mujoco/inverted_double_pendulum.h>
#include <palaestra/envs/mujoco/inverted_pendulum.h>
#include <palaestra/envs/mujoco/pusher.h>
#include <palaestra/envs/mujoco/reacher.h>
#include <palaestra/envs/mujoco/swimmer.h>
#include <palaestra/envs/mujoco/walker2d.h>
#include <palaestra/envs/stochastic/bernoulli_bandit.h>
#include <palaestra/envs/stochastic/frozen_lake.h>
#include <palaestra/envs/stochastic/frozen_lake8x8.h>
#include <palaestra/envs/stochastic/gambling.h>
#include <palaestra/envs/stochastic/leaky_two_step.h>
#include <palaestra/envs/stochastic/rare_jackpot.h>

namespace palaestra::envs {

std::span<const Registration> registrations() {
  static const std::vector<Registration> kTable = {
      entry<Acrobot>("Acrobot-v1"),
      entry<mujoco::Simulated<mujoco::Ant>>("Ant-v5"),
      entry<BernoulliBandit>("BernoulliBandit-v0"),
      entry<CartPole>("CartPole-v1"),
      entry<FrozenLake>("FrozenLake-v1"),
      entry<FrozenLake8x8>("FrozenLake8x8-v1"),
      entry<Gambling>("Gambling-v0"),
      entry<mujoco::Simulated<mujoco::HalfCheetah>>("HalfCheetah-v5"),
      entry<mujoco::Simulated<mujoco::Hopper>>("Hopper-v5"),
      entry<mujoco::Simulated<mujoco::Humanoid>>("Humanoid-v5"),
      entry<mujoco::Simulated<mujoco::HumanoidStandup>>("HumanoidStandup-v5"),
      entry<mujoco::Simulated<mujoco::InvertedDoublePendulum>>("InvertedDoublePendulum-v5"),
      entry<mujoco::Simulated<mujoco::InvertedPendulum>>("InvertedPendulum-v5"),
      entry<LeakyTwoStep>("LeakyTwoStep-v0"),
      entry<MountainCar>("MountainCar-v0"),
      entry<MountainCarContinuous>("MountainCarContinuous-v0"),
      entry<Pendulum>("Pendulum-v1"),
      entry<mujoco::Simulated<mujoco::Pusher>>("Pusher-v5"),
      entry<RareJackpot>("RareJackpot-v0"),
      entry<mujoco::Simulated<mujoco::Reacher>>("Reacher-v5"),
      entry<mujoco::Simulated<mujoco::Swimmer>>("Swimmer-v5"),
      entry<mujoco::Simulated<mujoco::Walker2d>>("Walker2d-v5"),
  };
  return kTable;
}

const Registration& find(std::string_view id) {
  if (id.starts_with("palaestra/")) {
    id.remove_prefix(std::string_view("palaestra/").size());
  }
  std::vector<std::string> known;
  for (const Registration& registration : registrations()) {
    if (registration.id == id) {
      return registration;
    }
    known.push_back(registration.id);
  }
  throw UserError(concat("unknown environment \"", id, "\"", did_you_mean(id, known),
                         " (palaestra envs lists all)"));
}

std::unique_ptr<AnyBatch> make(std::string_view id, const BatchOptions& options,
                               const Keywords& keywords) {
  return find(id).make(options, keywords);
}

TabularModel tabular_model(std::string_view id, const Keywords& keywords) {
  const Registration& registration = find(id);
  require(registration.model != nullptr, registration.id,
          " has no table of outcomes: it is not a finite task");
  return registration.model(keywords);
}

double optimal_value(std::string_view id, const Keywords& keywords, std::optional<Index> horizon) {
  const TabularModel model = tabular_model(id, keywords);
  const Index steps = horizon.value_or(find(id).spec(keywords).time_limit);
  const Solution best = steps == 0 ? value_iteration(model) : finite_horizon(model, steps);
  return at_start(model, best.value);
}

}  // namespace palaestra::envs
