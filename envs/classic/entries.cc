#include <palaestra/envs/classic/acrobot.h>
#include <palaestra/envs/classic/cart_pole.h>
#include <palaestra/envs/classic/mountain_car.h>
#include <palaestra/envs/classic/mountain_car_continuous.h>
#include <palaestra/envs/classic/pendulum.h>
#include <palaestra/envs/entry.h>
#include <palaestra/envs/families.h>

namespace palaestra::envs {

std::vector<Registration> classic_entries() {
  return {
      entry<Acrobot>("Acrobot-v1"),
      entry<CartPole>("CartPole-v1"),
      entry<MountainCar>("MountainCar-v0"),
      entry<MountainCarContinuous>("MountainCarContinuous-v0"),
      entry<Pendulum>("Pendulum-v1"),
  };
}

}  // namespace palaestra::envs
