#include <palaestra/rollout/experience.h>

#include <algorithm>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/replay/returns.h>
#include <palaestra/rollout/observations.h>

namespace palaestra::rollout {
namespace {

bool wants_returns(const Sampling& sampling) {
  return sampling.windows &&
         std::any_of(sampling.windows->columns.begin(), sampling.windows->columns.end(),
                     [](const auto& c) { return c.name == kReturnToGo; });
}

std::vector<replay::ColumnSpec> columns_for(const envs::EnvSpec& spec, const Sampling& sampling) {
  const Space observation = learnt_space(spec.observation);
  auto columns = replay::transition_columns(
      sampling.absorbing ? absorbing_observation(observation) : observation, spec.action);
  if (wants_returns(sampling)) {
    columns.push_back({.name = std::string(kReturnToGo)});
  }
  return columns;
}

void require_suited(const TrainConfig& config, const Sampling& sampling, const TrainingData* data) {
  constexpr std::string_view kImitates = "since the agent imitates demonstrations";
  if (sampling.demonstrations) {
    require(data != nullptr, "data is empty; accepted: a data set, ", kImitates);
    const OwnRows own = sampling.demonstrations->own;
    require(own != OwnRows::kNeeded || config.offline_steps == 0, "offline_steps is ",
            config.offline_steps,
            "; accepted: 0, since the agent learns from what it collects beside demonstrations");
    require(own != OwnRows::kNone || config.offline(), "offline_steps is ", config.offline_steps,
            "; accepted: -1, since the agent learns from demonstrations alone");
    require(config.data_share == TrainConfig::kBySize, "data_share is ", config.data_share,
            "; accepted: -1, since demonstrations are drawn apart");
    require(config.n_step == 1 || sampling.rewarded(), "n_step is ", config.n_step,
            "; accepted: 1, ", kImitates, " without rewards");
  }
  require(!sampling.recorded || data != nullptr,
          "data is empty; accepted: a data set, since the agent does what was recorded");
  require(!(sampling.judged && (sampling.absorbing || sampling.windows)),
          "an agent that judges whole episodes learns from transitions without absorbing states");
  if (!sampling.windows) {
    return;
  }
  require(config.n_step == 1, "n_step is ", config.n_step,
          "; accepted: 1, since the agent learns from windows of episodes");
  require(config.data_share == TrainConfig::kBySize, "data_share is ", config.data_share,
          "; accepted: -1, since the agent learns from windows of episodes");
  if (wants_returns(sampling)) {
    require(!config.data.empty(),
            "data is empty; accepted: a data set, since the agent learns from returns of whole "
            "episodes");
    require(config.offline(), "offline_steps is ", config.offline_steps,
            "; accepted: -1, since the agent learns from returns, which a running episode has not");
  }
}

}  // namespace

Experience::Source::Source(const envs::EnvSpec& spec, const Sampling& sampling,
                           const replay::BufferOptions& options)
    : buffer(columns_for(spec, sampling), options) {
  if (sampling.windows) {
    windows.emplace(buffer, sampling.windows->columns);
  }
}

Experience::Experience(const envs::EnvSpec& spec, const TrainConfig& config,
                       const Sampling& sampling, const TrainingData* data, Threads threads)
    : sampling_(sampling),
      pixels_(learnt_space(spec.observation).dtype == DType::kUint8),
      request_{.rows = sampling.batch_size, .n_step = config.n_step, .discount = sampling.discount},
      share_(config.data_share) {
  require_suited(config, sampling, data);
  if (sampling.absorbing) {
    absorbing_.emplace(learnt_space(spec.observation), spec.action);
  }
  if (sampling.judged) {
    stage_.emplace(config.n, spec.observation.size(), spec.action.size(), spec.time_limit);
  }
  if (sampling.demonstrations) {
    demonstrations_.emplace(*data, *sampling.demonstrations, sampling.absorbing,
                            static_cast<std::uint64_t>(config.seed), threads);
    data = nullptr;  // nothing else is learnt from it
  }
  const bool apart = data != nullptr && (config.offline() || share_ >= 0);
  if (apart) {
    recorded_ = std::make_unique<Source>(
        spec, sampling, replay::BufferOptions{.capacity = data->steps(), .threads = threads});
    data->load_into(recorded_->buffer, /*pinned=*/false);
    if (wants_returns(sampling)) {
      replay::ReturnColumn(recorded_->buffer.storage(), kReturnToGo,
                           {.discount = sampling.windows->return_discount})
          .follow(recorded_->buffer);
    }
  }
  if (!config.offline()) {
    collected_ = std::make_unique<Source>(
        spec, sampling,
        replay::BufferOptions{.capacity = config.capacity,
                              .lanes = config.n,
                              .pinned = data != nullptr && !apart ? data->steps() : 0,
                              .threads = threads});
    if (data != nullptr && !apart) {
      data->load_into(collected_->buffer, /*pinned=*/true);
    }
  }
  if (sampling_.rewarded()) {
    imitation_.emplace(collected_->buffer);
  }
  if (recorded_ && collected_ && share_ > 0 && share_ < 1) {
    mixture_.emplace(std::vector<replay::MixtureSource>{
        {"recorded", &recorded_->buffer, share_, request_},
        {"collected", &collected_->buffer, 1 - share_, request_}});
  }
}

void Experience::append(const Transitions& t, const Actions& actions, Agent& agent) {
  if (stage_) {
    stage_->append(t, agent, collected_->buffer);
    return;
  }
  if (absorbing_) {
    absorbing_->append({.observation = t.observation,
                        .action = actions.numbers,
                        .reward = t.reward,
                        .next_observation = t.next_observation,
                        .terminated = t.terminated,
                        .truncated = t.truncated,
                        .skip = t.skip},
                       collected_->buffer);
    return;
  }
  const replay::Values action =
      actions.choices.empty() ? replay::Values(actions.numbers) : replay::Values(actions.choices);
  const auto stored = [&](std::span<const float> observation, std::vector<std::uint8_t>& bytes) {
    return pixels_ ? replay::Values(to_bytes(observation, bytes)) : replay::Values(observation);
  };
  const replay::NamedValues columns[] = {
      {"observation", stored(t.observation, bytes_)}, {"action", action}, {"reward", t.reward}};
  const replay::NamedValues next[] = {{"observation", stored(t.next_observation, next_bytes_)}};
  collected_->buffer.append({.columns = columns,
                             .terminated = t.terminated,
                             .truncated = t.truncated,
                             .skip = t.skip,
                             .next = next,
                             .last = next});
}

bool Experience::teach(Agent& agent, Stream& random, bool mixed) {
  if (demonstrations_ && !mixed) {
    agent.imitate({}, demonstrations_->sample(random, sampling_.discount));
    return true;
  }
  Source* only = collected_.get();
  if (recorded_ && (!mixed || share_ == 1 || !collected_)) {
    only = recorded_.get();
  }
  if (only->buffer.size() == 0) {
    return false;
  }
  if (mixed && mixture_ && only == collected_.get()) {
    agent.update(mixture_->sample(random, request_.rows).minibatch);
  } else {
    teach(agent, random, *only);
  }
  return true;
}

void Experience::teach(Agent& agent, Stream& random, Source& source) {
  if (source.windows) {
    agent.update_windows(source.windows->sample(source.buffer, random,
                                                {.windows = sampling_.batch_size,
                                                 .shape = sampling_.windows->shape,
                                                 .fit = sampling_.windows->fit}));
  } else if (imitation_) {
    (*imitation_)(agent, source.buffer, random, request_, sampling_.relabelled, *demonstrations_);
  } else if (demonstrations_) {
    const replay::Minibatch& batch = source.buffer.sample(random, request_);
    agent.imitate(batch, demonstrations_->sample(random, sampling_.discount));
  } else {
    agent.update(source.buffer.sample(random, request_));
  }
}

const replay::Storage& Experience::recorded() const {
  if (demonstrations_) {
    return demonstrations_->buffer().storage();
  }
  return (recorded_ ? recorded_ : collected_)->buffer.storage();
}

void Experience::save(ArchiveWriter& archive) const {
  if (collected_) {
    collected_->buffer.save(archive, "replay.");
  }
  if (mixture_) {
    mixture_->save(archive, "mixture.");
  }
  if (stage_) {
    stage_->save(archive, "stage.");
  }
}

void Experience::load(const ArchiveReader& archive) {
  if (collected_) {
    collected_->buffer.load(archive, "replay.");
  }
  if (mixture_) {
    mixture_->load(archive, "mixture.");
  }
  if (stage_) {
    stage_->load(archive, "stage.");
  }
}

}  // namespace palaestra::rollout
