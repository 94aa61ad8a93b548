#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/core/parallel.h>
#include <palaestra/nn/learning_rate.h>

namespace palaestra::nn {

struct AdamOptions {
  double learning_rate = 3e-4;
  double beta1 = 0.9;    ///< decay of the first moment
  double beta2 = 0.999;  ///< decay of the second moment
  double epsilon = 1e-8;
  double weight_decay = 0;  ///< decoupled (AdamW): parameters shrink by learning rate * decay
  double clip_value = 0;    ///< each gradient to within ± this; 0: off
  double clip_norm = 0;     ///< the whole gradient to this Euclidean norm; 0: off
  LearningRateSchedule schedule{};
};

/// Adam (Kingma & Ba 2015, arXiv 1412.6980) and AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101)
/// over one flat vector, in one pass. The arithmetic is PyTorch's: bias-corrected moments, epsilon
/// added after the correction; norm clipping scales by clip_norm / (norm + 1e-6) as
/// `clip_grad_norm_` does, after clipping by value.
///
/// Same bits for any number of threads: work and sums are cut into fixed blocks.
class Adam {
 public:
  /// Throws UserError for an option out of range.
  Adam(Index size, const AdamOptions& options);

  /// parameters -= step. Sizes must be that of the constructor (UserError).
  void step(std::span<float> parameters, std::span<const float> gradient,
            Threads threads = Threads{1});

  /// step(), then target = (1 - tau) target + tau parameters, while both are in cache.
  void step_and_average(std::span<float> parameters, std::span<const float> gradient,
                        std::span<float> target, double tau, Threads threads = Threads{1});

  Index updates() const { return updates_; }
  /// The learning rate of the next step.
  double learning_rate() const;
  /// Norm of the last gradient, before clipping by norm; 0 unless clip_norm is set.
  double gradient_norm() const { return norm_; }

  /// Blocks prefix + "first_moment", "second_moment", "updates". load() throws UserError on a
  /// mismatch and then leaves this as it was.
  void save(ArchiveWriter& archive, std::string_view prefix) const;
  void load(const ArchiveReader& archive, std::string_view prefix);

 private:
  float clip_scale(std::span<const float> gradient, Threads threads);

  AdamOptions options_;
  std::vector<float> first_, second_;  // m, v
  std::vector<double> block_sums_;
  Index updates_ = 0;
  double norm_ = 0;
};

/// target = (1 - tau) target + tau source. Throws UserError unless sizes agree.
void polyak_average(std::span<float> target, std::span<const float> source, double tau,
                    Threads threads = Threads{1});

}  // namespace palaestra::nn
