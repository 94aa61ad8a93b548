#include <palaestra/rollout/trainer.h>

#include <limits>
#include <string>

namespace palaestra::rollout {
namespace {

constexpr Index kMost = std::numeric_limits<Index>::max();

}  // namespace

bool Trainer::learn(Experience& experience, bool mixed) {
  return learn_by([&](Stream& random) { return experience.teach(agent_, random, mixed); });
}

std::span<const Metric> Trainer::metrics() {
  if (metrics_loaded_) {
    return metrics_;
  }
  return agent_.metrics();
}

void Trainer::save_progress(ArchiveWriter& archive) {
  archive.put_text("trainer.env", config_.env);
  archive.put_text("trainer.data_sha256", config_.data_sha256);
  archive.put_scalar("trainer.steps", steps_);
  archive.put_scalar("trainer.previous_steps", previous_);
  archive.put_scalar("trainer.updates", updates_);
  archive.put_scalar("trainer.episodes", episodes_);
  archive.put(kStatistics, statistics());
  summary_.save(archive, "trainer.summary");
  std::vector<double> values;
  for (const Metric& metric : metrics()) {
    values.push_back(metric.value);
  }
  archive.put("trainer.metrics", values);
  agent_.save(archive, "agent.");
}

void Trainer::load_progress(const ArchiveReader& archive) {
  const std::string env = archive.get_text("trainer.env");
  require(env == config_.env, "the checkpoint is of a run on ", env, ", not on ", config_.env);
  // checkpoints from before there were data sets name none
  const std::string data = archive.contains_text("trainer.data_sha256")
                               ? archive.get_text("trainer.data_sha256")
                               : std::string();
  require(data == config_.data_sha256, "the checkpoint is of a run on the data set of SHA-256 \"",
          data, "\", not \"", config_.data_sha256, "\"");
  agent_.load(archive, "agent.");
  summary_.load(archive, "trainer.summary");
  // a run may have been given more steps since, never fewer, and its last stretch may go beyond
  const Index beyond = config_.n - 1;
  steps_ = get_counter(archive, "trainer.steps",
                       config_.steps < kMost - beyond ? config_.steps + beyond : kMost);
  previous_ = get_counter(archive, "trainer.previous_steps", steps_);
  updates_ = get_counter(archive, "trainer.updates", kMost);
  episodes_ = get_counter(archive, "trainer.episodes", steps_);

  // the agent computes its metrics from its last update, which was in another process
  const auto names = agent_.metrics();
  metrics_.assign(names.begin(), names.end());
  std::vector<double> values(metrics_.size());
  archive.get("trainer.metrics", values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    metrics_[i].value = values[i];
  }
  metrics_loaded_ = true;
}

Index Trainer::get_counter(const ArchiveReader& archive, std::string_view name, Index most) {
  const Index count = archive.get_index(name);
  require(count >= 0 && count <= most, '"', name, "\" is ", count, "; accepted: 0 ",
          most == kMost ? std::string("and up") : concat("to ", most));
  return count;
}

void Trainer::require_updates(Index owed) const {
  require(updates_ <= owed, "\"trainer.updates\" is ", updates_, "; accepted: 0 to ", owed,
          ", which ", steps_, " steps come to");
}

}  // namespace palaestra::rollout
