#include <palaestra/rollout/run_directory.h>

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>

#include "tests/core/scratch.h"

using namespace palaestra;
using namespace palaestra::rollout;
namespace fs = std::filesystem;

namespace {

/// A folder that holds a run.
fs::path finished_run(const Scratch& scratch, const char* name = "run") {
  const auto run = RunDirectory::create(scratch / name, Existing::kRefuse);
  write_atomically(run.config(), "steps = 1\n");
  return run.path();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string message_of(auto call) {
  try {
    call();
  } catch (const UserError& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a new run gets its folder, and those above it") {
  const Scratch scratch;
  const auto run = RunDirectory::create(scratch / "a/b/run", Existing::kRefuse);
  CHECK(fs::is_directory(scratch / "a/b/run/checkpoints"));
  CHECK_FALSE(run.moved_aside());
  CHECK_FALSE(RunDirectory::exists(run.path()));
  write_atomically(run.config(), "");
  CHECK(RunDirectory::exists(run.path()));
}

TEST_CASE("a folder that holds something is refused or moved aside, never touched") {
  const Scratch scratch;
  const fs::path path = finished_run(scratch);
  CHECK(contains(message_of([&] { RunDirectory::create(path, Existing::kRefuse); }),
                 "exists and is not empty"));
  CHECK(read_text(path / "config.toml") == "steps = 1\n");
  for (const char* moved : {"run.1", "run.2"}) {
    const auto run = RunDirectory::create(path, Existing::kMoveAside);
    REQUIRE(run.moved_aside());
    CHECK(*run.moved_aside() == scratch / moved);
    CHECK(read_text(scratch / moved / "config.toml") == "steps = 1\n");
    CHECK_FALSE(RunDirectory::exists(path));
    write_atomically(run.config(), "steps = 1\n");
  }
}

TEST_CASE("an empty folder, and one in which a run was killed before it began, will do") {
  const Scratch scratch;
  fs::create_directories(scratch / "empty");
  CHECK_NOTHROW(RunDirectory::create(scratch / "empty", Existing::kRefuse));
  // killed while config.toml was being written
  write_atomically(scratch / "empty/.config.toml.palaestra-tmp-1-0", "st");
  CHECK_NOTHROW(RunDirectory::create(scratch / "empty", Existing::kRefuse));
  write_atomically(scratch / "empty/notes.txt", "mine");
  CHECK_THROWS_AS(RunDirectory::create(scratch / "empty", Existing::kRefuse), UserError);
  CHECK(read_text(scratch / "empty/notes.txt") == "mine");
}

TEST_CASE("a file in the way is refused or moved aside") {
  const Scratch scratch;
  write_atomically(scratch / "run", "a file\n");
  CHECK_THROWS_AS(RunDirectory::create(scratch / "run", Existing::kRefuse), UserError);
  CHECK(read_text(scratch / "run") == "a file\n");
  CHECK_THROWS_AS(RunDirectory::create(scratch / "run/below", Existing::kRefuse), UserError);
  const auto run = RunDirectory::create(scratch / "run", Existing::kMoveAside);
  CHECK(read_text(scratch / "run.1") == "a file\n");
}

TEST_CASE("what is no run cannot be opened") {
  const Scratch scratch;
  CHECK(contains(message_of([&] { RunDirectory::open(scratch / "none"); }), "config.toml"));
  fs::create_directories(scratch / "empty");
  CHECK_THROWS_AS(RunDirectory::open(scratch / "empty"), UserError);
  CHECK(fs::is_empty(scratch / "empty"));
}

TEST_CASE("one process writes to a run at a time; its end frees the folder, however it comes") {
  const Scratch scratch;
  const fs::path path = finished_run(scratch);
  int ready[2], hold[2];
  REQUIRE(pipe(ready) == 0);
  REQUIRE(pipe(hold) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto run = RunDirectory::open(path);
    const char byte = 1;
    if (write(ready[1], &byte, 1) != 1) _exit(1);
    char ignored;
    const auto count = read(hold[0], &ignored, 1);  // until it is killed
    _exit(static_cast<int>(count));
  }
  char byte;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  for (const auto& text : {message_of([&] { RunDirectory::open(path); }),
                           message_of([&] { RunDirectory::create(path, Existing::kMoveAside); })}) {
    CHECK(contains(text, "another process is writing"));
  }
  CHECK(RunDirectory::exists(path));
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  for (const int descriptor : {ready[0], ready[1], hold[0], hold[1]}) {
    close(descriptor);
  }
  CHECK_NOTHROW(RunDirectory::open(path));
}

TEST_CASE("checkpoints are listed by step, other files are not, and the oldest go first") {
  const Scratch scratch;
  const auto run = RunDirectory::create(scratch / "run", Existing::kRefuse);
  CHECK(run.checkpoints().empty());
  for (const Index step : {20'000, 1'000, 300, 2'000'000'000}) {
    write_atomically(run.checkpoint(step), "x");
  }
  CHECK(run.checkpoint(300).filename() == "step-000000300.safetensors");
  for (const char* other : {"step-.safetensors", "step-12x.safetensors", "notes.txt",
                            ".step-000000300.safetensors.palaestra-tmp-7-0"}) {
    write_atomically(run.path() / "checkpoints" / other, "x");
  }
  const auto steps = [&] {
    std::vector<Index> result;
    for (const auto& checkpoint : run.checkpoints()) {
      CHECK(fs::exists(checkpoint.file));
      result.push_back(checkpoint.step);
    }
    return result;
  };
  CHECK(steps() == std::vector<Index>{300, 1'000, 20'000, 2'000'000'000});
  run.prune_checkpoints(2);
  CHECK(steps() == std::vector<Index>{20'000, 2'000'000'000});
  run.prune_checkpoints(5);
  CHECK(steps().size() == 2);
  CHECK(fs::exists(run.path() / "checkpoints/notes.txt"));
}

TEST_CASE("there is one event file, whatever its name") {
  const Scratch scratch;
  const auto run = RunDirectory::create(scratch / "run", Existing::kRefuse);
  const fs::path fresh = run.events();
  CHECK(contains(fresh.filename().string(), "events.out.tfevents."));
  write_atomically(run.path() / "events.out.tfevents.123.host", "");
  CHECK(run.events().filename() == "events.out.tfevents.123.host");
}
