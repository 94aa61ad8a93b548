#include <palaestra/rollout/held_out.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <palaestra/core/error.h>
#include <palaestra/rollout/observations.h>

namespace palaestra::rollout {
namespace {

replay::WeightedReplayBuffer load_rows(const TrainingData& data, Threads threads) {
  replay::WeightedReplayBuffer buffer(
      replay::transition_columns(learnt_space(data.spec().observation), data.spec().action),
      {.capacity = data.held_out_steps(), .threads = threads});
  data.load_held_out_into(buffer);
  return buffer;
}

}  // namespace

HeldOut::HeldOut(const TrainingData& data, const TrainConfig& config, const Sampling& sampling,
                 Agent& agent, Threads threads)
    : every_(config.held_out_every),
      patience_(config.held_out_patience),
      batch_size_(sampling.batch_size),
      buffer_(load_rows(data, threads)) {
  loss_ = best_loss_ = measure(agent);
  agent.keep();
}

double HeldOut::measure(Agent& agent) {
  const replay::Storage& storage = buffer_.storage();
  double sum = 0;
  for (Index begin = 0; begin < storage.size(); begin += batch_size_) {
    const Index rows = std::min(batch_size_, storage.size() - begin);
    draw_.resize(rows);
    for (Index i = 0; i < rows; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const auto place = storage.locate(begin + i);
      draw_.slot[k] = storage.slot_of(place);
      draw_.id[k] = storage.id_of(place);
      draw_.probability[k] = 1 / static_cast<double>(storage.size());
      draw_.weight[k] = 1;
    }
    buffer_.gather(draw_, {.rows = rows, .discount = 1}, memory_);
    sum += agent.held_out_loss(memory_.view(draw_)) * static_cast<double>(rows);
  }
  const double loss = sum / static_cast<double>(storage.size());
  if (!std::isfinite(loss)) {
    throw std::runtime_error(concat("the loss of the held-out rows is ", loss));
  }
  return loss;
}

void HeldOut::after_update(Agent& agent, Index update) {
  if (update % every_ != 0) {
    return;
  }
  loss_ = measure(agent);
  if (loss_ < best_loss_) {
    best_loss_ = loss_;
    failures_ = 0;
    agent.keep();
  } else {
    failures_ += 1;
  }
}

void HeldOut::save(ArchiveWriter& archive) const {
  archive.put("held_out.losses", std::vector<double>{loss_, best_loss_});
  archive.put_scalar("held_out.failures", failures_);
}

void HeldOut::load(const ArchiveReader& archive) {
  std::vector<double> losses(2);
  archive.get("held_out.losses", losses);
  const Index failures = archive.get_index("held_out.failures");
  require(std::isfinite(losses[0]) && std::isfinite(losses[1]) && losses[1] <= losses[0],
          "\"held_out.losses\" are ", losses[0], " and ", losses[1],
          "; accepted: finite numbers, the second not above the first");
  require(failures >= 0, "\"held_out.failures\" is ", failures, "; accepted: 0 and up");
  loss_ = losses[0];
  best_loss_ = losses[1];
  failures_ = failures;
}

}  // namespace palaestra::rollout
