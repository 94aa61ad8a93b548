#include <palaestra/envs/conformance.h>

#include <algorithm>
#include <cmath>

#include <palaestra/envs/conformance_check.h>

namespace palaestra::envs {
namespace conformance {

Bytes states_of(const AnyBatch& batch) {
  std::vector<Index> rows;
  for (Index i = 0; i < batch.size(); ++i) {
    rows.push_back(i);
  }
  Bytes bytes(rows.size() * static_cast<std::size_t>(batch.state_bytes()));
  batch.get_state(rows, bytes);
  return bytes;
}

void spec_is_sane(Check& check) {
  const EnvSpec& spec = check.spec;
  check.expect(check.registration.id == spec.id, "is registered as ", check.registration.id);
  check.expect(!spec.family.empty() && !spec.origin.empty() && !spec.summary.empty(),
               "family, origin and summary must be filled in");
  check.expect(spec.time_limit >= 0, "time limit is ", spec.time_limit);
  for (const Space* space : {&spec.observation, &spec.action}) {
    check.expect(space->size() >= 1, "a space is empty");
    if (space->kind == Space::Kind::kDiscrete) {
      check.expect(space->count >= 1, "a discrete space has ", space->count, " elements");
      check.expect(space->dtype == DType::kInt64, "a discrete space of ", name_of(space->dtype));
      continue;
    }
    const auto size = static_cast<std::size_t>(space->size());
    if (space->low.size() != size || space->high.size() != size) {
      check.expect(false, "a space of ", size, " numbers has ", space->low.size(), " lower and ",
                   space->high.size(), " upper bounds");
      continue;
    }
    for (std::size_t k = 0; k < size; ++k) {
      check.expect(space->low[k] < space->high[k], "element ", k, " of a space has an empty range");
    }
  }
  const auto batch = check.make(3);
  check.expect(batch->spec().id == spec.id && batch->spec().observation == spec.observation &&
                   batch->spec().action == spec.action && batch->spec().info == spec.info,
               "the batch has another spec than the registration");
  check.expect(batch->size() == 3 && batch->grain() >= 1, "size or grain of the batch is wrong");
}

void unknown_options_are_refused(Check& check) {
  Keywords keywords = check.keywords;
  keywords["no_such_option"] = 1.0;
  const std::string in_spec = refusal([&] { check.registration.spec(keywords); });
  const std::string in_make = refusal([&] { check.registration.make({}, keywords); });
  check.expect(in_spec.find("no_such_option") != std::string::npos && in_make == in_spec,
               "an unknown option is not refused by its name");
}

namespace {

double element(const Check& check, const void* column, std::size_t at) {
  if (check.spec.observation.dtype == DType::kFloat64) {
    return static_cast<const double*>(column)[at];
  }
  if (check.spec.observation.dtype == DType::kUint8) {
    return static_cast<double>(static_cast<const std::uint8_t*>(column)[at]);
  }
  if (check.spec.observation.dtype == DType::kInt64) {
    return static_cast<double>(static_cast<const std::int64_t*>(column)[at]);
  }
  return static_cast<double>(static_cast<const float*>(column)[at]);
}

void expect_inside(Check& check, const void* column, std::size_t row, const char* what, Index t) {
  const Space& space = check.spec.observation;
  const auto width = static_cast<std::size_t>(space.size());
  for (std::size_t k = 0; k < width; ++k) {
    const double x = element(check, column, row * width + k);
    // float32 observations are compared in float32: so are the bounds of Gymnasium's spaces
    const auto rounded = [&](double bound) {
      return space.dtype == DType::kFloat32 ? static_cast<double>(static_cast<float>(bound))
                                            : bound;
    };
    const bool discrete = space.kind == Space::Kind::kDiscrete;
    const double low = discrete ? 0.0 : rounded(space.low[k]);
    const double high = discrete ? static_cast<double>(space.count - 1) : rounded(space.high[k]);
    check.expect(x >= low && x <= high, "element ", k, " of ", what, " is ", x, " at step ", t,
                 ", outside its space");
  }
}

}  // namespace

void observations_stay_in_space(Check& check) {
  constexpr Index kRows = 8;
  const auto batch = check.make(kRows);
  RandomActions actions = check.actions(kRows);
  for (Index t = 0; t < 300; ++t) {
    for (std::size_t row = 0; row < kRows; ++row) {
      expect_inside(check, batch->columns().observation, row, "the observation", t);
      check.expect(std::isfinite(batch->columns().reward[row]), "the reward is not finite");
      if (ended(*batch, row)) {
        expect_inside(check, batch->columns().final_observation, row, "the final observation", t);
      }
    }
    actions.step(*batch, t);
  }
}

void resets_vary_by_row_and_episode_not_by_n(Check& check) {
  const bool distinct = check.spec.distinct_starts;
  const auto few = check.make(5), many = check.make(64);
  // with a limit of 1 every second step is an automatic reset
  const auto automatic = check.make(5, AutoresetMode::kNextStep, 1);
  RandomActions actions = check.actions(5);
  for (Index episode = 0; episode < 4; ++episode) {
    const Bytes start = column_bytes(*few, 0, 5);
    check.expect(start == column_bytes(*many, 0, 5),
                 "the first five rows start differently in batches of 5 and 64");
    check.expect(start == column_bytes(*automatic, 0, 5), "episode ", episode,
                 " starts differently after an automatic reset");
    check.expect(!distinct || column_bytes(*many, 0, 1) != column_bytes(*many, 1, 2),
                 "rows 0 and 1 start alike");
    few->reset();
    many->reset();
    actions.step(*automatic, 0);
    actions.step(*automatic, 1);
    check.expect(!distinct || start != column_bytes(*few, 0, 5), "two episodes start alike");
  }

  const auto seeded = check.make(3), single = check.make(1);
  seeded->reset(std::vector<std::uint64_t>{7, 8, 7});
  single->reset(std::vector<std::uint64_t>{7});
  for (int episode = 0; episode < 2; ++episode) {
    const Bytes expected = column_bytes(*single, 0, 1);
    check.expect(column_bytes(*seeded, 0, 1) == expected && column_bytes(*seeded, 2, 3) == expected,
                 "a row does not start as its seed says");
    check.expect(!distinct || column_bytes(*seeded, 1, 2) != expected,
                 "rows with different seeds start alike");
    seeded->reset();
    single->reset();
  }
  check.expect(!refusal([&] { seeded->reset(std::vector<std::uint64_t>{1}); }).empty(),
               "one seed was accepted for three rows");
  check.expect(!refusal([&] { seeded->reset({}, std::vector<std::uint8_t>{1}); }).empty(),
               "a mask of one was accepted for three rows");
}

namespace {

/// Whether all rows, and all rounds, of the same steps come to the same.
struct Alike {
  bool rows, rounds;
};

/// Takes the same actions in every row and in every round: what differs is the luck of the steps.
/// Each of `actions` is tried for `steps` steps from a reset on.
Alike same_actions(Check& check, std::size_t rows, Index actions, int steps) {
  constexpr std::size_t kRounds = 8;
  const auto batch = check.make(static_cast<Index>(rows));
  RandomActions random = check.actions(static_cast<Index>(rows));
  const std::vector<Index> as_the_first(rows, 0);
  std::vector<Sha256> by_row(rows), by_round(kRounds);
  for (Sha256& round : by_round) {
    for (Index t = 0; t < actions; ++t) {
      batch->reset();
      for (int step = 0; step < steps; ++step) {
        random.step_as(*batch, t, as_the_first);
        for (std::size_t i = 0; i < rows; ++i) {
          const Bytes now = column_bytes(*batch, static_cast<Index>(i), static_cast<Index>(i) + 1);
          by_row[i].update(now);
          round.update(now);
        }
      }
    }
  }
  const auto all_alike = [](std::vector<Sha256>& histories) {
    const std::string first = histories.front().hex();
    return std::all_of(histories.begin() + 1, histories.end(),
                       [&](Sha256& history) { return history.hex() == first; });
  };
  return {all_alike(by_row), all_alike(by_round)};
}

}  // namespace

void random_steps_vary_by_row_and_episode(Check& check) {
  if (check.spec.deterministic) {
    return;
  }
  Alike alike = same_actions(check, 256, 8, 2);  // some noise is none at the first step
  if (alike.rows || alike.rounds) {              // or does not show before something has happened
    alike = same_actions(check, 16, 1, 100);
  }
  check.expect(!alike.rows, "random steps go alike in all rows");
  check.expect(!alike.rounds, "random steps go alike in all episodes");
}

void masks_reset_only_their_rows(Check& check) {
  const auto masked = check.make(4), untouched = check.make(4), reset = check.make(4);
  RandomActions actions = check.actions(4);
  const auto step_all = [&](Index t) {
    for (AnyBatch* batch : {masked.get(), untouched.get(), reset.get()}) {
      actions.step(*batch, t);
    }
  };
  for (Index t = 0; t < 9; ++t) {
    step_all(t);
  }
  const std::vector<std::uint64_t> seeds = {1, 2, 3, 4};
  masked->reset(seeds, std::vector<std::uint8_t>{0, 1, 0, 1});
  reset->reset(seeds);
  for (Index t = 9; t < 40; ++t) {
    for (Index row = 0; row < 4; ++row) {
      const AnyBatch& expected = row % 2 == 0 ? *untouched : *reset;
      check.expect(column_bytes(*masked, row, row + 1) == column_bytes(expected, row, row + 1),
                   "row ", row, " of a masked reset goes its own way at step ", t);
    }
    step_all(t);
  }
}

}  // namespace conformance

std::vector<std::string> check_conformance(const Registration& registration,
                                           const Keywords& keywords) {
  using namespace conformance;
  constexpr std::size_t kMostPerPart = 6;
  Check check{registration, keywords};
  const auto run = [&check](auto part) {
    check.room = kMostPerPart;
    part(check);
  };
  run(spec_is_sane);
  if (!check.failures.empty()) {
    return check.failures;  // nobody can draw actions from a space without bounds
  }
  for (const auto part :
       {unknown_options_are_refused, observations_stay_in_space,
        resets_vary_by_row_and_episode_not_by_n, random_steps_vary_by_row_and_episode,
        masks_reset_only_their_rows, bits_do_not_depend_on_threads_or_n,
        seeded_rows_may_be_split_over_batches, time_limit_is_exact, reset_modes_agree,
        bad_actions_change_nothing, states_can_be_saved_and_branched,
        files_continue_to_the_same_bits, physical_state_can_be_set,
        absurd_states_are_the_row_s_own_trouble, goals_are_judged_as_steps_are, goals_can_be_set}) {
    run(part);
  }
  return check.failures;
}

std::string golden_hash(const Registration& registration, const Keywords& keywords) {
  const auto batch = registration.make({.size = 4, .seed = conformance::kSeed}, keywords);
  RandomActions actions(batch->spec(), 4, conformance::kSeed);
  Sha256 hash;
  for (Index t = 0; t < 1000; ++t) {
    actions.step(*batch, t);
    hash_columns(hash, *batch);
  }
  return hash.hex();
}

}  // namespace palaestra::envs
