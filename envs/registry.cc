#include <palaestra/envs/registry.h>

#include <algorithm>

#include <palaestra/core/text.h>
#include <palaestra/envs/batch.h>
#include <palaestra/envs/classic/acrobot.h>
#include <palaestra/envs/classic/cart_pole.h>
#include <palaestra/envs/classic/mountain_car.h>
#include <palaestra/envs/classic/mountain_car_continuous.h>
#include <palaestra/envs/classic/pendulum.h>
#include <palaestra/envs/keywords.h>
#include <palaestra/envs/mujoco/half_cheetah.h>
#include <palaestra/envs/mujoco/hopper.h>

namespace palaestra::envs {
namespace {

template <class E>
E configured(const std::string& id, const Keywords& keywords) {
  KeywordReader reader(id, keywords);
  E env = E::from(reader);
  reader.finish();
  return env;
}

/// The spec alone. An environment with a `describe` can tell it without its model file.
template <class E>
EnvSpec described(const std::string& id, const Keywords& keywords) {
  if constexpr (requires(KeywordReader reader) { E::describe(reader); }) {
    KeywordReader reader(id, keywords);
    EnvSpec spec = E::describe(reader);
    reader.finish();
    return spec;
  } else {
    return configured<E>(id, keywords).spec();
  }
}

/// The registration line of an environment: its id says the rest.
template <class E>
Registration entry(const char* id) {
  return {
      .id = id,
      .spec = [id](const Keywords& k) { return described<E>(id, k); },
      .make = [id](const BatchOptions& options, const Keywords& k) -> std::unique_ptr<AnyBatch> {
        return std::make_unique<Batch<E>>(configured<E>(id, k), options);
      }};
}

}  // namespace

std::span<const Registration> registrations() {
  static const std::vector<Registration> kTable = {
      entry<Acrobot>("Acrobot-v1"),
      entry<CartPole>("CartPole-v1"),
      entry<mujoco::Simulated<mujoco::HalfCheetah>>("HalfCheetah-v5"),
      entry<mujoco::Simulated<mujoco::Hopper>>("Hopper-v5"),
      entry<MountainCar>("MountainCar-v0"),
      entry<MountainCarContinuous>("MountainCarContinuous-v0"),
      entry<Pendulum>("Pendulum-v1"),
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

}  // namespace palaestra::envs
