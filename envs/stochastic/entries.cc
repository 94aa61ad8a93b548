#include <palaestra/envs/entry.h>
#include <palaestra/envs/families.h>
#include <palaestra/envs/stochastic/bernoulli_bandit.h>
#include <palaestra/envs/stochastic/double_integrator.h>
#include <palaestra/envs/stochastic/frozen_lake.h>
#include <palaestra/envs/stochastic/frozen_lake8x8.h>
#include <palaestra/envs/stochastic/gambling.h>
#include <palaestra/envs/stochastic/leaky_two_step.h>
#include <palaestra/envs/stochastic/rare_jackpot.h>

namespace palaestra::envs {

std::vector<Registration> stochastic_entries() {
  return {
      entry<BernoulliBandit>("BernoulliBandit-v0"),
      entry<DoubleIntegrator>("DoubleIntegrator-v0"),
      entry<FrozenLake>("FrozenLake-v1"),
      entry<FrozenLake8x8>("FrozenLake8x8-v1"),
      entry<Gambling>("Gambling-v0"),
      entry<LeakyTwoStep>("LeakyTwoStep-v0"),
      entry<RareJackpot>("RareJackpot-v0"),
  };
}

}  // namespace palaestra::envs
