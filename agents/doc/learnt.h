#pragma once

#include <cstdint>
#include <string_view>

#include <palaestra/agents/doc/losses_log.h>
#include <palaestra/agents/doc/task.h>
#include <palaestra/agents/trained_vector.h>

namespace palaestra::agents::doc {

/// The vectors of Dichotomy of Control: "model" holds encoder, policy, value and prior, the other
/// two the critics with z and without it.
struct Layouts {
  const nn::Layout &model, &critic, &free_critic;
};

/// All that learning changes, whatever the networks are.
struct Learnt {
  Task task;
  std::uint64_t seed;
  TrainedVector model, critic, free_critic;
  LossesLog losses{};
  Index updates = 0;

  /// Initial weights come from (seed, initial).
  Learnt(Task of, const Layouts& layouts, const nn::AdamOptions& adam,
         const nn::AdamOptions& critic_adam, std::uint64_t from_seed, Purpose initial);

  void save(const Layouts& layouts, ArchiveWriter& archive, std::string_view prefix) const;
  /// Throws UserError on a mismatch and then leaves everything as it was.
  void load(const Layouts& layouts, const ArchiveReader& archive, std::string_view prefix);
};

}  // namespace palaestra::agents::doc
