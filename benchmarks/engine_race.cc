#include <palaestra/benchmarks/engine_race.h>

#include <malloc.h>
#include <mujoco/mjbatch.h>
#include <mujoco/mujoco.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <numeric>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include <palaestra/core/random.h>
#include <palaestra/core/text.h>

namespace palaestra::benchmarks {
namespace {

using envs::mujoco::Model;

constexpr Index kRows = 64;
constexpr int kWarmSteps = 200;  // random controls until the robots lie and kick: contacts as usual
constexpr int kStepsPerBurst = 10;
constexpr int kBlocks = 50;            // different action blocks, used in turn
constexpr int kBalancingBlocks = 400;  // one for every step there is

/// What all contenders share: the model, the warm states, the actions.
struct Scene {
  EngineTask task;
  Model model;
  std::size_t state_size, controls;
  std::vector<double> warm;  // [kRows, state_size]
  int blocks;
  std::vector<float> actions;  // [blocks, kRows, controls]

  explicit Scene(const EngineTask& t)
      : task(t),
        model(t.model),
        state_size(static_cast<std::size_t>(mj_stateSize(model.get(), mjSTATE_INTEGRATION))),
        controls(static_cast<std::size_t>(model->nu)),
        warm(static_cast<std::size_t>(kRows) * state_size),
        blocks(t.gains.empty() ? kBlocks : kBalancingBlocks),
        actions(static_cast<std::size_t>(blocks * kRows) * controls) {
    Stream random(1, purpose("benchmarks/mujoco"));
    for (float& action : actions) {
      action = static_cast<float>(t.control_range * random.uniform(-1.0, 1.0));
    }
    if (!t.gains.empty()) {
      balance();
    }
  }

  int warm_steps() const { return task.gains.empty() ? kWarmSteps : 0; }
  std::unique_ptr<envs::AnyBatch> batch(int threads) const {
    auto batch = envs::make(
        task.id, {.size = kRows, .threads = Threads(threads), .seed = 1, .time_limit = 0},
        task.options);
    if (task.even_out) {
      task.even_out(*batch);
    }
    return batch;
  }
  const float* block(int step) const {
    return actions.data() + static_cast<std::size_t>(step % blocks * kRows) * controls;
  }

 private:
  /// Actions that keep the robots up from where batches of this scene begin, with a tenth of the
  /// random ones on top.
  void balance() {
    const auto batch = this->batch(1);
    std::vector<double> physics(task.gains.size());
    for (int step = 0; step < blocks; ++step) {
      const std::span<float> now(&actions[static_cast<std::size_t>(step * kRows)],
                                 static_cast<std::size_t>(kRows));
      for (Index row = 0; row < kRows; ++row) {
        batch->get_physics(row, physics);
        float& action = now[static_cast<std::size_t>(row)];
        const double push =
            0.1 * static_cast<double>(action) -
            std::inner_product(physics.begin(), physics.end(), task.gains.begin(), 0.0);
        action = static_cast<float>(std::clamp(push, -task.control_range, task.control_range));
      }
      batch->step(now);
    }
  }
};

using DataPtr = std::unique_ptr<mjData, decltype(&mj_deleteData)>;
DataPtr new_data(const Model& model) { return {mj_makeData(model.get()), &mj_deleteData}; }

/// A way to run all environments through one step, and to look at the engine's state after it.
struct Runner {
  virtual ~Runner() = default;
  virtual void step(const float* actions) = 0;
  virtual void state(Index row, std::span<double> out) const = 0;
};

struct Ours final : Runner {
  std::unique_ptr<envs::AnyBatch> batch;
  std::size_t actions, remembered;

  Ours(const Scene& scene, int threads)
      : batch(scene.batch(threads)),
        actions(static_cast<std::size_t>(kRows) * scene.controls),
        remembered(scene.task.remembered) {}
  void step(const float* block) override { batch->step(std::span(block, actions)); }
  void state(Index row, std::span<double> out) const override {
    // the engine's part lies in front of what the task remembers and derives, at the end of a row
    std::vector<std::byte> bytes(static_cast<std::size_t>(batch->state_bytes()));
    batch->get_state({&row, 1}, bytes);
    const std::size_t memory = remembered * sizeof(double);
    std::memcpy(out.data(), bytes.data() + bytes.size() - memory - out.size_bytes(),
                out.size_bytes());
  }
};

struct Bare final : Runner {
  const Scene& scene;
  std::vector<DataPtr> data;

  explicit Bare(const Scene& s) : scene(s) {
    for (Index row = 0; row < kRows; ++row) {
      data.push_back(new_data(s.model));
      mj_setState(s.model.get(), data.back().get(),
                  &s.warm[static_cast<std::size_t>(row) * s.state_size], mjSTATE_INTEGRATION);
      if (s.task.prepare) {
        s.task.prepare(*s.model, *data.back());
      }
    }
  }
  void step(const float* block) override {
    const EngineTask::Step& make = scene.task.step_own ? scene.task.step_own : scene.task.step;
    for (std::size_t row = 0; row < data.size(); ++row) {
      std::copy_n(block + row * scene.controls, scene.controls, data[row]->ctrl);
      make(*scene.model, *data[row]);
    }
  }
  void state(Index row, std::span<double> out) const override {
    mj_getState(scene.model.get(), data[static_cast<std::size_t>(row)].get(), out.data(),
                mjSTATE_INTEGRATION);
  }
};

struct Swap final : Runner {
  const Scene& scene;
  DataPtr data;
  std::vector<double> states;

  explicit Swap(const Scene& s) : scene(s), data(new_data(s.model)), states(s.warm) {}
  void step(const float* block) override {
    for (std::size_t row = 0; row < static_cast<std::size_t>(kRows); ++row) {
      double* state = &states[row * scene.state_size];
      mj_setState(scene.model.get(), data.get(), state, mjSTATE_INTEGRATION);
      std::copy_n(block + row * scene.controls, scene.controls, data->ctrl);
      scene.task.step(*scene.model, *data);
      mj_getState(scene.model.get(), data.get(), state, mjSTATE_INTEGRATION);
    }
  }
  void state(Index row, std::span<double> out) const override {
    std::copy_n(&states[static_cast<std::size_t>(row) * scene.state_size], out.size(), out.data());
  }
};

struct Upstream final : Runner {
  const Scene& scene;
  std::unique_ptr<mjBatch, decltype(&mjb_deleteBatch)> batch{nullptr, &mjb_deleteBatch};

  Upstream(const Scene& s, int threads) : scene(s) {
    mjBatchConfig config;
    mjb_defaultConfig(&config);
    config.nthread = threads;
    char error[500] = "";
    batch.reset(
        mjb_makeBatch(s.model.get(), static_cast<int>(kRows), &config, error, sizeof(error)));
    if (!batch || static_cast<std::size_t>(mjb_nstate(batch.get())) != s.state_size) {
      throw std::logic_error(std::string("mjb_makeBatch: ") + error);
    }
    std::copy(s.warm.begin(), s.warm.end(), mjb_state(batch.get()));
  }
  void step(const float* block) override {
    mjtNum* control = mjb_stateComponent(batch.get(), mjSTATE_CTRL, nullptr);
    for (std::size_t row = 0; row < static_cast<std::size_t>(kRows); ++row) {
      std::copy_n(block + row * scene.controls, scene.controls, control + row * scene.state_size);
    }
    if (scene.task.batched_frames == 0) {
      const auto apply = [](const mjModel* m, mjData* d, int, void* task) {
        static_cast<const EngineTask*>(task)->step(*m, *d);
      };
      mjb_apply(batch.get(), nullptr, 0, apply, const_cast<EngineTask*>(&scene.task), /*save=*/1);
    } else {
      mjb_step(batch.get(), nullptr, 0, scene.task.batched_frames, mjSTAGE_NONE);
    }
  }
  void state(Index row, std::span<double> out) const override {
    std::copy_n(mjb_state(batch.get()) + static_cast<std::size_t>(row) * scene.state_size,
                out.size(), out.data());
  }
};

/// One runner being timed; it keeps its place in the sequence of actions.
struct Lane {
  std::string name;
  std::unique_ptr<Runner> runner;
  int at = 0;
  std::vector<double> wall{};  // seconds per burst

  void burst(const Scene& scene) {
    const auto start = std::chrono::steady_clock::now();
    for (int k = 0; k < kStepsPerBurst; ++k) {
      runner->step(scene.block(at++));
    }
    wall.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
};

void require_equal_states(const Scene& scene, const std::vector<Lane>& lanes) {
  std::vector<double> first(scene.state_size), other(scene.state_size);
  for (Index row = 0; row < kRows; ++row) {
    lanes.front().runner->state(row, first);
    for (const Lane& lane : lanes) {
      lane.runner->state(row, other);
      if (lane.at != lanes.front().at ||
          std::memcmp(first.data(), other.data(), first.size() * sizeof(double)) != 0) {
        throw std::logic_error(scene.task.id + ": " + lane.name +
                               " does not follow the same states");
      }
    }
  }
}

double median_wall(const Lane& lane) {
  std::vector<double> wall = lane.wall;
  std::nth_element(wall.begin(), wall.begin() + std::ssize(wall) / 2, wall.end());
  return wall[wall.size() / 2];
}

/// Takes turns with the lanes; CPU seconds per environment step of each.
std::vector<double> take_turns(const Scene& scene, std::vector<Lane>& lanes, int rounds) {
  std::vector<Contender> contenders;
  contenders.reserve(lanes.size());
  for (Lane& lane : lanes) {
    contenders.push_back({lane.name, static_cast<double>(kRows * kStepsPerBurst),
                          [&lane, &scene] { lane.burst(scene); }});
  }
  std::vector<double> seconds = interleave(contenders, rounds);
  require_equal_states(scene, lanes);
  return seconds;
}

/// Ours in a warm state, and that state for all the others.
Lane warmed_up(Scene& scene) {
  Lane lane{"palaestra", std::make_unique<Ours>(scene, 1)};
  for (int k = 0; k < scene.warm_steps(); ++k) {
    lane.runner->step(scene.block(k));
  }
  for (Index row = 0; row < kRows; ++row) {
    lane.runner->state(
        row, std::span(scene.warm)
                 .subspan(static_cast<std::size_t>(row) * scene.state_size, scene.state_size));
  }
  return lane;
}

/// Nobody has a second thread here: a pool that waits between its turns would be charged to others.
Row step_row(Scene& scene) {
  std::vector<Lane> lanes;
  lanes.push_back(warmed_up(scene));
  lanes.push_back({"bare mj_step loop", std::make_unique<Bare>(scene)});
  lanes.push_back({"state swap", std::make_unique<Swap>(scene)});
  const char* const upstream = scene.task.batched_frames == 0 ? "mjb_apply" : "mjb_step";
  lanes.push_back({upstream, std::make_unique<Upstream>(scene, 1)});
  const std::vector<double> seconds = take_turns(scene, lanes, scene.task.rounds);
  const auto fastest = std::min_element(seconds.begin() + 1, seconds.end());

  Row row;
  row.name = concat(scene.task.rows, "/step");
  row.value = 1 / seconds.front();
  row.unit = "steps/s";
  row.n = kRows;
  row.peer = concat("mujoco ", upstream);
  row.peer_version = mj_versionString();
  row.peer_value = 1 / seconds.back();
  row.limit = 1 / *fastest;
  row.limit_name = lanes[static_cast<std::size_t>(fastest - seconds.begin())].name;
  return row;
}

Row threads_row(Scene& scene) {
  std::vector<Lane> lanes;
  lanes.push_back(warmed_up(scene));
  lanes.push_back({"palaestra", std::make_unique<Ours>(scene, 2)});
  for (int k = 0; k < scene.warm_steps(); ++k) {
    lanes.back().runner->step(scene.block(k));
  }
  lanes.push_back({"mjb_step", std::make_unique<Upstream>(scene, 1)});
  lanes.push_back({"mjb_step", std::make_unique<Upstream>(scene, 2)});
  take_turns(scene, lanes, /*rounds=*/21);

  Row row;
  row.name = concat(scene.task.rows, "/threads2");
  row.value = median_wall(lanes[0]) / median_wall(lanes[1]);
  row.unit = "x one thread";
  row.threads = 2;
  row.n = kRows;
  row.peer = "mujoco mjb_step";
  row.peer_version = mj_versionString();
  row.peer_value = median_wall(lanes[2]) / median_wall(lanes[3]);
  row.limit = 2;
  row.limit_name = "linear";
  return row;
}

/// Bytes that this process has from malloc, operator new included.
double allocated_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

Row memory_row(const Scene& scene) {
  constexpr Index kMany = 4096;
  const auto cost = [&scene](Index n) {
    const double before = allocated_bytes();
    const auto batch = envs::make(scene.task.id, {.size = n}, scene.task.options);
    batch->step(std::vector<float>(static_cast<std::size_t>(n) * scene.controls, 0.1f));
    return allocated_bytes() - before;
  };
  Row row;
  row.name = concat(scene.task.rows, "/memory");
  row.value = (cost(kMany) - cost(1)) / static_cast<double>(kMany - 1) / 1000;
  row.unit = "KB per environment";
  row.higher_is_better = false;
  row.n = kMany;
  row.limit = static_cast<double>(scene.state_size * sizeof(double)) / 1000;
  row.limit_name = "its state row";
  return row;
}

}  // namespace

std::vector<Row> engine_rows(const EngineTask& task, bool with_threads, const Wanted& wanted) {
  std::vector<Row> rows;
  if (!wanted.below(task.rows)) {
    return rows;
  }
  Scene scene(task);
  if (wanted.row(concat(task.rows, "/step"))) {
    rows.push_back(step_row(scene));
  }
  if (with_threads && wanted.row(concat(task.rows, "/threads2"))) {
    rows.push_back(threads_row(scene));
  }
  if (wanted.row(concat(task.rows, "/memory"))) {
    rows.push_back(memory_row(scene));
  }
  return rows;
}

}  // namespace palaestra::benchmarks
