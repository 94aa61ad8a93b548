#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <palaestra/envs/mujoco/simulator.h>
#include <palaestra/envs/registry.h>

using namespace palaestra;
using namespace palaestra::envs;

namespace {

/// The recorded columns of one environment: see tests/golden/make_mujoco_transcripts.py.
struct Transcript {
  std::vector<double> start, observation, reward, end;
  std::vector<float> action;
  std::vector<std::uint8_t> terminated;

  explicit Transcript(const std::string& id)
      : Transcript(ArchiveReader(std::string(PALAESTRA_TESTS) + "/golden/mujoco/" + id +
                                 ".safetensors")) {}
  explicit Transcript(const ArchiveReader& file) {
    read(file, "start", start);
    read(file, "observation", observation);
    read(file, "reward", reward);
    read(file, "end", end);
    read(file, "action", action);
    read(file, "terminated", terminated);
  }

 private:
  template <class T>
  static void read(const ArchiveReader& file, const char* name, std::vector<T>& out) {
    out.resize(file.block(name).bytes.size() / sizeof(T));
    file.get(name, out);
  }
};

}  // namespace

TEST_CASE("MuJoCo environments follow Gymnasium's transcripts within 1e-10") {
  for (const char* id : {"HalfCheetah-v5", "Hopper-v5"}) {
    CAPTURE(id);
    const Keywords options =
        std::string(id) == "Hopper-v5" ? Keywords{{"terminate_when_unhealthy", 0.0}} : Keywords{};
    const auto batch = make(id, {.autoreset = AutoresetMode::kDisabled}, options);
    const Transcript recorded(id);
    const auto physics = static_cast<std::size_t>(batch->physics_size());
    const auto width = static_cast<std::size_t>(batch->spec().observation.size());
    const auto actions = static_cast<std::size_t>(batch->spec().action.size());
    const std::size_t episodes = recorded.start.size() / physics;
    const std::size_t steps = recorded.reward.size() / episodes;
    REQUIRE(episodes == 10);
    REQUIRE(steps == 100);
    double worst = 0;
    for (std::size_t episode = 0; episode < episodes; ++episode) {
      batch->reset();
      batch->set_physics(0, std::span(recorded.start).subspan(episode * physics, physics));
      for (std::size_t step = 0; step < steps; ++step) {
        const std::size_t at = episode * steps + step;
        batch->step(std::span(recorded.action).subspan(at * actions, actions));
        const auto* observation = static_cast<const double*>(batch->columns().observation);
        for (std::size_t k = 0; k < width; ++k) {
          worst = std::max(worst, std::abs(observation[k] - recorded.observation[at * width + k]));
        }
        worst = std::max(worst, std::abs(batch->columns().reward[0] - recorded.reward[at]));
        REQUIRE(batch->columns().terminated[0] == recorded.terminated[at]);
      }
    }
    CHECK(worst < 1e-10);
    MESSAGE(id << ": largest difference " << worst);
  }
}

TEST_CASE("a hopper that falls ends its episode") {
  const auto batch = make("Hopper-v5", {.autoreset = AutoresetMode::kSameStep});
  std::vector<double> physics(static_cast<std::size_t>(batch->physics_size()));
  batch->get_physics(0, physics);
  physics[2] = 0.5;  // lean beyond 0.2 rad
  batch->set_physics(0, physics);
  batch->step(std::vector<float>{0, 0, 0});
  CHECK(batch->columns().terminated[0] == 1);
  CHECK(batch->columns().truncated[0] == 0);
}

TEST_CASE("a diverging state ends its row's episode with a status, not the batch") {
  const auto batch = make("HalfCheetah-v5", {.size = 3, .autoreset = AutoresetMode::kSameStep});
  std::vector<double> physics(static_cast<std::size_t>(batch->physics_size()));
  batch->get_physics(1, physics);
  physics[9] = 1e12;  // a velocity no step survives
  batch->set_physics(1, physics);
  batch->step(std::vector<float>(18));
  const BatchColumns& c = batch->columns();
  CHECK(c.status[0] == Status::kOk);
  CHECK(c.status[1] == Status::kDiverged);
  CHECK(c.truncated[1] == 1);
  CHECK(c.terminated[1] == 0);
  CHECK(c.status[2] == Status::kOk);
  for (int t = 0; t < 10; ++t) {
    batch->step(std::vector<float>(18, 0.1f));
  }
  CHECK(c.status[1] == Status::kOk);
  CHECK(c.episode_length[1] == 10);
  CHECK(std::isfinite(c.reward[1]));
}

TEST_CASE("an environment beyond the first costs less than 10 KB") {
  for (const char* id : {"HalfCheetah-v5", "Hopper-v5"}) {
    const auto batch = make(id, {.size = 2});
    const EnvSpec& spec = batch->spec();
    const Index columns = 2 * static_cast<Index>(spec.observation.bytes()) + 64 +
                          8 * static_cast<Index>(spec.info.size());
    CHECK(batch->state_bytes() + columns < 10'000);
  }
}

TEST_CASE("options of MuJoCo environments do what they say") {
  const auto with_x =
      make("HalfCheetah-v5", {}, {{"exclude_current_positions_from_observation", 0.0}});
  CHECK(with_x->spec().observation.size() == 18);
  CHECK_THROWS_AS(make("Hopper-v5", {}, {{"healthy_z_range", 1.0}}), UserError);
  CHECK_THROWS_AS(make("Hopper-v5", {}, {{"frame_skip", 0.0}}), UserError);
}

TEST_CASE("a missing or broken model file is named, and nothing is written to disk") {
  const auto folder =
      std::filesystem::temp_directory_path() / concat("palaestra-mujoco-", ::getpid());
  std::filesystem::create_directories(folder);
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder);
  CHECK_THROWS_WITH_AS(load_model("none.xml"), "there is no model file none.xml", UserError);
  ::setenv("PALAESTRA_GYMNASIUM_ASSETS", "/nonexistent", 1);
  CHECK_THROWS_AS(make("Hopper-v5", {}), UserError);
  ::unsetenv("PALAESTRA_GYMNASIUM_ASSETS");
  const auto batch = make("HalfCheetah-v5", {});  // its model file draws a warning at load
  CHECK(std::filesystem::is_empty(folder));
  std::filesystem::current_path(before);
  std::filesystem::remove_all(folder);
}
