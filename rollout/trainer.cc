#include <palaestra/rollout/trainer.h>

#include <string>

namespace palaestra::rollout {

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
  steps_ = archive.get_index("trainer.steps");
  previous_ = archive.get_index("trainer.previous_steps");
  updates_ = archive.get_index("trainer.updates");
  episodes_ = archive.get_index("trainer.episodes");

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

}  // namespace palaestra::rollout
