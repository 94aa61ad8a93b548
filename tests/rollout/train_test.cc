#include <palaestra/rollout/train.h>

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/resource.h>

#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <palaestra/agents/registry.h>
#include <palaestra/core/archive.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/log.h>
#include <palaestra/envs/registry.h>
#include <palaestra/rollout/online_trainer.h>

#include "tests/core/scratch.h"

using namespace palaestra;
using namespace palaestra::rollout;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

TrainConfig small_config() {
  TrainConfig config;
  config.env = "Pendulum-v1";
  config.steps = 460;
  config.n = 2;
  config.seed = 11;
  config.learning_starts = 60;
  config.updates_per_step = 0.5;
  config.capacity = 300;
  config.n_step = 2;
  config.evaluate_every = 150;
  config.evaluate_episodes = 3;
  config.log_every = 70;
  config.checkpoint_every = 64;
  return config;
}

struct Killed {};

/// One process' share of a run, in a folder that may hold an older share.
struct Session {
  TrainConfig config = small_config();
  int threads = 1;
  std::optional<Index> interrupt_at{}, kill_at{};

  Outcome run(const fs::path& folder) const {
    const auto settings = agents::find("sac").defaults();
    Settings keys;
    settings->add_to(keys);
    keys.set("sac.hidden", "8,8");
    keys.set("sac.batch_size", "8");
    const auto spec = envs::find(config.env).spec({});
    const auto agent = settings->make(spec.observation, spec.action,
                                      static_cast<std::uint64_t>(config.seed), Threads(threads));
    OnlineTrainer trainer(config, *agent, {8, 0.99}, Threads(threads));
    const auto directory = RunDirectory::exists(folder)
                               ? RunDirectory::open(folder)
                               : RunDirectory::create(folder, Existing::kRefuse);
    const TrainHooks hooks{
        .interrupted = [&] { return interrupt_at && trainer.steps() >= *interrupt_at; },
        .progress =
            [&](const Trainer& t) {
              if (kill_at && t.steps() >= *kill_at) throw Killed();
            },
        .evaluated = {}};
    return train(trainer, directory, {"steps = " + std::to_string(config.steps) + "\n", "{}"},
                 Threads(threads), hooks);
  }
};

/// The lines of a log without the members that a clock decides.
std::vector<Json> lines_of(const fs::path& file) {
  std::vector<Json> lines;
  std::istringstream text(read_text(file));
  for (std::string line; std::getline(text, line);) {
    Json row = Json::parse(line);
    for (const char* key : {"steps_per_s", "cpu_s", "wall_s"}) {
      row.erase(key);
    }
    lines.push_back(std::move(row));
  }
  return lines;
}

/// Everything of a finished run that must not depend on threads and cuts.
struct Result {
  explicit Result(const fs::path& run)
      : agent(read_text(run / "final.safetensors")),
        evaluations(read_text(run / "eval.jsonl")),
        metrics(lines_of(run / "metrics.jsonl")),
        event_bytes(fs::file_size(run / "events.out.tfevents.0.palaestra")) {
    const auto checkpoints = RunDirectory::checkpoints(run);
    for (const auto& checkpoint : checkpoints) {
      steps.push_back(checkpoint.step);
    }
  }
  bool operator==(const Result&) const = default;

  std::string agent, evaluations;
  std::vector<Json> metrics;
  std::uintmax_t event_bytes;
  std::vector<Index> steps;
};

/// Every file of a run, by name, with its bytes.
std::map<std::string, std::string> files_of(const fs::path& run) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(run)) {
    if (entry.is_regular_file()) {
      files[fs::relative(entry.path(), run).string()] = read_text(entry.path());
    }
  }
  return files;
}

void flip_byte(const fs::path& file, std::uintmax_t position) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(position));
  const auto byte = static_cast<char>(stream.get() ^ 0x10);
  stream.seekp(static_cast<std::streamoff>(position));
  stream.put(byte);
}

}  // namespace

TEST_CASE("a run leaves its files, and lines at the steps that the settings say") {
  const Scratch scratch;
  CHECK(Session{}.run(scratch / "run") == Outcome::kComplete);
  const Result result(scratch / "run");
  std::vector<Index> logged, evaluated;
  for (const Json& row : result.metrics) {
    logged.push_back(row["step"]);
    CHECK(row.contains("return_mean"));
  }
  // multiples of 70 and 150, at the batch step of 2 that reaches them, and the end
  CHECK(logged == std::vector<Index>{70, 140, 210, 280, 350, 420, 460});
  for (const Json& row : lines_of(scratch / "run/eval.jsonl")) {
    evaluated.push_back(row["step"]);
    CHECK(row["returns"].size() == 3);
    CHECK(row["seeds"].size() == 3);
    CHECK(row["lengths"] == Json({200, 200, 200}));
  }
  CHECK(evaluated == std::vector<Index>{150, 300, 450, 460});
  CHECK(result.steps == std::vector<Index>{448, 460});
  CHECK(result.metrics[2]["return_mean"].is_null());  // no episode ended in these steps
  CHECK(result.metrics.back()["updates"] == 200);
  CHECK(result.metrics[5]["episodes"] == 2);  // 200 steps of each of two rows
  const Json meta = Json::parse(read_text(scratch / "run/meta.json"));
  CHECK(meta["complete"] == true);
  CHECK(meta["steps"] == 460);
  CHECK(meta["sessions"].size() == 1);
  CHECK(meta["end"].is_string());
}

TEST_CASE("where the end is a multiple there is one line for it, not two") {
  const Scratch scratch;
  Session session;
  session.config.steps = 300;
  session.config.log_every = 100;
  session.run(scratch / "run");
  CHECK(lines_of(scratch / "run/metrics.jsonl").size() == 3);
  CHECK(lines_of(scratch / "run/eval.jsonl").size() == 2);
  session.config.evaluate_every = 0;  // at the end only
  session.run(scratch / "end");
  CHECK(lines_of(scratch / "end/eval.jsonl").size() == 1);
  session.config.evaluate_episodes = 0;
  session.run(scratch / "never");
  CHECK(lines_of(scratch / "never/eval.jsonl").empty());
}

TEST_CASE("the run's bytes do not depend on the number of threads") {
  const Scratch scratch;
  Session session;
  session.config.n = 40;
  session.config.updates_per_step = 0.05;
  session.run(scratch / "one");
  const Result one(scratch / "one");
  for (const int threads : {2, 3, 7}) {
    session.threads = threads;
    const fs::path folder = scratch / std::to_string(threads);
    session.run(folder);
    CHECK(Result(folder) == one);
  }
}

TEST_CASE("a run that is interrupted or killed anywhere, and resumed, ends with the same bytes") {
  const Scratch scratch;
  Session{}.run(scratch / "whole");
  const Result whole(scratch / "whole");
  Stream random(2, purpose("tests/cuts"));
  for (int trial = 0; trial < 8; ++trial) {
    CAPTURE(trial);
    const fs::path folder = scratch / std::to_string(trial);
    Index at = 0;
    int sessions = 0;
    for (;; ++sessions) {
      at += 1 + random.below(200);
      const bool kill = random.below(2) == 0;
      Session session{.threads = 1 + static_cast<int>(random.below(3))};
      (kill ? session.kill_at : session.interrupt_at) = at;
      try {
        const Outcome outcome = session.run(folder);
        if (outcome == Outcome::kComplete) {
          break;
        }
        // an interruption leaves a checkpoint of that very step
        CHECK(RunDirectory::checkpoints(folder).back().step >= at);
      } catch (const Killed&) {
      }
    }
    CHECK(sessions >= 2);
    const Result result(folder);
    CHECK(result.agent == whole.agent);
    CHECK(result.evaluations == whole.evaluations);
    CHECK(result.metrics == whole.metrics);
    CHECK(result.event_bytes == whole.event_bytes);
  }
}

TEST_CASE("a finished run that is given more steps is the longer run") {
  const Scratch scratch;
  Session longer, shorter;
  shorter.config.steps = 250;
  longer.run(scratch / "whole");
  shorter.run(scratch / "run");
  CHECK(read_text(scratch / "run/config.toml") == "steps = 250\n");
  longer.run(scratch / "run");
  CHECK(read_text(scratch / "run/config.toml") == "steps = 460\n");
  const Result whole(scratch / "whole"), run(scratch / "run");
  CHECK(run.agent == whole.agent);
  CHECK(run.evaluations == whole.evaluations);
  CHECK(run.metrics == whole.metrics);
}

TEST_CASE("a run that was killed between its last checkpoint and its end only ends again") {
  const Scratch scratch;
  Session{}.run(scratch / "run");
  const Result before(scratch / "run");
  fs::remove(scratch / "run/final.safetensors");
  Session{}.run(scratch / "run");
  CHECK(Result(scratch / "run") == before);
}

TEST_CASE("a damaged checkpoint is refused before anything is written") {
  const Scratch scratch;
  Session session;
  session.interrupt_at = 200;
  for (const bool cut : {false, true}) {
    CAPTURE(cut);
    const fs::path run = scratch / (cut ? "cut" : "flipped");
    session.run(run);
    const fs::path file = RunDirectory::checkpoints(run).back().file;
    const auto size = fs::file_size(file);
    if (cut) {
      fs::resize_file(file, size - 9);
    } else {
      flip_byte(file, size / 2);
    }
    const std::string metrics = read_text(run / "metrics.jsonl"),
                      meta = read_text(run / "meta.json"), damaged = read_text(file);
    CHECK_THROWS_AS(Session{}.run(run), UserError);
    CHECK(read_text(run / "metrics.jsonl") == metrics);
    CHECK(read_text(run / "meta.json") == meta);
    CHECK(read_text(file) == damaged);
    CHECK_FALSE(fs::exists(run / "final.safetensors"));
  }
}

TEST_CASE("a log that lost what the checkpoint counts on is refused") {
  const Scratch scratch;
  Session session;
  session.interrupt_at = 200;
  session.run(scratch / "run");
  fs::resize_file(scratch / "run/metrics.jsonl", 10);
  try {
    Session{}.run(scratch / "run");
    FAIL("nothing was thrown");
  } catch (const UserError& error) {
    CHECK(std::string(error.what()).find("metrics.jsonl") != std::string::npos);
  }
}

TEST_CASE("where a run cannot go on, not a byte of it has changed") {
  const Scratch scratch;
  Session killed, longer;
  killed.kill_at = 212;  // the line of step 210 is behind the checkpoint of 192: it would be cut
  longer.config.steps = 500;  // config.toml would be another
  Index number = 0;
  const auto refused = [&](const char* file, auto damage) {
    CAPTURE(file);
    const fs::path run = scratch / std::to_string(number++);
    CHECK_THROWS_AS(killed.run(run), Killed);
    write_atomically(run / ".meta.json.palaestra-tmp-1-0", "left by the kill");
    damage(run / file);
    const auto before = files_of(run);
    CHECK_THROWS_WITH_AS(longer.run(run), doctest::Contains(file), UserError);
    CHECK(files_of(run) == before);
  };
  const char* const damaged[] = {"{\"x\":1", "{}", "{\"sessions\": [1]}",
                                 "{\"sessions\": [{\"cpu_s\": \"long\"}]}"};
  for (const char* text : damaged) {
    CAPTURE(text);
    refused("meta.json", [&](const fs::path& file) { write_atomically(file, text); });
  }
  for (const char* log : {"metrics.jsonl", "eval.jsonl", "events.out.tfevents.0.palaestra"}) {
    refused(log, [](const fs::path& file) { fs::resize_file(file, 10); });
    refused(log, [](const fs::path& file) { fs::remove(file); });
  }
}

TEST_CASE("a disk that fills up ends the run with an error and whole older checkpoints") {
  const Scratch scratch;
  Session session;
  session.config.capacity = 40'000;  // checkpoints grow with the buffer
  session.config.steps = 40'000;
  session.config.updates_per_step = 0;
  session.config.checkpoint_every = 500;
  session.config.evaluate_every = 100'000;
  session.config.evaluate_episodes = 0;
  session.config.log_every = 10'000;
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  rlimit tight = old;
  tight.rlim_cur = 200'000;
  setrlimit(RLIMIT_FSIZE, &tight);
  CHECK_THROWS_AS(session.run(scratch / "run"), UserError);
  setrlimit(RLIMIT_FSIZE, &old);
  signal(SIGXFSZ, old_handler);
  const auto checkpoints = RunDirectory::checkpoints(scratch / "run");
  REQUIRE(checkpoints.size() == 2);
  for (const auto& checkpoint : checkpoints) {
    CHECK_NOTHROW(ArchiveReader(checkpoint.file));
  }
  // with room again the run goes on as if nothing had been
  session.config.steps = checkpoints.back().step + 1'000;
  CHECK(session.run(scratch / "run") == Outcome::kComplete);
}
