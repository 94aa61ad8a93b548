#pragma once

// Shared by the parts of the conformance suite; not for its users.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <palaestra/envs/columns_hash.h>
#include <palaestra/envs/random_actions.h>
#include <palaestra/envs/registry.h>

namespace palaestra::envs::conformance {

inline constexpr std::uint64_t kSeed = 11;
using Bytes = std::vector<std::byte>;

/// The environment under test and what it has failed so far.
struct Check {
  const Registration& registration;
  const Keywords& keywords;
  EnvSpec spec = registration.spec(keywords);
  std::vector<std::string> failures{};
  std::size_t room = 0;  ///< failures that the running part may still note

  /// Notes a failure unless `ok`. Only the first few of each part: one defect tends to show at
  /// every step, and must not crowd out what the later parts find.
  template <class... Parts>
  void expect(bool ok, const Parts&... parts) {
    if (!ok && room > 0) {
      failures.push_back(concat(spec.id, ": ", parts...));
      --room;
    }
  }

  std::unique_ptr<AnyBatch> make(Index n, AutoresetMode mode = AutoresetMode::kNextStep,
                                 std::optional<Index> limit = {}, int threads = 1) const {
    const BatchOptions options{.size = n,
                               .autoreset = mode,
                               .threads = Threads(threads),
                               .seed = kSeed,
                               .time_limit = limit};
    return registration.make(options, keywords);
  }
  RandomActions actions(Index n) const { return {spec, n, kSeed}; }
  bool is_discrete() const { return spec.action.kind == Space::Kind::kDiscrete; }
};

inline bool ended(const AnyBatch& batch, std::size_t row) {
  return batch.columns().terminated[row] != 0 || batch.columns().truncated[row] != 0;
}

inline Bytes observation_bytes(const AnyBatch& batch, std::size_t row, const void* column) {
  const std::size_t width = batch.spec().observation.bytes();
  const auto* first = static_cast<const std::byte*>(column) + row * width;
  return {first, first + width};
}

/// Saved states of all rows: what decides their future.
Bytes states_of(const AnyBatch& batch);

/// The message of the UserError that `call` throws; empty if it throws none.
template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const UserError& error) {
    return error.what();
  }
  return {};
}

// The parts, one or more per file.
void spec_is_sane(Check& check);
void unknown_options_are_refused(Check& check);
void observations_stay_in_space(Check& check);
void resets_vary_by_row_and_episode_not_by_n(Check& check);
void random_steps_vary_by_row_and_episode(Check& check);
void masks_reset_only_their_rows(Check& check);

void bits_do_not_depend_on_threads_or_n(Check& check);
void seeded_rows_may_be_split_over_batches(Check& check);
void time_limit_is_exact(Check& check);
void reset_modes_agree(Check& check);
void bad_actions_change_nothing(Check& check);

void states_can_be_saved_and_branched(Check& check);
void files_continue_to_the_same_bits(Check& check);
void physical_state_can_be_set(Check& check);
void absurd_states_are_the_row_s_own_trouble(Check& check);

void goals_are_judged_as_steps_are(Check& check);
void goals_can_be_set(Check& check);

}  // namespace palaestra::envs::conformance
