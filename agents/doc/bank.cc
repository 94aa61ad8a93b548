#include <palaestra/agents/doc/bank.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/replay/as_float.h>
#include <palaestra/replay/window_sampler.h>

namespace palaestra::agents::doc {

namespace {

constexpr Purpose kBankPurpose = purpose("doc/bank");

std::size_t as_size(Index n) { return static_cast<std::size_t>(n); }

/// The number of a counted state, or standardised numbers.
void key_of(const Task& task, std::span<const float> state, std::span<float> key) {
  if (task.counts_states()) {
    key[0] = state[0];
  } else {
    task.encode_observation(state, key);
  }
}

Index key_width(const Task& task) { return task.counts_states() ? 1 : task.observation_width(); }

}  // namespace

Bank Bank::fill(Learner& learner, const replay::WeightedReplayBuffer& buffer, std::uint64_t seed) {
  const Task& task = learner.task();
  const DocConfig& config = learner.config();
  Bank bank;
  bank.latent_ = config.latent;
  bank.width_ = key_width(task);
  replay::WindowSampler sampler(buffer, window_columns());
  Stream rows(seed, kBankPurpose, 0), noise(seed, kBankPurpose, 1);
  std::vector<Index> kept(as_size(task.counts_states() ? task.observation.count : 0));
  std::vector<float> z, state(as_size(task.observation.size())), key(as_size(bank.width_));
  replay::WindowRequest request{.shape = {.length = config.window}};
  for (Index left = config.bank_windows; left > 0; left -= request.windows) {
    request.windows = std::min(left, config.batch_size);
    const replay::WindowBatch& batch = sampler.sample(buffer, rows, request);
    z.resize(as_size(request.windows * config.latent));
    learner.encode(batch, noise, z);
    const replay::WindowBlock& states = batch.column("observation");
    const std::size_t bytes = states.bytes.size() / as_size(batch.windows);
    for (std::size_t i = 0; i < as_size(batch.windows); ++i) {
      replay::copy_as_float(states.dtype, states.bytes.data() + i * bytes, state.data(),
                            states.width);
      key_of(task, state, key);
      if (!kept.empty() && kept[static_cast<std::size_t>(key[0])]++ >= config.bank_candidates) {
        continue;
      }
      bank.states_.insert(bank.states_.end(), key.begin(), key.end());
      const auto latent = std::span(z).subspan(i * as_size(bank.latent_), as_size(bank.latent_));
      bank.z_.insert(bank.z_.end(), latent.begin(), latent.end());
    }
  }
  if (task.counts_states()) bank.sort_by_state();
  return bank;
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
  // the nearest, kept as a heap whose top is the farthest of them
  auto& nearest = found.nearest;
  nearest.clear();
  for (Index row = 0; row < size(); ++row) {
    float distance = 0;
    for (std::size_t i = 0; i < as_size(width_); ++i) {
      const float apart =
          task.observation_scale.to(state[i], i) - states_[as_size(row * width_) + i];
      distance += apart * apart;
    }
    const std::pair candidate{distance, row};
    if (std::ssize(nearest) == most) {
      if (!(candidate < nearest.front())) continue;
      std::pop_heap(nearest.begin(), nearest.end());
      nearest.pop_back();
    }
    nearest.push_back(candidate);
    std::push_heap(nearest.begin(), nearest.end());
  }
  for (const auto& [distance, row] : nearest) found.rows.push_back(row);
  std::sort(found.rows.begin(), found.rows.end());
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
  archive.put(concat(prefix, "states"), states_, {size(), std::max<Index>(width_, 1)});
}

Bank Bank::load(const ArchiveReader& archive, std::string_view prefix, const Learner& learner) {
  Bank bank;
  bank.latent_ = learner.config().latent;
  bank.width_ = key_width(learner.task());
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
  require(
      !learner.task().counts_states() || std::is_sorted(bank.states_.begin(), bank.states_.end()),
      "doc: the states of the saved bank \"", prefix, "\" are not in ascending order");
  return bank;
}

}  // namespace palaestra::agents::doc
