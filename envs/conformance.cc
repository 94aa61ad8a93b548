#include <palaestra/envs/conformance.h>

#include <cmath>
#include <limits>

#include <palaestra/envs/columns_hash.h>

namespace palaestra::envs {
namespace {

constexpr std::uint64_t kSeed = 11;

/// The checks of one environment, with the failures so far.
struct Check {
  const Registration& registration;
  const Keywords& keywords;
  EnvSpec spec = registration.spec(keywords);
  std::vector<std::string> failures{};

  template <class... Parts>
  void expect(bool ok, const Parts&... parts) {
    if (!ok) {
      failures.push_back(concat(spec.id, ": ", parts...));
    }
  }

  std::unique_ptr<AnyBatch> make(Index n, AutoresetMode mode = AutoresetMode::kNextStep,
                                 int threads = 1, std::optional<Index> limit = {}) const {
    return registration.make({.size = n,
                              .autoreset = mode,
                              .threads = Threads(threads),
                              .seed = kSeed,
                              .time_limit = limit},
                             keywords);
  }

  void spec_is_sane() {
    expect(registration.id == spec.id, "is registered as ", registration.id);
    expect(!spec.family.empty() && !spec.origin.empty() && !spec.summary.empty(),
           "family, origin and summary must be filled in");
    expect(spec.time_limit >= 0, "time limit is ", spec.time_limit);
    for (const Space* space : {&spec.observation, &spec.action}) {
      if (space->kind == Space::Kind::kBox) {
        const auto size = static_cast<std::size_t>(space->size());
        expect(space->low.size() == size && space->high.size() == size,
               "a bound has the wrong length");
        for (std::size_t k = 0; k < space->low.size(); ++k) {
          expect(space->low[k] < space->high[k], "element ", k, " has an empty range");
        }
      }
    }
  }

  double observation_at(const AnyBatch& batch, Index row, Index k) const {
    const Index at = row * spec.observation.size() + k;
    if (spec.observation.dtype == DType::kFloat64) {
      return static_cast<const double*>(batch.columns().observation)[at];
    }
    return static_cast<double>(static_cast<const float*>(batch.columns().observation)[at]);
  }

  void observations_stay_in_space() {
    const auto batch = make(8);
    RandomActions actions(spec, 8, kSeed);
    for (Index t = 0; t < 300; ++t) {
      actions.step(*batch, t);
      for (Index row = 0; row < 8; ++row) {
        for (Index k = 0; k < spec.observation.size(); ++k) {
          const double x = observation_at(*batch, row, k);
          const auto i = static_cast<std::size_t>(k);
          // bounds are compared in float32, the precision of Gymnasium's spaces
          if (!(static_cast<float>(x) >= static_cast<float>(spec.observation.low[i]) &&
                static_cast<float>(x) <= static_cast<float>(spec.observation.high[i]))) {
            return expect(false, "observation element ", k, " is ", x, " at step ", t);
          }
        }
      }
    }
  }

  void resets_vary_by_row_and_episode_not_by_n() {
    const auto few = make(5), many = make(64);
    for (int episode = 0; episode < 3; ++episode) {
      expect(column_bytes(*few, 0, 5) == column_bytes(*many, 0, 5),
             "the first five rows start differently in batches of 5 and 64");
      expect(column_bytes(*many, 0, 1) != column_bytes(*many, 1, 2), "rows 0 and 1 start alike");
      const auto before = column_bytes(*many, 0, 64);
      few->reset();
      many->reset();
      expect(before != column_bytes(*many, 0, 64), "two episodes start alike");
    }
    const std::vector<std::uint64_t> seeds = {7, 8, 7};
    const auto seeded = make(3), single = make(1);
    seeded->reset(seeds);
    single->reset(std::vector<std::uint64_t>{7});
    expect(column_bytes(*seeded, 0, 1) == column_bytes(*single, 0, 1) &&
               column_bytes(*seeded, 2, 3) == column_bytes(*single, 0, 1),
           "a row does not start as its seed says");
    expect(column_bytes(*seeded, 0, 1) != column_bytes(*seeded, 1, 2),
           "rows with different seeds start alike");
  }

  /// Every step's bytes of rows [0, 5) under the first rows of the same random actions.
  std::vector<std::byte> history(Index n, int threads, AutoresetMode mode) {
    const auto batch = make(n, mode, threads, Index{40});
    RandomActions actions(spec, n, kSeed);
    std::vector<std::byte> bytes;
    for (Index t = 0; t < 120; ++t) {
      actions.step(*batch, t);
      const auto step = column_bytes(*batch, 0, std::min<Index>(n, 5));
      bytes.insert(bytes.end(), step.begin(), step.end());
    }
    return bytes;
  }

  void bits_do_not_depend_on_threads_or_n() {
    for (const AutoresetMode mode : {AutoresetMode::kNextStep, AutoresetMode::kSameStep}) {
      const auto expected = history(64, 1, mode);
      for (const int threads : {2, 3, 7}) {
        expect(history(64, threads, mode) == expected, "bits differ with ", threads, " threads");
      }
      expect(history(5, 1, mode) == expected, "bits differ between n = 5 and n = 64");
    }
  }

  void time_limit_is_exact() {
    for (const Index limit : {Index{1}, Index{7}}) {
      const auto batch = make(3, AutoresetMode::kSameStep, 1, limit);
      RandomActions actions(spec, 3, kSeed);
      std::vector<Index> length(3);
      for (Index t = 0; t < 40; ++t) {
        actions.step(*batch, t);
        const BatchColumns& c = batch->columns();
        for (std::size_t i = 0; i < 3; ++i) {
          ++length[i];
          expect(c.episode_length[i] == length[i], "episode length is ", c.episode_length[i],
                 ", expected ", length[i]);
          expect((c.truncated[i] != 0) == (length[i] == limit) || c.status[i] != Status::kOk,
                 "truncation at length ", length[i], " with limit ", limit);
          if (c.terminated[i] != 0 || c.truncated[i] != 0) {
            length[i] = 0;
          }
        }
      }
    }
  }

  /// The three modes tell the same story: the transitions of SAME_STEP and DISABLED-with-masks
  /// equal those of NEXT_STEP once its reset rows are taken out.
  void reset_modes_agree() {
    const auto next = make(1, AutoresetMode::kNextStep, 1, Index{9});
    const auto same = make(1, AutoresetMode::kSameStep, 1, Index{9});
    const auto manual = make(1, AutoresetMode::kDisabled, 1, Index{9});
    RandomActions actions(spec, 1, kSeed);
    const std::vector<std::uint8_t> all = {1};
    for (Index t = 0; t < 60; ++t) {
      actions.step(*next, t);
      actions.step(*same, t);
      actions.step(*manual, t);
      expect(next->columns().reset[0] == 0, "a reset row came without an end");
      const bool done = next->columns().terminated[0] != 0 || next->columns().truncated[0] != 0;
      expect(column_bytes(*next, 0, 1) == column_bytes(*manual, 0, 1),
             "NEXT_STEP and DISABLED differ");
      if (!done) {
        expect(column_bytes(*next, 0, 1) == column_bytes(*same, 0, 1),
               "NEXT_STEP and SAME_STEP differ");
        continue;
      }
      const auto width = spec.observation.bytes();
      const auto* last = static_cast<const std::byte*>(next->columns().observation);
      const auto* kept = static_cast<const std::byte*>(same->columns().final_observation);
      expect(std::equal(last, last + width, kept), "SAME_STEP lost the final observation");
      const auto before = column_bytes(*manual, 0, 1);
      expect(throws([&] { actions.step(*manual, t); }),
             "a finished row was stepped although autoreset is disabled");
      expect(before == column_bytes(*manual, 0, 1), "a refused step changed the columns");
      manual->reset({}, all);
      actions.step(*next, t);  // the reset row: its action is ignored
      expect(next->columns().reset[0] == 1 && next->columns().reward[0] == 0.0,
             "the reset row of NEXT_STEP is not flagged");
      const auto* fresh = static_cast<const std::byte*>(next->columns().observation);
      expect(std::equal(fresh, fresh + width,
                        static_cast<const std::byte*>(same->columns().observation)) &&
                 std::equal(fresh, fresh + width,
                            static_cast<const std::byte*>(manual->columns().observation)),
             "the modes start different episodes");
    }
  }

  template <class F>
  static bool throws(F&& f) {
    try {
      f();
    } catch (const UserError&) {
      return true;
    }
    return false;
  }

  void bad_actions_change_nothing() {
    const auto batch = make(3), twin = make(3);
    RandomActions actions(spec, 3, kSeed);
    actions.step(*batch, 0);
    actions.step(*twin, 0);
    if (spec.action.kind == Space::Kind::kDiscrete) {
      for (const std::int64_t bad : {std::int64_t{-1}, spec.action.count}) {
        expect(throws([&] {
                 batch->step(std::vector<std::int64_t>{0, 0, bad});
               }),
               "action ", bad, " was accepted");
      }
      expect(throws([&] {
               batch->step(std::vector<std::int64_t>{0, 0});
             }),
             "a short action block was accepted");
      expect(throws([&] {
               batch->step(std::vector<float>{0, 0, 0});
             }),
             "float actions were accepted");
    } else {
      const auto width = static_cast<std::size_t>(spec.action.size());
      for (const float bad :
           {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        std::vector<float> block(3 * width);
        block.back() = bad;
        expect(throws([&] { batch->step(block); }), "action ", bad, " was accepted");
      }
      expect(throws([&] { batch->step(std::vector<float>(3 * width + 1)); }),
             "a long action block was accepted");
    }
    expect(column_bytes(*batch, 0, 3) == column_bytes(*twin, 0, 3),
           "a refused action changed the columns");
    actions.step(*batch, 1);
    actions.step(*twin, 1);
    expect(column_bytes(*batch, 0, 3) == column_bytes(*twin, 0, 3),
           "a refused action changed the state");
    expect(throws([&] { batch->reset(std::vector<std::uint64_t>{1}); }), "one seed for three rows");
    expect(throws([&] { batch->reset({}, std::vector<std::uint8_t>{1}); }),
           "a mask of one for three rows");
  }

  void states_can_be_saved_and_branched() {
    const auto source = make(3, AutoresetMode::kSameStep, 1, Index{30});
    const auto target = make(5, AutoresetMode::kSameStep, 2, Index{30});
    RandomActions actions(spec, 3, kSeed);
    for (Index t = 0; t < 17; ++t) {
      actions.step(*source, t);
    }
    std::vector<std::byte> state(static_cast<std::size_t>(source->state_bytes()));
    source->get_state(std::vector<Index>{1}, state);
    target->set_state(std::vector<Index>{4}, state);
    expect(throws([&] { target->set_state(std::vector<Index>{5}, state); }), "row 5 of 5 exists");
    RandomActions target_actions(spec, 5, kSeed);
    for (Index t = 17; t < 60; ++t) {
      actions.step(*source, t);
      const auto expected = column_bytes(*source, 1, 2);
      target_actions.step_as(*target, t, std::vector<Index>{0, 0, 0, 0, 1});
      expect(column_bytes(*target, 4, 5) == expected, "a branched row goes its own way at step ",
             t);
    }
  }
};

}  // namespace

std::vector<std::string> check_conformance(const Registration& registration,
                                           const Keywords& keywords) {
  Check check{registration, keywords};
  check.spec_is_sane();
  check.observations_stay_in_space();
  check.resets_vary_by_row_and_episode_not_by_n();
  check.bits_do_not_depend_on_threads_or_n();
  check.time_limit_is_exact();
  check.reset_modes_agree();
  check.bad_actions_change_nothing();
  check.states_can_be_saved_and_branched();
  return check.failures;
}

std::string golden_hash(const Registration& registration, const Keywords& keywords) {
  const auto batch = registration.make({.size = 4, .seed = kSeed}, keywords);
  RandomActions actions(batch->spec(), 4, kSeed);
  Sha256 hash;
  for (Index t = 0; t < 1000; ++t) {
    actions.step(*batch, t);
    hash_columns(hash, *batch);
  }
  return hash.hex();
}

}  // namespace palaestra::envs
