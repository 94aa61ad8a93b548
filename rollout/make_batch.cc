#include <palaestra/rollout/make_batch.h>

#include <palaestra/envs/registry.h>
#include <palaestra/rollout/keywords.h>

namespace palaestra::rollout {

std::unique_ptr<envs::AnyBatch> make_batch(const TrainConfig& config, Index n, std::uint64_t seed,
                                           Threads threads) {
  return envs::make(
      config.env,
      {.size = n, .autoreset = envs::AutoresetMode::kSameStep, .threads = threads, .seed = seed},
      parse_keywords(config.env_options), config.wrap.wrappers());
}

}  // namespace palaestra::rollout
