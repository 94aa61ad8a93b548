#pragma once

#include <tuple>

#include <palaestra/core/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/experiments/measurement.h>

namespace palaestra::experiments::ailboost {

/// Rows of learners in the replay buffer, drawn by the learners' weights.
struct WeightsStudy {
  Index learners = 10;
  Index gone = 0;
  double alpha = 0.05;
  Index rows = 8;
  Index draws = 1'000'000;

  static constexpr auto fields() {
    using C = WeightsStudy;
    return std::tuple{
        field("learners", &C::learners, "that are there in the end", between(1, 10'000)),
        field("gone", &C::gone, "learners before them, evicted as newer ones came",
              between(0, 10'000)),
        field("alpha", &C::alpha, "weight of a new learner",
              Range{.low = 0, .high = 1, .open_low = true}),
        field("rows", &C::rows, "each learner has from 1 to this many, alike", between(1, 1000)),
        field("draws", &C::draws, "rows that are drawn", between(1, 1'000'000'000)),
    };
  }
};

/// Nothing that the buffer says of its groups is relied on: rows carry their number, and what is
/// expected of them comes from w_i = alpha (1 - alpha)^(t - i), the oldest having
/// w_1 = (1 - alpha)^(t - 1), and from how many rows each learner was given. Numbers:
///
///   effective_learners   1 / sum w^2 of the buffer's weights
///   oldest_mass          of them the oldest learner's
///   closed_form_error    how far a weight was ever from w_i, from the first learner to the last
///   p_learners, p_rows   of chi-square tests of the draws of learners against w_k, and of each row
///                        against w_k / n_k
///   strays               draws of rows that belong to no learner, or to one that is gone
void run_weights(const WeightsStudy& study, std::uint64_t seed, Threads threads, Measurement& to);

/// Rows between mark() and roll_back(), as those of practice are in AILBoost.
struct TailStudy {
  Index rows = 120;
  Index tail = 40;
  Index rounds = 20;
  Index draws = 5000;

  static constexpr auto fields() {
    using C = TailStudy;
    return std::tuple{
        field("rows", &C::rows, "of each of the two learners that stay", between(1, 100'000)),
        field("tail", &C::tail, "rows behind a mark, from 1 to this many", between(1, 100'000)),
        field("rounds", &C::rounds, "marks that are rolled back", between(1, 10'000)),
        field("draws", &C::draws, "of each way to draw, after each round", between(1, 1'000'000)),
    };
  }
};

/// Of every round a part of the tail is a group of its own. In the end a third learner comes, whose
/// rows could be taken for a tail's. Numbers:
///
///   tail_seen      fewest draws of a tail while it was there: nothing is shown by its absence else
///   tail_drawn     draws of a tail's rows after it was rolled back: uniform, among the newest, by
///                  episode and by learner
///   rows_changed   rows that are missing, new or different after a round
///   ids_resolved   ids of a tail's rows that afterwards name a row or belong to a group
void run_tail(const TailStudy& study, std::uint64_t seed, Threads threads, Measurement& to);

}  // namespace palaestra::experiments::ailboost
