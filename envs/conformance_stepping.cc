#include <algorithm>
#include <limits>

#include <palaestra/envs/conformance_check.h>

namespace palaestra::envs::conformance {
namespace {

/// All columns of rows [0, 5) over `steps` steps of a batch of n, and of all rows as a hash.
struct History {
  Bytes first_rows;
  std::string all_rows;
  bool operator==(const History&) const = default;
};

History history_of(AnyBatch& batch, RandomActions& actions, Index steps, Index block) {
  const Index n = batch.size();
  History history;
  Sha256 hash;
  for (Index t = 0; t < steps; ++t) {
    if (block == 0) {
      actions.step(batch, t);
    } else {  // as a collector does it, each thread its own rows
      for (Index row = 0; row < n; ++row) {
        actions.draw(row, row, t);
      }
      parallel_for(batch.options().threads, n, block, [&](Index begin, Index end, int thread) {
        actions.apply(batch, begin, end, thread);
      });
      batch.finish_step();
    }
    const Bytes all = all_column_bytes(batch, 0, n), first = all_column_bytes(batch, 0, 5);
    hash.update(all);
    history.first_rows.insert(history.first_rows.end(), first.begin(), first.end());
  }
  history.all_rows = hash.hex();
  return history;
}

}  // namespace

void bits_do_not_depend_on_threads_or_n(Check& check) {
  constexpr Index kSteps = 22, kLimit = 9;  // two automatic resets
  // enough rows that there is something to share between seven threads; few where a step is dear
  const Index n = std::clamp<Index>(5 * check.make(1)->grain() / 2 + 3, 24, 8192);
  RandomActions actions = check.actions(n);
  for (const AutoresetMode mode : {AutoresetMode::kNextStep, AutoresetMode::kSameStep}) {
    const auto run = [&](Index rows, int threads, Index block) {
      return history_of(*check.make(rows, mode, kLimit, threads), actions, kSteps, block);
    };
    const History expected = run(n, 1, 0);
    for (const int threads : {2, 3, 7}) {
      check.expect(run(n, threads, 0) == expected, "bits differ with ", threads, " threads");
      check.expect(run(n, threads, 5) == expected, "bits differ when ", threads,
                   " threads step blocks of 5 rows");
    }
    for (const Index rows : {Index{5}, Index{17}}) {
      check.expect(run(rows, 1, 0).first_rows == expected.first_rows,
                   "bits differ between n = ", rows, " and n = ", n);
    }
  }
  const auto alone = check.make(1, AutoresetMode::kNextStep, kLimit);
  const auto company = check.make(5, AutoresetMode::kNextStep, kLimit);
  for (Index t = 0; t < kSteps; ++t) {
    actions.step(*alone, t);
    actions.step(*company, t);
    check.expect(all_column_bytes(*alone, 0, 1) == all_column_bytes(*company, 0, 1),
                 "bits differ between n = 1 and n = 5 at step ", t);
  }
}

void seeded_rows_may_be_split_over_batches(Check& check) {
  constexpr Index kRows = 6, kLeft = 2, kLimit = 9;
  const std::vector<std::uint64_t> seeds = {3, 1, 4, 1, 5, 9};
  const std::vector<Index> left_rows = {0, 1}, right_rows = {2, 3, 4, 5};
  for (const AutoresetMode mode : {AutoresetMode::kNextStep, AutoresetMode::kSameStep}) {
    const auto whole = check.make(kRows, mode, kLimit, 2);
    const auto left = check.make(kLeft, mode, kLimit),
               right = check.make(kRows - kLeft, mode, kLimit);
    whole->reset(seeds);
    left->reset(std::span(seeds).first(kLeft));
    right->reset(std::span(seeds).subspan(kLeft));
    RandomActions actions = check.actions(kRows);
    for (Index t = 0; t < 30; ++t) {
      check.expect(
          all_column_bytes(*whole, 0, kLeft) == all_column_bytes(*left, 0, kLeft) &&
              all_column_bytes(*whole, kLeft, kRows) == all_column_bytes(*right, 0, kRows - kLeft),
          "seeded rows differ between one batch of ", kRows, " and two of ", kLeft, " and ",
          kRows - kLeft, " at step ", t);
      actions.step(*whole, t);
      actions.step_as(*left, t, left_rows);
      actions.step_as(*right, t, right_rows);
    }
  }
}

void time_limit_is_exact(Check& check) {
  const auto run = [&](Index rows, std::optional<Index> limit, Index effective, Index steps) {
    const auto batch = check.make(rows, AutoresetMode::kSameStep, limit);
    RandomActions actions = check.actions(rows);
    std::vector<Index> length(static_cast<std::size_t>(rows));
    for (Index t = 0; t < steps; ++t) {
      actions.step(*batch, t);
      for (std::size_t i = 0; i < length.size(); ++i) {
        const Index now = ++length[i];
        const bool late = effective > 0 && now >= effective;
        check.expect((batch->columns().truncated[i] != 0) ==
                         (late || batch->columns().status[i] != Status::kOk),
                     "truncation is ", !late, " after ", now, " steps with limit ", effective);
        if (ended(*batch, i)) {
          length[i] = 0;
        }
      }
    }
  };
  run(3, 1, 1, 10);
  run(3, 7, 7, 40);
  const Index own = check.spec.time_limit;
  if (own > 0 && own <= 5000) {
    run(1, {}, own, own + 3);
    run(1, 0, 0, own + 3);  // 0: never
  }
}

namespace {

/// What happened to each row, transition by transition, told the same way in every mode.
class Stories {
 public:
  Stories(Check& check, AutoresetMode mode, Index limit) : check_(check), mode_(mode) {
    const auto batch = check.make(kRows, mode, limit);
    RandomActions actions = check.actions(kRows);
    for (std::size_t i = 0; i < kRows; ++i) {
      add(i, observation_bytes(*batch, i, batch->columns().observation));
    }
    while (*std::min_element(transitions_.begin(), transitions_.end()) < kTransitions) {
      for (Index i = 0; i < Index{kRows}; ++i) {
        actions.draw(i, i, transitions_[static_cast<std::size_t>(i)]);
      }
      actions.apply(*batch);
      tell(*batch);
    }
  }

  const std::vector<Bytes>& rows() const { return stories_; }

 private:
  static constexpr std::size_t kRows = 3;
  static constexpr Index kTransitions = 80;

  void add(std::size_t row, const Bytes& bytes) {
    if (transitions_[row] < kTransitions) {
      stories_[row].insert(stories_[row].end(), bytes.begin(), bytes.end());
    }
  }
  template <class T>
  void add_number(std::size_t row, T number) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&number);
    add(row, Bytes(bytes, bytes + sizeof(number)));
  }

  void tell(AnyBatch& batch) {
    const BatchColumns& c = batch.columns();
    std::vector<std::uint8_t> mask(kRows);
    bool any = false;
    for (std::size_t i = 0; i < kRows; ++i) {
      const bool reset_row = mode_ == AutoresetMode::kNextStep && done_[i];
      check_.expect((c.reset[i] != 0) == reset_row, "the reset flag of row ", i, " is wrong");
      const bool end = ended(batch, i);
      if (reset_row) {
        check_.expect(
            c.reward[i] == 0.0 && !end && c.episode_length[i] == 0 && c.episode_return[i] == 0.0,
            "a reset row reports more than a fresh episode");
        add(i, observation_bytes(batch, i, c.observation));
      } else {
        return_[i] += c.reward[i];
        length_[i] += 1;
        check_.expect(c.episode_return[i] == return_[i], "episode_return is ", c.episode_return[i],
                      ", the rewards sum to ", return_[i]);
        check_.expect(c.episode_length[i] == length_[i], "episode_length is ", c.episode_length[i],
                      " after ", length_[i], " steps");
        const Bytes last = observation_bytes(batch, i, end ? c.final_observation : c.observation);
        check_.expect(!end || mode_ == AutoresetMode::kSameStep ||
                          last == observation_bytes(batch, i, c.observation),
                      "the final observation is not the last one");
        add(i, last);
        add_number(i, c.reward[i]);
        add_number(i, c.terminated[i]);
        add_number(i, c.truncated[i]);
        for (std::size_t k = 0; k < batch.spec().info.size(); ++k) {
          add_number(i, c.info[i * batch.spec().info.size() + k]);
        }
        transitions_[i] += 1;
        if (end && mode_ == AutoresetMode::kSameStep) {
          add(i, observation_bytes(batch, i, c.observation));
        }
        mask[i] = end;
        any = any || end;
      }
      if (end) {
        return_[i] = 0;
        length_[i] = 0;
      }
      done_[i] = end;
    }
    if (mode_ == AutoresetMode::kDisabled && any) {
      restart(batch, mask);
    }
  }

  /// Ended rows refuse another step, and start again when they are told to.
  void restart(AnyBatch& batch, const std::vector<std::uint8_t>& mask) {
    const Bytes columns = all_column_bytes(batch, 0, kRows), states = states_of(batch);
    RandomActions actions = check_.actions(kRows);
    check_.expect(!refusal([&] { actions.step(batch, 0); }).empty(),
                  "a finished row was stepped although autoreset is disabled");
    check_.expect(columns == all_column_bytes(batch, 0, kRows) && states == states_of(batch),
                  "the refused step of a finished row changed something");
    batch.reset({}, mask);
    for (std::size_t i = 0; i < kRows; ++i) {
      if (mask[i] != 0) {
        add(i, observation_bytes(batch, i, batch.columns().observation));
      }
    }
  }

  Check& check_;
  AutoresetMode mode_;
  std::vector<Bytes> stories_ = std::vector<Bytes>(kRows);
  std::vector<Index> transitions_ = std::vector<Index>(kRows), length_ = transitions_;
  std::vector<double> return_ = std::vector<double>(kRows);
  std::vector<bool> done_ = std::vector<bool>(kRows);
};

}  // namespace

void reset_modes_agree(Check& check) {
  for (const Index limit : {Index{1}, Index{9}, Index{60}}) {
    const Stories expected(check, AutoresetMode::kNextStep, limit);
    check.expect(Stories(check, AutoresetMode::kSameStep, limit).rows() == expected.rows(),
                 "NEXT_STEP and SAME_STEP tell different stories with limit ", limit);
    check.expect(Stories(check, AutoresetMode::kDisabled, limit).rows() == expected.rows(),
                 "NEXT_STEP and DISABLED tell different stories with limit ", limit);
  }
}

namespace {

/// Steps `batch` with one action of row `row` replaced; returns the message of the refusal.
template <class T>
std::string refusal_of(AnyBatch& batch, RandomActions& actions, std::span<T> block, Index row,
                       std::size_t at, T bad) {
  const T good = std::exchange(block[at], bad);
  const std::string whole = refusal([&] { actions.apply(batch); });
  const std::string part = refusal([&] { actions.apply(batch, row, row + 1, 0); });
  block[at] = good;
  return whole == part ? whole : concat("step: ", whole, "; step_rows: ", part);
}

}  // namespace

void bad_actions_change_nothing(Check& check) {
  constexpr Index kRows = 3;
  const auto batch = check.make(kRows), twin = check.make(kRows);
  RandomActions actions = check.actions(kRows);
  actions.step(*batch, 0);
  actions.step(*twin, 0);
  const auto width = static_cast<std::size_t>(check.spec.action.size());
  const auto expect_refused = [&](const std::string& message, Index row, auto bad) {
    check.expect(message.find(concat("row ", row)) != std::string::npos &&
                     message.find(concat(bad)) != std::string::npos,
                 "action ", bad, " of row ", row, " is not refused by row and value: ", message);
  };
  for (Index row = 0; row < kRows; ++row) {
    const std::size_t at = static_cast<std::size_t>(row + 1) * width - 1;
    if (check.is_discrete()) {
      using Limits = std::numeric_limits<std::int64_t>;
      for (const std::int64_t bad :
           {std::int64_t{-1}, check.spec.action.count, Limits::min(), Limits::max()}) {
        expect_refused(refusal_of(*batch, actions, actions.choices(), row, at, bad), row, bad);
      }
    } else {
      using Limits = std::numeric_limits<float>;
      for (const float bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
        expect_refused(refusal_of(*batch, actions, actions.numbers(), row, at, bad), row, bad);
      }
    }
  }

  const std::vector<float> floats(kRows * width + 1);
  const std::vector<std::int64_t> integers(kRows * width + 1);
  const auto takes = [&](std::size_t count, bool discrete) {
    return refusal([&] {
             discrete ? batch->step(std::span(integers).first(count))
                      : batch->step(std::span(floats).first(count));
           })
        .empty();
  };
  check.expect(!takes(kRows * width, !check.is_discrete()), "actions of another type are accepted");
  for (const std::size_t count : {std::size_t{0}, kRows * width - 1, kRows * width + 1}) {
    check.expect(!takes(count, check.is_discrete()), "a block of ", count, " numbers is accepted");
  }
  check.expect(!refusal([&] { actions.apply(*batch, 0, kRows + 1, 0); }).empty(),
               "rows beyond the batch are stepped");
  check.expect(!refusal([&] { actions.apply(*batch, 0, 1, 1); }).empty(),
               "scratch memory of a second thread is used where there is one");

  check.expect(all_column_bytes(*batch, 0, kRows) == all_column_bytes(*twin, 0, kRows),
               "a refused step changed the columns");
  check.expect(states_of(*batch) == states_of(*twin), "a refused step changed the states");
  actions.step(*batch, 1);
  actions.step(*twin, 1);
  check.expect(all_column_bytes(*batch, 0, kRows) == all_column_bytes(*twin, 0, kRows),
               "a refused step changed the future");
}

}  // namespace palaestra::envs::conformance
