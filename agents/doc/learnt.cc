#include <palaestra/agents/doc/learnt.h>

#include <utility>

#include <palaestra/core/error.h>

namespace palaestra::agents::doc {

Learnt::Learnt(Task of, const Layouts& layouts, const nn::AdamOptions& adam,
               const nn::AdamOptions& critic_adam, std::uint64_t from_seed, Purpose initial)
    : task(std::move(of)),
      seed(from_seed),
      model(layouts.model, adam, Stream(seed, initial, 0)),
      critic(layouts.critic, critic_adam, Stream(seed, initial, 1)),
      free_critic(layouts.free_critic, critic_adam, Stream(seed, initial, 2)) {}

void Learnt::save(const Layouts& layouts, ArchiveWriter& archive, std::string_view prefix) const {
  task.save(archive, concat(prefix, "task."));
  model.save(layouts.model, archive, prefix, "model");
  critic.save(layouts.critic, archive, prefix, "critic");
  free_critic.save(layouts.free_critic, archive, prefix, "free_critic");
  losses.save(archive, concat(prefix, "metrics"));
  archive.put_scalar(concat(prefix, "seed"), static_cast<Index>(seed));
  archive.put_scalar(concat(prefix, "updates"), updates);
}

void Learnt::load(const Layouts& layouts, const ArchiveReader& archive, std::string_view prefix) {
  // everything is read aside first: a mismatch half-way must not leave a mixture
  Task saved_task = Task::load(archive, concat(prefix, "task."), task.observation, task.action);
  require(saved_task.outcomes.size() == task.outcomes.size(), "doc: the saved task lists ",
          saved_task.outcomes.size(), " outcomes, this one ", task.outcomes.size());
  auto saved_model = model.read(layouts.model, archive, prefix, "model");
  auto saved_critic = critic.read(layouts.critic, archive, prefix, "critic");
  auto saved_free = free_critic.read(layouts.free_critic, archive, prefix, "free_critic");
  const LossesLog saved_losses = LossesLog::load(archive, concat(prefix, "metrics"));
  const Index saved_seed = archive.get_index(concat(prefix, "seed"));
  const Index saved_updates = archive.get_index(concat(prefix, "updates"));
  require(saved_updates >= 0, "doc: \"", prefix, "updates\" is ", saved_updates,
          "; accepted: 0 and up");

  model.take(std::move(saved_model));
  critic.take(std::move(saved_critic));
  free_critic.take(std::move(saved_free));
  task = std::move(saved_task);
  losses = saved_losses;
  seed = static_cast<std::uint64_t>(saved_seed);
  updates = saved_updates;
}

}  // namespace palaestra::agents::doc
