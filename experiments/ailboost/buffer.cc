#include <palaestra/experiments/ailboost/buffer.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <palaestra/experiments/statistics/chi_square.h>
#include <palaestra/replay/weighted_replay_buffer.h>

namespace palaestra::experiments::ailboost {
namespace {

using replay::BufferOptions;
using replay::GroupWeights;
using replay::Minibatch;
using replay::RowId;
using replay::Selection;
using replay::Storage;
using replay::WeightedReplayBuffer;

constexpr Purpose kSizesPurpose = purpose("experiments/ailboost/sizes");
constexpr Purpose kDrawsPurpose = purpose("experiments/ailboost/draws");

constexpr Index kBatch = 1000;  // rows drawn at a time
constexpr Index kLearnerLane = 0, kOnlineLane = 1;

WeightedReplayBuffer make_buffer(const BufferOptions& options) {
  return {replay::transition_columns(Space::box(1, -INFINITY, INFINITY), Space::box(1, -1, 1)),
          options};
}

/// Rows of one episode, whose observations are first, first + 1, ...
void extend(WeightedReplayBuffer& buffer, Index lane, Index first, Index rows, bool ends = true) {
  require(first + rows < Index{1} << 24, "row ", first + rows,
          " has no number in float32; accepted: fewer than 2^24 rows in all");
  std::vector<float> observation(as_size(rows)), next(as_size(rows)), zero(as_size(rows), 0.0f);
  std::iota(observation.begin(), observation.end(), static_cast<float>(first));
  std::iota(next.begin(), next.end(), static_cast<float>(first + 1));
  const std::vector<std::uint8_t> terminated(as_size(rows), 0);
  std::vector<std::uint8_t> truncated(as_size(rows), 0);
  truncated.back() = ends ? 1 : 0;
  const std::array<replay::NamedValues, 3> columns = {
      {{"observation", observation}, {"action", zero}, {"reward", zero}}};
  const std::array<replay::NamedValues, 1> states = {{{"observation", next}}};
  buffer.extend(lane, {.columns = columns,
                       .terminated = terminated,
                       .truncated = truncated,
                       .skip = {},
                       .next = states,
                       .last = states});
}

/// Calls `on` with the number of each drawn row.
template <class F>
void draw(WeightedReplayBuffer& buffer, Stream& random, Selection selection, Index draws, F&& on) {
  for (Index done = 0; done < draws; done += kBatch) {
    const Minibatch& batch = buffer.sample(
        random, {.rows = std::min(kBatch, draws - done), .selection = selection, .recent = 100});
    for (const float number : batch.observation) {
      on(static_cast<std::size_t>(number));
    }
  }
}

/// Oldest first.
std::vector<double> closed_form(Index learners, double alpha) {
  std::vector<double> weights;
  for (Index age = learners - 1; age >= 0; --age) {
    weights.push_back(std::pow(1 - alpha, static_cast<double>(age)));
    if (age < learners - 1) {
      weights.back() *= alpha;
    }
  }
  return weights;
}

std::vector<double> weights_of(const WeightedReplayBuffer& buffer) {
  std::vector<double> weights;
  for (Index k = 0; k < buffer.groups().size(); ++k) {
    weights.push_back(buffer.groups().probability(k));
  }
  return weights;
}

double largest_difference(const std::vector<double>& x, const std::vector<double>& y) {
  if (x.size() != y.size()) {
    return INFINITY;
  }
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    largest = std::max(largest, std::abs(x[i] - y[i]));
  }
  return largest;
}

using StoredRow = std::pair<RowId, float>;  // and its number

/// In order of their ids.
std::vector<StoredRow> contents(const WeightedReplayBuffer& buffer) {
  const Storage& storage = buffer.storage();
  std::vector<StoredRow> rows;
  for (Index k = 0; k < storage.size(); ++k) {
    const RowId id = storage.id_of(storage.locate(k));
    float number = 0;
    storage.read("observation", std::span(&id, 1), std::as_writable_bytes(std::span(&number, 1)));
    rows.emplace_back(id, number);
  }
  std::ranges::sort(rows);
  return rows;
}

}  // namespace

void run_weights(const WeightsStudy& study, std::uint64_t seed, Threads, Measurement& to) {
  const Index all = study.learners + study.gone, most_rows = all * study.rows;
  WeightedReplayBuffer buffer =
      make_buffer({.capacity = 2 * most_rows,
                   .lanes = 2,
                   .groups = {.kind = GroupWeights::Kind::kGeometric, .discount = study.alpha}});
  Stream sizes(seed, kSizesPurpose);
  std::vector<Index> begin = {0};  // number of the first row of each learner, then of no learner
  double error = 0;
  for (Index k = 0; k < all; ++k) {
    const Index rows = 1 + sizes.below(study.rows);
    buffer.begin_group();
    extend(buffer, kLearnerLane, begin.back(), rows);
    begin.push_back(begin.back() + rows);
    if (buffer.groups().size() == study.learners) {
      buffer.evict_oldest(kLearnerLane, buffer.groups().info(0).rows);
    }
    buffer.end_group();
    const Index there = std::min(k + 1, study.learners);
    error =
        std::max(error, largest_difference(weights_of(buffer), closed_form(there, study.alpha)));
  }
  extend(buffer, kOnlineLane, begin.back(), study.rows);  // of practice

  std::vector<double> counts(as_size(begin.back() + study.rows), 0.0);
  Stream random(seed, kDrawsPurpose);
  draw(buffer, random, Selection::kGroup, study.draws, [&](std::size_t row) { counts[row] += 1; });

  const std::vector<double> weights = closed_form(study.learners, study.alpha);
  const auto draws = static_cast<double>(study.draws);
  std::vector<double> by_learner, expected_by_learner, by_row, expected_by_row;
  double belonging = 0;
  for (Index k = 0; k < study.learners; ++k) {
    const Index first = begin[as_size(study.gone + k)], end = begin[as_size(study.gone + k + 1)];
    const auto own = std::span(counts).subspan(as_size(first), as_size(end - first));
    by_learner.push_back(std::accumulate(own.begin(), own.end(), 0.0));
    expected_by_learner.push_back(draws * weights[as_size(k)]);
    by_row.insert(by_row.end(), own.begin(), own.end());
    expected_by_row.insert(expected_by_row.end(), own.size(),
                           expected_by_learner.back() / static_cast<double>(own.size()));
    belonging += by_learner.back();
  }

  const std::vector<double> measured = weights_of(buffer);
  to.numbers["effective_learners"] =
      1 / std::inner_product(measured.begin(), measured.end(), measured.begin(), 0.0);
  to.numbers["oldest_mass"] = measured.front();
  to.numbers["closed_form_error"] = error;
  to.numbers["p_learners"] = chi_square_p(by_learner, expected_by_learner);
  to.numbers["p_rows"] = chi_square_p(by_row, expected_by_row);
  to.numbers["strays"] = draws - belonging;
}

void run_tail(const TailStudy& study, std::uint64_t seed, Threads, Measurement& to) {
  WeightedReplayBuffer buffer = make_buffer({.capacity = 3 * study.rows,
                                             .tail = study.tail,
                                             .groups = {.kind = GroupWeights::Kind::kGeometric}});
  Stream sizes(seed, kSizesPurpose), random(seed, kDrawsPurpose);
  std::vector<bool> of_a_tail;  // by number
  const auto add_rows = [&](Index rows, bool tail, bool ends) {
    extend(buffer, kLearnerLane, std::ssize(of_a_tail), rows, ends);
    of_a_tail.insert(of_a_tail.end(), as_size(rows), tail);
  };
  const auto add_learner = [&](Index rows, bool tail) {
    buffer.begin_group();
    add_rows(rows, tail, true);
    buffer.end_group();
  };
  std::set<RowId> tail_ids;
  Index seen = study.draws, drawn = 0, changed = 0, resolved = 0;
  const auto look_for_tails = [&] {
    for (const Selection selection :
         {Selection::kUniform, Selection::kRecent, Selection::kEpisode, Selection::kGroup}) {
      draw(buffer, random, selection, study.draws,
           [&](std::size_t row) { drawn += of_a_tail[row] ? 1 : 0; });
    }
    for (const RowId id : tail_ids) {
      const bool is_there = buffer.storage().presence(id) == Storage::Presence::kStored;
      resolved += is_there || buffer.groups().group_of(id) >= 0 ? 1 : 0;
    }
  };

  add_learner(study.rows, false);
  add_learner(study.rows, false);
  const std::vector<StoredRow> before = contents(buffer);
  for (Index round = 0; round < study.rounds; ++round) {
    buffer.mark();
    const Index rows = 1 + sizes.below(study.tail), grouped = sizes.below(rows);
    if (grouped > 0) {
      add_learner(grouped, true);
    }
    add_rows(rows - grouped, true, false);
    for (const auto& [id, number] : contents(buffer)) {
      if (of_a_tail[static_cast<std::size_t>(number)]) {
        tail_ids.insert(id);
      }
    }
    Index here = 0;
    draw(buffer, random, Selection::kUniform, study.draws,
         [&](std::size_t row) { here += of_a_tail[row] ? 1 : 0; });
    seen = std::min(seen, here);
    buffer.roll_back();
    std::vector<StoredRow> difference;
    std::ranges::set_symmetric_difference(before, contents(buffer), std::back_inserter(difference));
    changed += std::ssize(difference);
    look_for_tails();
  }
  add_learner(study.rows, false);
  look_for_tails();

  to.numbers["tail_seen"] = static_cast<double>(seen);
  to.numbers["tail_drawn"] = static_cast<double>(drawn);
  to.numbers["rows_changed"] = static_cast<double>(changed);
  to.numbers["ids_resolved"] = static_cast<double>(resolved);
}

}  // namespace palaestra::experiments::ailboost
