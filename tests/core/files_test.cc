#include <palaestra/core/files.h>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <thread>
#include <vector>

#include "scratch.h"

using namespace palaestra;
namespace fs = std::filesystem;

namespace {

std::string message_of(auto&& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a file is replaced as a whole or not at all") {
  const Scratch scratch;
  const auto file = scratch / "a.txt";
  write_atomically(file, "one");
  write_atomically(file, "two");
  CHECK(read_text(file) == "two");
  CHECK_THROWS_AS(write_atomically(file,
                                   [](const Emit& emit) {
                                     emit(std::as_bytes(std::span<const char>("three", 5)));
                                     throw std::runtime_error("changed my mind");
                                   }),
                  std::runtime_error);
  CHECK(read_text(file) == "two");
  CHECK(scratch.entries() == 1);
}

TEST_CASE("failed writes name the file and the reason") {
  const Scratch scratch;
  CHECK(message_of([&] { write_atomically("/dev/full", "text"); }) ==
        "cannot write /dev/full: No space left on device");
  const auto lost = scratch / "none" / "a.txt";
  CHECK(message_of([&] { write_atomically(lost, "text"); }) ==
        "cannot write " + lost.string() + ": No such file or directory");
  CHECK(message_of([&] { write_atomically(scratch.path, "text"); }) ==
        "cannot write " + scratch.path.string() + ": Is a directory");
  CHECK(message_of([&] { read_text(lost); }) ==
        "cannot read " + lost.string() + ": No such file or directory");
  CHECK(message_of([&] { read_text(scratch.path); }) ==
        "cannot read " + scratch.path.string() + ": Is a directory");
}

TEST_CASE("a device stays a device and a link stays a link") {
  const Scratch scratch;
  write_atomically("/dev/null", "text");
  CHECK(fs::is_character_file("/dev/null"));

  write_atomically(scratch / "target", "old");
  fs::create_symlink("target", scratch / "link");
  write_atomically(scratch / "link", "new");
  CHECK(fs::is_symlink(scratch / "link"));
  CHECK(read_text(scratch / "target") == "new");
}

TEST_CASE("threads that save under one name leave one whole file") {
  const Scratch scratch;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        write_atomically(scratch / "a.txt", std::string(20'000, static_cast<char>('a' + t)));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const std::string text = read_text(scratch / "a.txt");
  CHECK(text == std::string(20'000, text[0]));
  CHECK(scratch.entries() == 1);
}

TEST_CASE("what a killed save left is swept, other files are not") {
  const Scratch scratch;
  write_atomically(scratch / ".a.palaestra-tmp-123-0", "rubbish");
  write_atomically(scratch / "a", "kept");
  write_atomically(scratch / ".hidden", "kept");
  remove_temporaries(scratch.path);
  CHECK(scratch.entries() == 2);
  CHECK(read_text(scratch / "a") == "kept");
  CHECK_NOTHROW(remove_temporaries(scratch / "none"));
}

TEST_CASE("a folder is moved aside to the first free number") {
  const Scratch scratch;
  for (int i = 1; i <= 3; ++i) {
    CHECK(create_folder(scratch / "run", IfExists::kRefuse) == std::nullopt);
    write_atomically(scratch / "run" / "n", std::to_string(i));
    // with and without the slash that a shell completes
    CHECK(move_aside(i == 2 ? scratch / "run/" : scratch / "run") == scratch / concat("run.", i));
  }
  CHECK(read_text(scratch / "run.2" / "n") == "2");
  CHECK_THROWS_AS(move_aside(scratch / "run"), UserError);
}

TEST_CASE("a run folder that holds something is never overwritten") {
  const Scratch scratch;
  const auto run = scratch / "deep" / "run";
  create_folder(run, IfExists::kRefuse);
  CHECK_NOTHROW(create_folder(run, IfExists::kRefuse));  // still empty
  write_atomically(run / "config.toml", "x");
  CHECK(message_of([&] { create_folder(run, IfExists::kRefuse); }) ==
        "folder " + run.string() + " exists and is not empty");
  CHECK(create_folder(run, IfExists::kKeep) == std::nullopt);
  CHECK(read_text(run / "config.toml") == "x");
  CHECK(create_folder(run, IfExists::kMoveAside) == scratch / "deep" / "run.1");
  CHECK(fs::is_empty(run));
  CHECK(read_text(scratch / "deep" / "run.1" / "config.toml") == "x");

  write_atomically(scratch / "file", "x");
  CHECK_THROWS_AS(create_folder(scratch / "file", IfExists::kKeep), UserError);
  CHECK_THROWS_AS(create_folder(scratch / "file" / "run", IfExists::kRefuse), UserError);
  CHECK(create_folder(scratch / "file", IfExists::kMoveAside) == scratch / "file.1");
  CHECK(fs::is_directory(scratch / "file"));
}

TEST_CASE("whether a log can be cut is known before it is") {
  const Scratch scratch;
  write_atomically(scratch / "log", "0123456789");
  CHECK_NOTHROW(AppendFile::check(scratch / "log", 10));
  CHECK(message_of([&] { AppendFile::check(scratch / "log", 11); }) ==
        message_of([&] { AppendFile(scratch / "log", 11); }));
  CHECK_NOTHROW(AppendFile::check(scratch / "log", 4));
  CHECK(read_text(scratch / "log") == "0123456789");
  // one that begins is made later
  CHECK_NOTHROW(AppendFile::check(scratch / "none", 0));
  CHECK(message_of([&] { AppendFile::check(scratch / "none", 1); }) ==
        message_of([&] { AppendFile(scratch / "none", 1); }));
  CHECK(scratch.entries() == 1);
}
