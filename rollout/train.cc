#include <palaestra/rollout/train.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/log.h>
#include <palaestra/rollout/keywords.h>
#include <palaestra/rollout/meta.h>
#include <palaestra/rollout/spaces_archive.h>

namespace palaestra::rollout {
namespace {

constexpr std::string_view kConfig = "run.config";

/// The newest checkpoint. Where it is damaged the message says where the run could go on without
/// it.
ArchiveReader newest(const std::vector<RunDirectory::Checkpoint>& checkpoints) {
  try {
    return ArchiveReader(checkpoints.back().file);
  } catch (const UserError& error) {
    if (checkpoints.size() < 2) {
      throw;
    }
    throw UserError(concat(error.what(),
                           "; nothing was written. Without this file the run goes on from step ",
                           checkpoints[checkpoints.size() - 2].step));
  }
}

/// A policy of the agent that is evaluated, and what its last evaluation came to. The agent's own
/// has no name; the keys of the others begin with theirs, then those of drawn actions with
/// "sampled".
struct Judged {
  Judged(std::string_view name, ActMode mode, Actor& actor, const envs::EnvSpec& spec,
         const TrainConfig& config)
      : policy(actor, mode, spec, config.evaluate_episodes),
        is_main(name.empty() && mode == ActMode::kMean) {
    const std::string prefix =
        concat(name, name.empty() ? "" : "/", mode == ActMode::kSample ? "sampled/" : "");
    for (std::size_t k = 0; k < kKeys.size(); ++k) {
      key[k] = concat(prefix, kKeys[k]);
      event[k] = concat("eval/", key[k]);
    }
  }

  void add_to(std::vector<LogEntry>& row, std::vector<LogEntry>& events) {
    seeds.assign(result.seeds.begin(), result.seeds.end());
    row.push_back({key[kMean], result.return_mean()});
    row.push_back({key[kStd], result.return_std()});
    row.push_back({key[kLength], result.length_mean()});
    if (!result.success.empty()) {
      row.push_back({key[kSuccess], result.success_mean()});
    }
    if (!result.promised.empty()) {
      row.push_back({key[kPromisedMean], result.promised_mean()});
      row.push_back({key[kGap], result.gap()});
    }
    if (is_main) {
      row.push_back({key[kSeeds], std::span<const Index>(seeds)});
    }
    row.push_back({key[kReturns], std::span<const double>(result.returns)});
    row.push_back({key[kLengths], std::span<const Index>(result.lengths)});
    if (!result.promised.empty()) {
      row.push_back({key[kPromised], std::span<const double>(result.promised)});
      events.push_back({event[kPromisedMean], result.promised_mean()});
      events.push_back({event[kGap], result.gap()});
    }
    events.push_back({event[kMean], result.return_mean()});
    events.push_back({event[kStd], result.return_std()});
    events.push_back({event[kLength], result.length_mean()});
  }

  enum Key : std::size_t {
    kMean,
    kStd,
    kLength,
    kSuccess,
    kPromisedMean,
    kGap,
    kSeeds,
    kReturns,
    kLengths,
    kPromised
  };
  static constexpr std::array<std::string_view, 10> kKeys = {
      "return_mean", "return_std", "length_mean", "success", "promised_mean",
      "gap",         "seeds",      "returns",     "lengths", "promised"};

  AgentPolicy policy;
  bool is_main;
  std::array<std::string, kKeys.size()> key, event;
  Evaluation result;
  std::vector<Index> seeds;
};

/// The stages of the loop and the files they write. Every stage's effect on later bytes is in the
/// checkpoint; what depends on the clock is only ever written, never read.
class Run {
 public:
  Run(Trainer& trainer, const RunDirectory& directory, const RunFacts& facts, Threads threads,
      const TrainHooks& hooks)
      : trainer_(trainer),
        config_(trainer.config()),
        directory_(directory),
        facts_(facts),
        hooks_(hooks) {
    // everything is read first: what is refused must not have changed the run
    const auto checkpoints = directory.checkpoints();
    Index metrics_bytes = 0, evaluation_bytes = 0, event_bytes = 0;
    if (!checkpoints.empty()) {
      const ArchiveReader archive = newest(checkpoints);
      if (hooks.going_on && archive.contains_text(kConfig)) {
        hooks.going_on(archive.get_text(kConfig));
      }
      trainer.load(archive);
      metrics_bytes = archive.get_index("log.metrics_bytes");
      evaluation_bytes = archive.get_index("log.eval_bytes");
      event_bytes = archive.get_index("log.event_bytes");
    }
    AppendFile::check(directory.metrics(), metrics_bytes);
    AppendFile::check(directory.evaluations(), evaluation_bytes);
    AppendFile::check(directory.events(), event_bytes);
    if (config_.evaluate_episodes > 0 && !config_.env.empty()) {
      evaluator_.emplace(config_.env, parse_keywords(config_.env_options),
                         config_.evaluate_episodes, threads, config_.wrap.wrappers());
      const auto judge = [&](std::string_view name, Actor& actor) {
        for (const ActMode mode : {ActMode::kMean, ActMode::kSample}) {
          if (mode == ActMode::kMean || config_.evaluate_sampled) {
            judged_.push_back(std::make_unique<Judged>(name, mode, actor, trainer.spec(), config_));
          }
        }
      };
      judge("", trainer.agent());
      for (const NamedActor& other : trainer.agent().alternatives()) {
        judge(other.name, *other.actor);
      }
    }
    meta_.emplace(directory.meta(), facts.facts, threads.count(), trainer.steps(),
                  !checkpoints.empty());
    const bool same =
        RunDirectory::exists(directory.path()) && read_text(directory.config()) == facts.config;

    remove_temporaries(directory.path());
    remove_temporaries(directory.path() / "checkpoints");
    if (!same) {
      write_atomically(directory.config(), facts.config);
    }
    metrics_.emplace(directory.metrics(), metrics_bytes);
    evaluations_.emplace(directory.evaluations(), evaluation_bytes);
    events_.emplace(directory.events(), Meta::now(), event_bytes);
    meta_->write(trainer.steps(), false, false);
    last_logged_ = trainer.steps();
  }

  Outcome loop() {
    while (!trainer_.done()) {
      trainer_.advance();
      const bool last = trainer_.done();
      if (trainer_.passed_multiple(config_.log_every)) {
        log();
      }
      if (trainer_.passed_multiple(config_.evaluate_every)) {
        evaluate();
      }
      if (hooks_.progress) {
        hooks_.progress(trainer_);
      }
      const bool interrupted = !last && hooks_.interrupted && hooks_.interrupted();
      if (last || interrupted || trainer_.passed_multiple(config_.checkpoint_every)) {
        checkpoint();
      }
      if (interrupted) {
        meta_->write(trainer_.steps(), true, false);
        return Outcome::kInterrupted;
      }
    }
    finish();
    return Outcome::kComplete;
  }

 private:
  void log() {
    const EpisodeSummary& summary = trainer_.summary();
    const double wall_s = meta_->wall_seconds(), cpu_s = meta_->cpu_seconds();
    const Index steps = trainer_.steps();
    row_.clear();
    row_.push_back({"step", steps});
    row_.push_back({"updates", trainer_.updates()});
    row_.push_back({"episodes", trainer_.episodes()});
    row_.push_back({"return_mean", summary.return_mean()});
    row_.push_back({"return_min", summary.episodes > 0 ? summary.return_min : std::nan("")});
    row_.push_back({"return_max", summary.episodes > 0 ? summary.return_max : std::nan("")});
    row_.push_back({"length_mean", summary.length_mean()});
    row_.push_back({"diverged", summary.diverged});
    if (trainer_.updates() > 0) {
      for (const Metric& metric : trainer_.metrics()) {
        row_.push_back({metric.name, metric.value});
      }
    }
    if (const auto loss = trainer_.held_out_loss()) {
      row_.push_back({"held_out_loss", *loss});
    }
    row_.push_back({"steps_per_s", static_cast<double>(steps - last_logged_) / (wall_s - last_s_)});
    row_.push_back({"cpu_s", cpu_s});
    row_.push_back({"wall_s", wall_s});
    metrics_->append(row_);
    events_->append(steps, Meta::now(), std::span<const LogEntry>(row_).subspan(1));
    trainer_.reset_summary();
    last_logged_ = steps;
    last_s_ = wall_s;
  }

  void evaluate() {
    if (!evaluator_) {
      return;
    }
    const Index step = trainer_.steps();
    evaluator_->use(trainer_.statistics());
    row_.clear();
    row_.push_back({"step", step});
    events_row_.clear();
    for (const auto& one : judged_) {
      // the same first states for all: their differences are the policies' own
      one->result = evaluator_->run(one->policy, static_cast<std::uint64_t>(config_.seed), step);
      one->add_to(row_, events_row_);
    }
    evaluations_->append(row_);
    events_->append(step, Meta::now(), events_row_);
    if (hooks_.evaluated) {
      hooks_.evaluated(step, judged_.front()->result);
    }
  }

  void checkpoint() {
    // the logs first: a checkpoint must not point behind what a crash of the machine leaves
    metrics_->sync();
    evaluations_->sync();
    events_->sync();
    ArchiveWriter archive;
    trainer_.save(archive);
    if (config_.env.empty()) {
      put_spaces(archive, trainer_.spec());
    }
    archive.put_text(kConfig, facts_.config);
    archive.put_scalar("log.metrics_bytes", metrics_->bytes());
    archive.put_scalar("log.eval_bytes", evaluations_->bytes());
    archive.put_scalar("log.event_bytes", events_->bytes());
    archive.save(directory_.checkpoint(trainer_.steps()));
    directory_.prune_checkpoints(config_.keep_checkpoints);
    meta_->write(trainer_.steps(), false, false);
  }

  /// What belongs to the end alone comes behind the last checkpoint, so that a longer run can go on
  /// from there as if it had never ended.
  void finish() {
    if (!trainer_.passed_multiple(config_.log_every)) {
      log();
    }
    if (!trainer_.passed_multiple(config_.evaluate_every)) {
      evaluate();
    }
    ArchiveWriter archive;
    archive.put_text("agent.name", trainer_.agent().name());
    archive.put_text("env", config_.env);
    archive.put_text("env_options", config_.env_options);
    if (config_.env.empty()) {
      put_spaces(archive, trainer_.spec());
    }
    archive.put_scalar("steps", trainer_.steps());
    archive.put(kStatistics, trainer_.statistics());
    trainer_.agent().save(archive, "agent.");
    metrics_->sync();
    evaluations_->sync();
    events_->sync();
    archive.save(directory_.final_agent());
    meta_->write(trainer_.steps(), true, true);
  }

  Trainer& trainer_;
  const TrainConfig& config_;
  const RunDirectory& directory_;
  const RunFacts& facts_;
  const TrainHooks& hooks_;
  std::optional<JsonLines> metrics_, evaluations_;
  std::optional<EventFile> events_;
  std::optional<Evaluator> evaluator_;
  std::vector<std::unique_ptr<Judged>> judged_;  // the agent's own policy first
  std::optional<Meta> meta_;
  std::vector<LogEntry> row_, events_row_;
  Index last_logged_ = 0;
  double last_s_ = 0;
};

}  // namespace

Outcome train(Trainer& trainer, const RunDirectory& run, const RunFacts& facts, Threads threads,
              const TrainHooks& hooks) {
  return Run(trainer, run, facts, threads, hooks).loop();
}

}  // namespace palaestra::rollout
