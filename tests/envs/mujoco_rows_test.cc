#include <doctest/doctest.h>
#include <mujoco/mujoco.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <palaestra/envs/columns_hash.h>
#include <palaestra/envs/mujoco/assets.h>
#include <palaestra/envs/mujoco/model.h>
#include <palaestra/envs/random_actions.h>
#include <palaestra/envs/registry.h>

#include "tests/envs/heap.h"

using namespace palaestra;
using namespace palaestra::envs;

namespace {

constexpr const char* kTasks[] = {"HalfCheetah-v5", "Hopper-v5"};

/// How to run a task on the bare engine.
struct Bare {
  const char* id;
  const char* file;
  int frames;
};
constexpr Bare kBare[] = {{kTasks[0], "half_cheetah.xml", 5}, {kTasks[1], "hopper.xml", 4}};

/// Options with which no episode ends by itself.
const std::map<std::string, Keywords> kEndless = {{kTasks[0], {}},
                                                  {kTasks[1], {{"terminate_when_unhealthy", 0.0}}}};

using DataPtr = std::unique_ptr<mjData, decltype(&mj_deleteData)>;

mujoco::Model load(const Bare& bare) {
  return mujoco::load_model(
      mujoco::find_asset("gymnasium", std::filesystem::path("envs/mujoco/assets") / bare.file));
}

void run(const mjModel& model, mjData& data, std::span<const float> action, int frames) {
  std::copy(action.begin(), action.end(), data.ctrl);
  for (int frame = 0; frame < frames; ++frame) {
    mj_step(&model, &data);
  }
}

std::vector<float> random_block(Index n, Stream& random) {
  std::vector<float> block(static_cast<std::size_t>(n));
  for (float& value : block) {
    value = static_cast<float>(random.uniform(-1.2, 1.2));
  }
  return block;
}

bool same_bits(const double* a, const double* b, std::size_t n) {
  return std::memcmp(a, b, n * sizeof(double)) == 0;
}

double resident_megabytes() {
  long pages = 0;
  std::ifstream file("/proc/self/statm");
  file >> pages >> pages;
  return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

}  // namespace

TEST_CASE("swapping states through one work space gives the bits of one mjData per environment") {
  for (const Bare& bare : kBare) {
    CAPTURE(bare.id);
    constexpr Index kRows = 8;
    const auto batch =
        make(bare.id, {.size = kRows, .autoreset = AutoresetMode::kSameStep, .time_limit = 0},
             kEndless.at(bare.id));
    const auto model = load(bare);
    std::vector<DataPtr> own;
    std::vector<double> physics(static_cast<std::size_t>(batch->physics_size()));
    const auto nq = static_cast<std::size_t>(model->nq), nu = static_cast<std::size_t>(model->nu);
    for (Index row = 0; row < kRows; ++row) {
      mjData* d = own.emplace_back(mj_makeData(model.get()), &mj_deleteData).get();
      batch->get_physics(row, physics);
      std::copy_n(physics.begin(), nq, d->qpos);
      std::copy(physics.begin() + static_cast<std::ptrdiff_t>(nq), physics.end(), d->qvel);
      mj_forward(model.get(), d);
    }
    Stream random(5, purpose("tests/mujoco"));
    for (int t = 0; t < 400; ++t) {
      const auto actions = random_block(kRows * model->nu, random);
      batch->step(actions);
      for (Index row = 0; row < kRows; ++row) {
        mjData* d = own[static_cast<std::size_t>(row)].get();
        run(*model, *d, std::span(actions).subspan(static_cast<std::size_t>(row) * nu, nu),
            bare.frames);
        // Gymnasium calls this after every step; it must not matter that ours does not
        mj_rnePostConstraint(model.get(), d);
        batch->get_physics(row, physics);
        REQUIRE(same_bits(physics.data(), d->qpos, nq));
        REQUIRE(same_bits(physics.data() + nq, d->qvel, physics.size() - nq));
      }
    }
  }
}

TEST_CASE("a row goes the same way alone, in company, and branched through a dirty work space") {
  for (const char* id : kTasks) {
    CAPTURE(id);
    const BatchOptions options = {
        .autoreset = AutoresetMode::kSameStep, .seed = 4, .time_limit = 90};
    BatchOptions many = options;
    many.size = 7;
    const auto alone = make(id, options), company = make(id, many);
    Stream random(6, purpose("tests/mujoco"));
    const Index nu = alone->spec().action.size();
    std::vector<std::byte> saved(static_cast<std::size_t>(alone->state_bytes()));
    for (int t = 0; t < 300; ++t) {
      if (t == 123) {  // in the middle of an episode, into another row of the other batch
        alone->get_state(std::vector<Index>{0}, saved);
        company->set_state(std::vector<Index>{5}, saved);
      }
      const auto blocks = random_block(many.size * nu, random);
      auto mine = std::vector<float>(blocks.begin(), blocks.begin() + nu);
      auto theirs = blocks;
      std::copy(mine.begin(), mine.end(), theirs.begin() + 5 * nu);
      alone->step(mine);
      company->step(theirs);
      REQUIRE(column_bytes(*alone, 0, 1) == column_bytes(*company, 0, 1));
      if (t >= 123) {
        REQUIRE(column_bytes(*alone, 0, 1) == column_bytes(*company, 5, 6));
      }
    }
  }
}

TEST_CASE("a diverging row ends its episode with a status and finite numbers, and hurts no other") {
  for (const char* id : kTasks) {
    for (const AutoresetMode mode : {AutoresetMode::kNextStep, AutoresetMode::kSameStep}) {
      CAPTURE(id);
      const BatchOptions options = {.size = 3, .autoreset = mode, .seed = 8};
      const auto batch = make(id, options), calm = make(id, options);
      const auto width = static_cast<std::size_t>(batch->spec().observation.size());
      const Index nu = batch->spec().action.size();
      std::vector<double> physics(static_cast<std::size_t>(batch->physics_size()));
      batch->get_physics(1, physics);
      const std::vector<double> start = physics;
      physics.back() = 1e9;
      physics[physics.size() / 2] = -1e9;
      batch->set_physics(1, physics);
      const BatchColumns& c = batch->columns();
      const std::vector<float> still(static_cast<std::size_t>(3 * nu));
      batch->step(still);
      calm->step(still);
      CHECK(c.status[1] == Status::kDiverged);
      CHECK(c.truncated[1] == 1);
      CHECK(c.terminated[1] == 0);
      CHECK(c.reward[1] == 0.0);
      const auto* last = static_cast<const double*>(c.final_observation) + width;
      for (std::size_t k = 0; k < width; ++k) {
        CHECK(std::isfinite(last[k]));
      }
      for (std::size_t row : {std::size_t{0}, std::size_t{2}}) {
        CHECK(c.status[row] == Status::kOk);
        CHECK(column_bytes(*batch, static_cast<Index>(row), static_cast<Index>(row) + 1) ==
              column_bytes(*calm, static_cast<Index>(row), static_cast<Index>(row) + 1));
      }
      // the next episode is the one that would have come anyway
      const std::vector<std::uint8_t> second = {0, 1, 0};
      calm->reset({}, second);
      if (mode == AutoresetMode::kNextStep) {
        batch->step(still);
        CHECK(c.reset[1] == 1);
        batch->get_physics(1, physics);
        std::vector<double> expected(physics.size());
        calm->get_physics(1, expected);
        CHECK(physics == expected);
      } else {
        for (int t = 0; t < 10; ++t) {
          batch->step(still);
          calm->step(still);
          REQUIRE(column_bytes(*batch, 0, 3) == column_bytes(*calm, 0, 3));
        }
      }
    }
  }
}

TEST_CASE("huge actions are the row's trouble, not the batch's") {
  const auto batch = make("Hopper-v5", {.size = 2, .autoreset = AutoresetMode::kSameStep});
  batch->step(std::vector<float>{1e20f, 0, 0, 0, 0, 0});
  CHECK(batch->columns().status[0] == Status::kDiverged);
  CHECK(batch->columns().reward[0] == 0.0);
  CHECK(batch->columns().status[1] == Status::kOk);
}

TEST_CASE("set_physics keeps time and warm start, places the row and reports its infos") {
  for (const char* id : kTasks) {
    const auto batch = make(id, {});
    std::vector<double> physics(static_cast<std::size_t>(batch->physics_size()), 0.01),
        back(physics);
    physics[0] = 3.5;
    batch->set_physics(0, physics);
    batch->get_physics(0, back);
    CHECK(back == physics);
    CHECK(batch->columns().info[0] == 3.5);  // x_position
    physics[1] = std::nan("");
    CHECK_THROWS_AS(batch->set_physics(0, physics), UserError);
    CHECK_THROWS_AS(batch->set_physics(0, std::vector<double>(3)), UserError);
    CHECK_THROWS_AS(batch->set_physics(1, back), UserError);
    batch->get_physics(0, physics);
    CHECK(back == physics);
  }
}

TEST_CASE("a running row that is placed anew goes on like an mjData that is placed anew") {
  for (const Bare& bare : kBare) {
    CAPTURE(bare.id);
    const auto batch = make(bare.id, {.time_limit = 0}, kEndless.at(bare.id));
    const auto model = load(bare);
    const DataPtr own(mj_makeData(model.get()), &mj_deleteData);
    std::vector<double> physics(static_cast<std::size_t>(batch->physics_size()));
    const auto nq = static_cast<std::size_t>(model->nq), nv = static_cast<std::size_t>(model->nv);
    const auto place = [&] {  // Gymnasium's set_state: the rest of the mjData stays as it is
      std::copy_n(physics.begin(), nq, own->qpos);
      std::copy_n(physics.begin() + static_cast<std::ptrdiff_t>(nq), nv, own->qvel);
      mj_forward(model.get(), own.get());
    };
    batch->get_physics(0, physics);
    place();
    Stream random(9, purpose("tests/mujoco"));
    for (int t = 0; t < 200; ++t) {
      if (t % 10 == 9) {
        for (double& number : physics) {
          number += random.uniform(-0.01, 0.01);
        }
        batch->set_physics(0, physics);
        place();
      }
      const auto action = random_block(model->nu, random);
      batch->step(action);
      run(*model, *own, action, bare.frames);
      batch->get_physics(0, physics);
      REQUIRE(same_bits(physics.data(), own->qpos, nq));
      REQUIRE(same_bits(physics.data() + nq, own->qvel, nv));
    }
  }
}

TEST_CASE("an environment beyond the first per thread costs less than 10 KB") {
  if (!testing::heap_is_counted()) {
    return;
  }
  constexpr Index kMany = 4097;
  for (const char* id : kTasks) {
    for (const int threads : {1, 2}) {
      CAPTURE(id);
      const auto cost = [&](Index n) {
        const double before = testing::heap_bytes();
        const auto batch = make(id, {.size = n, .threads = Threads(threads)});
        batch->step(
            std::vector<float>(static_cast<std::size_t>(n * batch->spec().action.size()), 0.3f));
        return testing::heap_bytes() - before;
      };
      const double one = cost(1), many = cost(kMany);
      CHECK(one > 1e6 * threads);  // one work space per thread, which no environment adds to
      const double each = (many - one) / static_cast<double>(kMany - 1);
      CHECK(each < 10'000);
      CHECK(each > static_cast<double>(make(id, {})->state_bytes()));
      MESSAGE(std::string(id) << ", " << threads << " threads: " << each << " bytes");
    }
  }
}

TEST_CASE("4,096 half-cheetahs fit into 100 MB") {
  if (!testing::heap_is_counted()) {
    return;
  }
  const double before = resident_megabytes();
  const auto batch = make("HalfCheetah-v5", {.size = 4096, .threads = Threads(2)});
  batch->step(std::vector<float>(std::size_t{4096} * 6, 0.3f));
  CHECK(resident_megabytes() - before < 100.0);
}

TEST_CASE("options are checked by name and by value") {
  CHECK(make("HalfCheetah-v5", {}, {{"exclude_current_positions_from_observation", 0.0}})
            ->spec()
            .observation.size() == 18);
  const auto refused = [](const char* option, double value) {
    CAPTURE(option);
    CHECK_THROWS_WITH_AS(make("Hopper-v5", {}, {{option, value}}), doctest::Contains(option),
                         UserError);
  };
  refused("frame_skip", 0);
  refused("frame_skip", 2.5);
  refused("reset_noise_scale", -0.1);
  refused("reset_noise_scale", 1e300);
  refused("forward_reward_weight", std::nan(""));
  refused("terminate_when_unhealthy", 0.5);
  refused("healthy_z_range", 1.0);
  refused("healthy_z_range_low", std::nan(""));
  CHECK_THROWS_WITH_AS(make("Hopper-v5", {}, {{"healthy_z_range_high", 0.5}}),
                       doctest::Contains("healthy_z_range"), UserError);
  CHECK_NOTHROW(make("Hopper-v5", {}, {{"healthy_z_range_high", INFINITY}}));
}

TEST_CASE("without noise every episode starts from the model's own state") {
  for (const char* id : kTasks) {
    const auto batch = make(id, {.size = 2}, {{"reset_noise_scale", 0.0}});
    CHECK(column_bytes(*batch, 0, 1) == column_bytes(*batch, 1, 2));
    std::vector<double> physics(static_cast<std::size_t>(batch->physics_size()));
    batch->get_physics(0, physics);
    CHECK(physics[0] == 0.0);
    CHECK(physics[1] == (std::string(id) == "Hopper-v5" ? 1.25 : 0.0));
  }
}
