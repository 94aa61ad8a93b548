#include <doctest/doctest.h>
#include <fcntl.h>
#include <mujoco/mujoco.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/envs/batch.h>
#include <palaestra/envs/mujoco/assets.h>
#include <palaestra/envs/mujoco/engine.h>
#include <palaestra/envs/mujoco/hopper.h>
#include <palaestra/envs/mujoco/mechanics.h>
#include <palaestra/envs/random_actions.h>
#include <palaestra/envs/registry.h>

using namespace palaestra;
using namespace palaestra::envs;
using namespace palaestra::envs::mujoco;

namespace fs = std::filesystem;

namespace {

/// An empty working folder, removed at the end.
class ScratchFolder {
 public:
  ScratchFolder()
      : before_(fs::current_path()),
        folder_(fs::temp_directory_path() / concat("palaestra-mujoco-", ::getpid())) {
    fs::create_directories(folder_);
    fs::current_path(folder_);
  }
  ~ScratchFolder() {
    fs::current_path(before_);
    fs::remove_all(folder_);
  }
  const fs::path& path() const { return folder_; }
  bool empty() const { return fs::is_empty(folder_); }

 private:
  fs::path before_, folder_;
};

/// Sends file descriptors 1 and 2 to a temporary file. If a failed REQUIRE cuts it short, what the
/// file holds is shown after all.
class Redirection {
 public:
  Redirection() : file_(std::tmpfile()) {
    REQUIRE(file_ != nullptr);
    std::fflush(nullptr);
    out_ = ::dup(1), err_ = ::dup(2);
    ::dup2(::fileno(file_), 1);
    ::dup2(::fileno(file_), 2);
  }
  ~Redirection() {
    if (out_ >= 0) {
      std::fputs(text().c_str(), stderr);
    }
    std::fclose(file_);
  }
  Redirection(const Redirection&) = delete;
  Redirection& operator=(const Redirection&) = delete;

  /// Ends the redirection and returns what arrived.
  std::string text() {
    std::fflush(nullptr);
    ::dup2(out_, 1);
    ::dup2(err_, 2);
    ::close(std::exchange(out_, -1));
    ::close(err_);
    std::rewind(file_);
    std::string text;
    for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_)) {
      text += static_cast<char>(c);
    }
    return text;
  }

 private:
  std::FILE* file_;
  int out_ = -1, err_ = -1;
};

/// Everything that reaches file descriptors 1 and 2 while `body` runs.
template <class Body>
std::string output_of(Body body) {
  Redirection redirection;
  body();
  return redirection.text();
}

fs::path write(const std::string& name, const std::string& text) {
  std::ofstream(name) << text;
  return fs::absolute(name);
}

std::string message_of(void (*call)()) {
  try {
    call();
  } catch (const EngineError& error) {
    return error.what();
  }
  return "no error";
}

int heard = 0;
void hear(const char*) { ++heard; }

}  // namespace

TEST_CASE("the engine writes nothing to the terminal and no log file") {
  const ScratchFolder folder;
  Index warnings = 0;
  const std::string text = output_of([&] {
    warnings = swallowed_warnings();
    // this model's deprecated settotalmass draws a warning at load
    const auto batch = make("HalfCheetah-v5", {.size = 2, .autoreset = AutoresetMode::kSameStep});
    warnings = swallowed_warnings() - warnings;
    std::vector<double> physics(18);
    std::fill(physics.begin() + 9, physics.end(), 1e9);
    batch->set_physics(0, physics);
    batch->step(std::vector<float>(12));
    REQUIRE(batch->columns().status[0] == Status::kDiverged);
    REQUIRE(message_of([] { guarded([] { mju_error("heard of %d", 7); }); }) == "heard of 7");
  });
  CHECK(text == "");
  CHECK(folder.empty());
  CHECK(warnings > 0);  // there was something to keep quiet about

  // and this is what would have been: the same load without the guard
  const std::string loud = output_of([] {
    char error[1000];
    const fs::path file = find_asset("gymnasium", "envs/mujoco/assets/half_cheetah.xml");
    mj_deleteModel(mj_loadXML(file.c_str(), nullptr, error, sizeof(error)));
  });
  CHECK(loud.find("settotalmass") != std::string::npos);
}

TEST_CASE("an engine error comes back as an exception, on any thread, and nests") {
  CHECK(message_of([] { guarded([] { mju_error("one"); }); }) == "one");
  CHECK(message_of([] { guarded([] {}); }) == "no error");
  std::vector<std::string> messages(8);
  std::vector<std::thread> threads;
  threads.reserve(messages.size());
  for (std::string& message : messages) {
    threads.emplace_back([&message] {
      for (int k = 0; k < 100; ++k) {
        message = message_of([] { guarded([] { mju_error("worker"); }); });
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const std::string& message : messages) {
    CHECK(message == "worker");
  }
}

TEST_CASE("outside of a guard, messages go where they went before") {
  guarded([] {});  // our handler is in place
  mju_user_warning = hear;
  heard = 0;
  mju_warning("for the other user of the library");
  CHECK(heard == 1);
  guarded([] { mju_warning("for nobody"); });
  CHECK(heard == 1);
  mju_user_warning = nullptr;
}

TEST_CASE("a model that exhausts the engine's memory is an error, and the next call is clean") {
  const ScratchFolder folder;
  std::string spheres;
  for (int k = 0; k < 30; ++k) {
    spheres += concat("<body pos='", 0.01 * k, " 0 0'><freejoint/><geom size='1'/></body>");
  }
  const Model model = load_model(write(
      "tight.xml", "<mujoco><size memory='40K'/><worldbody>" + spheres + "</worldbody></mujoco>"));
  const Data data(model);
  const Layout layout = layout_of(*model, 0);
  start_over(data);
  std::vector<double> row(layout.memory);
  pack(data, row);
  CHECK_THROWS_AS(advance(data, row, {}, 1, false), EngineError);
  CHECK(data->pstack == 0);
  CHECK_THROWS_AS(advance(data, row, {}, 1, false), EngineError);
}

TEST_CASE("a row that exhausts the engine's memory ends its episode with a status") {
  const char* file = "envs/mujoco/assets/hopper.xml";
  std::ifstream original(find_asset("gymnasium", file));
  std::string text(std::istreambuf_iterator<char>(original), {});
  const std::string head = "<mujoco model=\"hopper\">";
  // enough for one foot on the ground, not for a heap of limbs
  text.replace(text.find(head), head.size(), head + "<size memory='18K'/>");
  const ScratchFolder folder;
  const Hopper task{.terminate_when_unhealthy = false};
  Batch<Simulated<Hopper>> batch(Simulated<Hopper>(task, load_model(write("tight.xml", text))),
                                 {.size = 4, .seed = 1, .time_limit = 0});
  RandomActions actions(batch.spec(), 4, 1);
  bool met = false;
  for (Index t = 0; t < 2000 && !met; ++t) {
    REQUIRE_NOTHROW(actions.step(batch, t));
    for (std::size_t row = 0; row < 4; ++row) {
      const bool over = batch.columns().status[row] == Status::kDiverged;
      CHECK((batch.columns().truncated[row] != 0) == over);
      CHECK(std::isfinite(batch.columns().reward[row]));
      met = met || over;
    }
  }
  CHECK(met);
  CHECK_NOTHROW(actions.step(batch, 2000));  // the next episode
}

TEST_CASE("a missing or broken model file is a user's error that names it") {
  const ScratchFolder folder;
  const auto broken = write("broken.xml", "<mujoco><worldbody><body></mujoco>");
  const auto wrong =
      write("wrong.xml", "<mujoco><worldbody><geom size='-1'/></worldbody></mujoco>");
  CHECK_THROWS_WITH_AS(load_model("none.xml"), "MuJoCo model none.xml: there is no such file",
                       UserError);
  CHECK_THROWS_WITH_AS(load_model(folder.path()), doctest::Contains("no such file"), UserError);
  CHECK_THROWS_WITH_AS(load_model(broken), doctest::Contains("broken.xml: XML"), UserError);
  CHECK_THROWS_WITH_AS(load_model(wrong), doctest::Contains("size 0 must be positive"), UserError);
}

TEST_CASE("a model file that is not the original's is refused, however little it was altered") {
  const char* file = "envs/mujoco/assets/hopper.xml";
  std::ifstream original(find_asset("gymnasium", file));
  const std::string text(std::istreambuf_iterator<char>(original), {});
  const ScratchFolder folder;
  fs::create_directories("envs/mujoco/assets");
  ::setenv("PALAESTRA_GYMNASIUM_DIR", folder.path().c_str(), 1);
  write(file, text);
  CHECK_NOTHROW(make("Hopper-v5", {}));
  std::string heavier = text;
  heavier.replace(heavier.find("0.002"), 5, "0.003");  // the time step
  for (const std::string& altered : {heavier, text.substr(0, text.size() / 2), std::string()}) {
    write(file, altered);
    CHECK_THROWS_WITH_AS(make("Hopper-v5", {}),
                         doctest::Contains("hopper.xml is not that of gymnasium 1.4.0"), UserError);
  }
  ::unsetenv("PALAESTRA_GYMNASIUM_DIR");

  // and where a task is given a model directly, the model must have its sizes
  const Model empty = load_model(write("empty.xml", "<mujoco/>"));
  CHECK_THROWS_WITH_AS(require_model(*empty, "Hopper-v5", Hopper::kModel, 1.0),
                       doctest::Contains("0 positions, 0 velocities, 0 controls, 1 bodies"),
                       UserError);
}

TEST_CASE("the engine's automatic reset is off") {
  const Model model = load_model(find_asset("gymnasium", "envs/mujoco/assets/hopper.xml"));
  CHECK((model->opt.disableflags & mjDSBL_AUTORESET) != 0);
}

TEST_CASE("a library of another version is refused with advice") {
  CHECK_NOTHROW(require_engine_version());
  CHECK(engine_version() == mj_versionString());
  CHECK_THROWS_WITH_AS(require_equal_versions(3017000, 222),
                       "MuJoCo: this build is for version 3.17.0, but the library that was loaded "
                       "is 2.2.2; install mujoco==3.17.0 (pip install -c constraints.txt mujoco)",
                       UserError);
  CHECK_THROWS_WITH_AS(require_equal_versions(3017000, 4000000), doctest::Contains("is 4.0.0"),
                       UserError);
}

TEST_CASE("model files are looked for where the user says, else in the installed package") {
  const char* file = "envs/mujoco/assets/hopper.xml";
  CHECK(fs::is_regular_file(find_asset("gymnasium", file)));

  const ScratchFolder folder;
  ::setenv("PALAESTRA_GYMNASIUM_DIR", folder.path().c_str(), 1);
  CHECK_THROWS_WITH_AS(find_asset("gymnasium", file),
                       doctest::Contains("pip install -c constraints.txt gymnasium"), UserError);
  CHECK_THROWS_AS(make("Hopper-v5", {}), UserError);
  CHECK(find("Hopper-v5").spec({}).observation.size() == 11);  // the spec needs no file
  fs::create_directories("envs/mujoco/assets");
  write(file, "<mujoco/>");
  CHECK(find_asset("gymnasium", file) == folder.path() / file);
  ::unsetenv("PALAESTRA_GYMNASIUM_DIR");

  set_package_folder("some-package", folder.path());
  CHECK(find_asset("some-package", file) == folder.path() / file);
  CHECK_THROWS_WITH_AS(find_asset("other-package", file),
                       doctest::Contains("PALAESTRA_OTHER_PACKAGE_DIR"), UserError);
}
