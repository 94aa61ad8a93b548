#include <palaestra/agents/doc/bank.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/replay/as_float.h>

namespace palaestra::agents::doc {

namespace {

constexpr Purpose kBankPurpose = purpose("doc/bank");

/// The number of a counted state, or standardised numbers.
void key_of(const Task& task, std::span<const float> state, std::span<float> key) {
  if (task.counts_states()) {
    key[0] = state[0];
  } else {
    task.encode_observation(state, key);
  }
}

/// [rows, columns] as [columns, rows].
std::vector<float> transposed(std::span<const float> x, Index rows, Index columns) {
  std::vector<float> result(x.size());
  for (Index row = 0; row < rows; ++row) {
    for (Index column = 0; column < columns; ++column) {
      result[as_size(column * rows + row)] = x[as_size(row * columns + column)];
    }
  }
  return result;
}

Index key_width(const Task& task) { return task.counts_states() ? 1 : task.observation_width(); }

}  // namespace

Bank::Bank(const Task& task, Index latent, Index most, std::span<const float> states,
           std::span<const float> z)
    : latent_(latent), width_(key_width(task)) {
  const Index size = task.observation.size(), rows = std::ssize(states) / size;
  require(rows * size == std::ssize(states) && rows * latent == std::ssize(z), "doc: a bank of ",
          states.size(), " numbers of states and ", z.size(), " of latents, expected ", size,
          " and ", latent, " for each row");
  std::vector<Index> kept(as_size(task.counts_states() ? task.observation.count : 0));
  std::vector<float> key(as_size(width_));
  for (Index row = 0; row < rows; ++row) {
    key_of(task, states.subspan(as_size(row * size), as_size(size)), key);
    if (!kept.empty() && kept.at(static_cast<std::size_t>(key[0]))++ >= most) continue;
    states_.insert(states_.end(), key.begin(), key.end());
    const auto latents = z.subspan(as_size(row * latent), as_size(latent));
    z_.insert(z_.end(), latents.begin(), latents.end());
  }
  states_ = transposed(states_, Bank::size(), width_);
  if (task.counts_states()) sort_by_state();
}

void Bank::find(const Task& task, std::span<const float> state, Index most, Found& found) const {
  found.rows.clear();
  if (task.counts_states()) {
    const auto [first, last] = std::equal_range(states_.begin(), states_.end(), state[0]);
    for (auto row = first; row != last && std::ssize(found.rows) < most; ++row) {
      found.rows.push_back(row - states_.begin());
    }
    return;
  }
  auto& [rows, key, distances, nearest] = found;
  const Index stored = size();
  key.resize(as_size(width_));
  key_of(task, state, key);
  distances.assign(as_size(stored), 0.0f);
  for (Index i = 0; i < width_; ++i) {  // one number of all states at a time: whole vectors
    const float mine = key[as_size(i)];
    const float* theirs = states_.data() + i * stored;
    for (float& distance : distances) {
      const float apart = mine - *theirs++;
      distance += apart * apart;
    }
  }
  // the nearest, kept as a heap whose top is the farthest of them
  nearest.clear();
  for (Index row = 0; row < stored; ++row) {
    const float distance = distances[as_size(row)];
    if (std::ssize(nearest) == most) {
      if (!(distance < nearest.front().first)) continue;  // ties to the older, which are there
      std::pop_heap(nearest.begin(), nearest.end());
      nearest.pop_back();
    }
    nearest.emplace_back(distance, row);
    std::push_heap(nearest.begin(), nearest.end());
  }
  for (const auto& [distance, row] : nearest) rows.push_back(row);
  std::sort(rows.begin(), rows.end());
}

/// Rows of equal states become neighbours, in the order in which they were drawn.
void Bank::sort_by_state() {
  std::vector<Index> order(as_size(size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Index a, Index b) { return states_[as_size(a)] < states_[as_size(b)]; });
  const std::vector<float> z = z_, states = states_;
  for (std::size_t i = 0; i < order.size(); ++i) {
    states_[i] = states[as_size(order[i])];
    std::copy_n(z.begin() + order[i] * latent_, latent_,
                z_.begin() + static_cast<Index>(i) * latent_);
  }
}

void Bank::save(ArchiveWriter& archive, std::string_view prefix) const {
  archive.put(concat(prefix, "z"), z_, {size(), std::max<Index>(latent_, 1)});
  archive.put(concat(prefix, "states"), transposed(states_, width_, size()),
              {size(), std::max<Index>(width_, 1)});
}

Bank Bank::load(const ArchiveReader& archive, std::string_view prefix, const Task& task,
                Index latent) {
  Bank bank;
  bank.latent_ = latent;
  bank.width_ = key_width(task);
  bank.z_ = archive.get_vector<float>(concat(prefix, "z"));
  bank.states_ = archive.get_vector<float>(concat(prefix, "states"));
  require(std::ssize(bank.z_) % bank.latent_ == 0 &&
              std::ssize(bank.states_) == bank.size() * bank.width_,
          "doc: the saved bank \"", prefix, "\" has ", bank.z_.size(), " numbers of latents and ",
          bank.states_.size(), " of states; expected ", bank.latent_, " and ", bank.width_,
          " for each row");
  for (const std::vector<float>* values : {&bank.z_, &bank.states_}) {
    for (const float x : *values) {
      require(std::isfinite(x), "doc: the saved bank \"", prefix, "\" holds ", x,
              "; accepted: finite numbers");
    }
  }
  bank.states_ = transposed(bank.states_, bank.size(), bank.width_);
  require(!task.counts_states() || std::is_sorted(bank.states_.begin(), bank.states_.end()),
          "doc: the states of the saved bank \"", prefix, "\" are not in ascending order");
  return bank;
}

// ---- filling one

KeptWindows bank_windows(const replay::Storage& data, const rollout::WindowSampling& sampling,
                         Index windows, Index at_once, std::uint64_t seed) {
  return {data, sampling, windows, at_once, Stream(seed, kBankPurpose, 0)};
}

Bank fill_bank(const Task& task, Index latent, Index most, const KeptWindows& windows,
               std::uint64_t seed, const Encode& encode) {
  const Index size = task.observation.size();
  Stream noise(seed, kBankPurpose, 1);
  std::vector<float> states, z;
  for (Index k = 0; k < windows.batches(); ++k) {
    const replay::WindowBatch batch = windows.batch(k);
    const std::size_t rows_before = states.size() / as_size(size);
    const std::size_t rows = as_size(batch.windows);
    z.resize((rows_before + rows) * as_size(latent));
    encode(batch, noise, std::span(z).subspan(rows_before * as_size(latent)));
    states.resize((rows_before + rows) * as_size(size));
    const replay::WindowBlock& block = batch.column("observation");
    const std::size_t bytes = size_of(block.dtype) * as_size(size);
    for (std::size_t w = 0; w < rows; ++w) {
      // the row that was drawn: where the window's future begins
      const Index drawn = batch.first[w] + (batch.index[w] - batch.start[w]);
      replay::copy_as_float(
          block.dtype,
          block.bytes.data() + as_size(static_cast<Index>(w) * block.steps + drawn) * bytes,
          states.data() + (rows_before + w) * as_size(size), size);
    }
  }
  // of the last batch as many as were asked for
  return {task, latent, most,
          std::span<const float>(states).first(as_size(windows.windows() * size)),
          std::span<const float>(z).first(as_size(windows.windows() * latent))};
}

}  // namespace palaestra::agents::doc
