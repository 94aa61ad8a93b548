#include <palaestra/agents/doc/transformer/bank.h>

#include <algorithm>

#include <palaestra/replay/window_sampler.h>

namespace palaestra::agents::doc {

namespace {
constexpr Purpose kBankPurpose = purpose("doc/transformer/bank");
}

SequenceBank SequenceBank::fill(SequenceLearner& learner,
                                const replay::WeightedReplayBuffer& buffer, std::uint64_t seed) {
  const SequenceConfig& config = learner.config();
  SequenceBank bank;
  bank.latent_ = config.latent;
  bank.width_ = learner.task().observation_width();
  replay::WindowSampler sampler(buffer, sequence::window_columns());
  std::vector<float> z(static_cast<std::size_t>(config.batch_size * bank.latent_));
  std::vector<float> states(static_cast<std::size_t>(config.batch_size * bank.width_));
  for (Index i = 0; i * config.batch_size < config.bank_windows; ++i) {
    Stream random(seed, kBankPurpose, static_cast<std::uint64_t>(i));
    const replay::WindowBatch& batch = sampler.sample(buffer, random,
                                                      {.windows = config.batch_size,
                                                       .shape = sequence_shape(config),
                                                       .fit = replay::WindowFit::kPad,
                                                       .choice = {}});
    learner.encode(batch, random, z, states);
    bank.z_.insert(bank.z_.end(), z.begin(), z.end());
    bank.states_.insert(bank.states_.end(), states.begin(), states.end());
  }
  bank.order_.reserve(static_cast<std::size_t>(bank.size()));
  return bank;
}

void SequenceBank::find(std::span<const float> state, bool counted, Index most,
                        std::vector<Index>& out) {
  out.clear();
  order_.clear();
  for (Index entry = 0; entry < size(); ++entry) {
    float distance = 0;
    for (Index c = 0; c < width_; ++c) {
      const float d = states_[static_cast<std::size_t>(entry * width_ + c)] -
                      state[static_cast<std::size_t>(c)];
      distance += d * d;
    }
    if (counted && distance > 0) continue;
    order_.emplace_back(distance, entry);
    if (counted && std::ssize(order_) == most) break;
  }
  const auto count = std::min<std::ptrdiff_t>(most, std::ssize(order_));
  std::partial_sort(order_.begin(), order_.begin() + count, order_.end());
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    out.push_back(order_[static_cast<std::size_t>(i)].second);
  }
}

}  // namespace palaestra::agents::doc
