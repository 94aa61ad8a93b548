#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include <palaestra/agents/doc/bank.h>
#include <palaestra/agents/doc/config.h>
#include <palaestra/agents/sequence/turn.h>

namespace palaestra::agents::doc {

/// The bank of a learner as it is now, from windows of that data.
template <class L>
Bank bank_of(L& learner, const KeptWindows& windows, std::uint64_t seed) {
  return fill_bank(learner.task(), learner.config().latent, learner.config().stored_candidates(),
                   windows, seed,
                   [&](const replay::WindowBatch& batch, Stream& random, std::span<float> z) {
                     learner.encode(batch, random, z);
                   });
}

/// The same from the windows that the seed draws of the data.
template <class L>
Bank bank_of(L& learner, const replay::Storage& data, std::uint64_t seed) {
  const auto& config = learner.config();
  return bank_of(
      learner,
      bank_windows(data, *config.sampling().windows, config.bank_windows, config.batch_size, seed),
      seed);
}

/// A learner of latents, and the bank that acting takes its candidates from. The bank follows the
/// encoder: where there were updates since, it is drawn anew, from the same windows, when somebody
/// asks for it. So it depends on parameters, data and seed alone, not on who asked when.
template <class L>
class WithBank {
 public:
  using Config = std::decay_t<decltype(std::declval<const L&>().config())>;

  WithBank(Task task, const Config& config, std::uint64_t seed, Threads threads)
      : learner_(std::move(task), config, seed, threads),
        bank_(std::make_shared<const Bank>(learner_.task(), config.latent,
                                           config.stored_candidates(), std::span<const float>(),
                                           std::span<const float>())) {}

  const L& learner() const { return learner_; }
  void update(const replay::WindowBatch& batch) { learner_.update(batch); }
  std::span<const rollout::Metric> metrics() const { return learner_.metrics(); }
  Index updates() const { return learner_.updates(); }

  /// Keeps the windows for the bank, where plans have one, as the learner's seed draws them. Throws
  /// as KeptWindows.
  void keep_windows(const replay::Storage& data) {
    const Config& config = learner_.config();
    if (config.candidates_from != Candidates::kBank) return;
    windows_.emplace(bank_windows(data, *config.sampling().windows, config.bank_windows,
                                  config.batch_size, learner_.seed()));
  }
  /// Takes over the windows of another one for the same data.
  void keep_windows_of(WithBank& other) { windows_ = std::move(other.windows_); }

  /// The bank of the present encoder; without windows, where a trained agent was loaded, that of
  /// the file; empty where plans have none. May be called by several threads at once, between
  /// updates.
  std::shared_ptr<const Bank> bank() const {
    if (bank_updates_.load(std::memory_order_acquire) != learner_.updates()) {
      const std::scoped_lock lock(filling_);
      if (windows_ && bank_updates_.load(std::memory_order_relaxed) != learner_.updates()) {
        bank_ = std::make_shared<const Bank>(bank_of(learner_, *windows_, learner_.seed()));
        bank_updates_.store(learner_.updates(), std::memory_order_release);
      }
    }
    return bank_;
  }

  void save(ArchiveWriter& archive, std::string_view prefix) const {
    learner_.save(archive, prefix);
    bank()->save(archive, concat(prefix, "bank."));
  }
  /// Throws UserError on a mismatch and is then not to be used.
  void load(const ArchiveReader& archive, std::string_view prefix) {
    learner_.load(archive, prefix);
    bank_ = std::make_shared<const Bank>(
        Bank::load(archive, concat(prefix, "bank."), learner_.task(), learner_.config().latent));
    bank_updates_.store(learner_.updates(), std::memory_order_release);
  }

 private:
  mutable L learner_;  // encoding uses its scratch memory
  std::optional<KeptWindows> windows_;
  mutable std::mutex filling_;
  mutable std::shared_ptr<const Bank> bank_;
  mutable std::atomic<Index> bank_updates_ = -1;
};

/// Acts by what a learner with a bank has come to.
template <class L, class A>
class BankActor {
 public:
  explicit BankActor(const WithBank<L>& model) : model_(&model), actor_(model.learner()) {}

  template <class Memory>
  void act(Memory& memory, const rollout::Past& past, std::span<const float> observations,
           const sequence::Turn& turn, std::span<float> actions) {
    actor_.set_bank(model_->bank());
    actor_.act(memory, past, observations, turn, actions);
  }

 private:
  const WithBank<L>* model_;
  A actor_;
};

}  // namespace palaestra::agents::doc
