#include <palaestra/rollout/evaluator.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <palaestra/rollout/observations.h>

namespace palaestra::rollout {
namespace {

constexpr Purpose kEvaluation = purpose("rollout/evaluation");
constexpr Purpose kFirstStep = purpose("rollout/evaluation/first_step");
/// Cuts episodes of environments that have no time limit of their own.
constexpr Index kLongestEpisode = 100'000;
constexpr int kStepBits = 20;
static_assert(kLongestEpisode < Index{1} << kStepBits);

template <class T>
double mean(const std::vector<T>& values) {
  const double sum = std::accumulate(values.begin(), values.end(), 0.0, [](double total, T value) {
    return total + static_cast<double>(value);
  });
  return values.empty() ? std::nan("") : sum / static_cast<double>(values.size());
}

envs::BatchOptions options_for(const std::string& env, const envs::Keywords& keywords,
                               Index episodes, Threads threads) {
  require(episodes >= 1, "episodes is ", episodes, "; accepted: 1 or more");
  envs::BatchOptions options{
      .size = episodes, .autoreset = envs::AutoresetMode::kSameStep, .threads = threads};
  if (envs::find(env).spec(keywords).time_limit == 0) {
    options.time_limit = kLongestEpisode;
  }
  return options;
}

}  // namespace

double Evaluation::return_mean() const { return mean(returns); }
double Evaluation::length_mean() const { return mean(lengths); }
double Evaluation::success_mean() const { return mean(success); }
double Evaluation::promised_mean() const { return mean(promised); }

double Evaluation::return_std() const {
  const double centre = return_mean();
  double sum = 0;
  for (const double value : returns) {
    sum += (value - centre) * (value - centre);
  }
  return std::sqrt(sum / static_cast<double>(returns.size()));
}

Evaluator::Evaluator(const std::string& env, const envs::Keywords& options, Index episodes,
                     Threads threads, const envs::Wrappers& wrappers)
    : batch_(envs::make(env, options_for(env, options, episodes, threads), options,
                        envs::frozen(wrappers))),
      actions_(batch_->spec().action, episodes) {
  require(!batch_->couples_rows(), env,
          ": the wrappers keep statistics of all episodes together; "
          "an evaluation runs each on its own");
  observation_.resize(as_size(episodes * batch_->spec().observation.size()));
  done_.resize(as_size(episodes));
  begins_.resize(as_size(episodes));
  reward_.resize(as_size(episodes));
  const auto& info = batch_->spec().info;
  const auto found = std::find_if(info.begin(), info.end(), [](const std::string& name) {
    return name == "success" || name == "is_success";
  });
  if (found != info.end()) {
    success_column_ = found - info.begin();
  }
}

Evaluation Evaluator::run(Policy& policy, std::uint64_t seed, Index number) {
  const Index episodes = batch_->size();
  Evaluation result;
  result.seeds.resize(as_size(episodes));
  result.returns.resize(as_size(episodes));
  result.lengths.resize(as_size(episodes));
  result.success.resize(success_column_ < 0 ? 0 : as_size(episodes));
  for (Index e = 0; e < episodes; ++e) {
    // 32 bits: whole numbers that every JSON reader keeps
    result.seeds[as_size(e)] =
        Stream(seed, kEvaluation, static_cast<std::uint64_t>(e), static_cast<std::uint64_t>(number))
            .bits32();
  }
  batch_->reset(result.seeds);
  std::fill(done_.begin(), done_.end(), std::uint8_t{0});
  const Index first_step =
      number == 0 && seed != 0 ? Index{Stream(seed, kFirstStep, 0).bits32()} << kStepBits : 0;
  parallel_for(batch_->options().threads, episodes, std::min(batch_->grain(), policy.grain()),
               [&](Index begin, Index end, int thread) {
                 run_rows(policy, first_step, begin, end, thread, result);
               });
  const std::span<const double> promised = policy.promised();
  result.promised.assign(promised.begin(), promised.end());
  return result;
}

/// A block of rows from their first to their last steps: blocks never wait for each other.
void Evaluator::run_rows(Policy& policy, Index first_step, Index begin, Index end, int thread,
                         Evaluation& result) {
  const auto& columns = batch_->columns();
  const Space& space = batch_->spec().observation;
  const Index width = space.size();
  Index running = end - begin;
  const auto block_of = [&](const auto& column) {
    return std::span(column).subspan(as_size(begin), as_size(end - begin));
  };
  for (Index step = 0; running > 0; ++step) {
    to_float32(space.dtype, columns.observation, begin * width, end * width, observation_);
    for (Index row = begin; row < end; ++row) {
      begins_[as_size(row)] = step == 0 ? 1 : 0;
      reward_[as_size(row)] = step == 0 ? 0.0f : static_cast<float>(columns.reward[row]);
    }
    policy.act({.begin = begin,
                .end = end,
                .step = first_step + step,
                .thread = thread,
                .begins = block_of(std::as_const(begins_)),
                .reward = block_of(std::as_const(reward_))},
               std::span<const float>(observation_)
                   .subspan(as_size(begin * width), as_size((end - begin) * width)),
               actions_);
    for (Index first = begin; first < end;) {
      // neighbours that are still running go together
      const auto is_done = [](std::uint8_t done) { return done != 0; };
      const auto from = std::find(done_.begin() + first, done_.begin() + end, 0);
      const auto to = std::find_if(from, done_.begin() + end, is_done);
      const Index row = from - done_.begin();
      first = to - done_.begin();
      if (row == first) {
        break;
      }
      if (actions_.choices.empty()) {
        batch_->step_rows(row, first, thread, std::span<const float>(actions_.numbers));
      } else {
        batch_->step_rows(row, first, thread, std::span<const std::int64_t>(actions_.choices));
      }
      running -= collect_finished(row, first, result);
    }
  }
}

/// Notes what the episodes that ended in the last step of rows [begin, end) came to; how many.
Index Evaluator::collect_finished(Index begin, Index end, Evaluation& result) {
  const auto& columns = batch_->columns();
  const auto info_width = std::ssize(batch_->spec().info);
  Index finished = 0;
  for (Index row = begin; row < end; ++row) {
    const auto i = as_size(row);
    if ((columns.terminated[i] | columns.truncated[i]) == 0) {
      continue;
    }
    done_[i] = 1;
    finished += 1;
    result.returns[i] = columns.episode_return[i];
    result.lengths[i] = columns.episode_length[i];
    if (success_column_ >= 0) {
      result.success[i] = columns.info[row * info_width + success_column_];
    }
  }
  return finished;
}

}  // namespace palaestra::rollout
