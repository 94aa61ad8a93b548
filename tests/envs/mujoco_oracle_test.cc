#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/envs/mujoco/engine.h>
#include <palaestra/envs/registry.h>

using namespace palaestra;
using namespace palaestra::envs;

namespace {

/// One part of a transcript: see tests/golden/make_mujoco_transcripts.py.
struct Part {
  Keywords options;
  std::vector<double> start, observation, reward, info;
  std::vector<std::int64_t> length;
  std::vector<float> action;
  std::vector<std::uint8_t> terminated;

  Part(const ArchiveReader& file, const std::string& name) {
    read(file, name + ".start", start);
    read(file, name + ".length", length);
    read(file, name + ".action", action);
    read(file, name + ".observation", observation);
    read(file, name + ".reward", reward);
    read(file, name + ".terminated", terminated);
    if (file.contains(name + ".info")) {
      read(file, name + ".info", info);
    }
    std::istringstream words(file.get_text(name + ".options"));
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      options[word.substr(0, equals)] = std::stod(word.substr(equals + 1));
    }
  }

 private:
  template <class T>
  static void read(const ArchiveReader& file, const std::string& name, std::vector<T>& out) {
    out.resize(file.block(name).bytes.size() / sizeof(T));
    file.get(name, out);
  }
};

/// How far ours is from the original.
struct Difference {
  double largest = 0;
  Index numbers = 0, other_bits = 0;

  void compare(const double* ours, const double* theirs, std::size_t n) {
    for (std::size_t k = 0; k < n; ++k) {
      largest = std::max(largest, std::abs(ours[k] - theirs[k]));
      // -0 and 0 are the same number
      other_bits += std::bit_cast<std::uint64_t>(ours[k] + 0.0) !=
                    std::bit_cast<std::uint64_t>(theirs[k] + 0.0);
    }
    numbers += static_cast<Index>(n);
  }
};

/// Runs the recorded actions from the recorded starts and compares every number of every step.
Difference follow(const std::string& id, const Part& part) {
  const auto batch = make(id, {.autoreset = AutoresetMode::kDisabled}, part.options);
  const BatchColumns& columns = batch->columns();
  const auto physics = static_cast<std::size_t>(batch->physics_size());
  const auto width = static_cast<std::size_t>(batch->spec().observation.size());
  const auto controls = static_cast<std::size_t>(batch->spec().action.size());
  const std::size_t infos = batch->spec().info.size();
  Difference difference;
  std::size_t at = 0;
  for (std::size_t episode = 0; episode < part.length.size(); ++episode) {
    batch->reset();
    batch->set_physics(0, std::span(part.start).subspan(episode * physics, physics));
    for (std::int64_t t = 0; t < part.length[episode]; ++t, ++at) {
      batch->step(std::span(part.action).subspan(at * controls, controls));
      difference.compare(static_cast<const double*>(columns.observation),
                         &part.observation[at * width], width);
      difference.compare(columns.reward, &part.reward[at], 1);
      if (!part.info.empty()) {
        difference.compare(columns.info, &part.info[at * infos], infos);
      }
      REQUIRE(columns.terminated[0] == part.terminated[at]);
      REQUIRE(columns.status[0] == Status::kOk);
    }
  }
  REQUIRE(at == part.reward.size());
  return difference;
}

}  // namespace

TEST_CASE("MuJoCo tasks are Gymnasium's own: every number of random steps, every option") {
  Index tasks = 0;
  for (const Registration& registration : registrations()) {
    const std::string& id = registration.id;
    if (registration.spec({}).family != "mujoco") {
      continue;
    }
    ++tasks;
    const ArchiveReader file(std::string(PALAESTRA_TESTS) + "/golden/mujoco/" + id + ".safetensors",
                             ArchiveReader::Origin::kForeign);
    const bool same_engine = file.get_text("engine") == mujoco::engine_version();
    const bool equal_bits = same_engine && registration.spec({}).oracle.ends_with("equal bits");
    std::istringstream names(file.get_text("parts"));
    for (std::string name; names >> name;) {
      CAPTURE(id);
      CAPTURE(name);
      const Part part(file, name);
      REQUIRE(part.length.size() >= 1);
      if (name == "walk" && (id == "HalfCheetah-v5" || id == "Hopper-v5")) {
        REQUIRE(part.reward.size() >= 1000);  // of the others, tests/python compares as many
        REQUIRE(part.length.size() >= 10);
      }
      const Difference difference = follow(id, part);
      CHECK(difference.largest < 1e-10);
      // the very same operations on the same engine: nothing is left to rounding
      if (equal_bits) {
        CHECK(difference.other_bits == 0);
      }
    }
  }
  CHECK(tasks == 11);
}

TEST_CASE("a hopper ends its episode at the edge of health and not before") {
  struct Edge {
    const char* option;
    std::size_t at;
  };
  for (const Edge& edge : {Edge{"healthy_angle_range_high", 2}, Edge{"healthy_z_range_high", 1},
                           Edge{"healthy_state_range_high", 3}}) {
    const char* const option = edge.option;
    const std::size_t at = edge.at;
    CAPTURE(option);
    for (const bool beyond : {false, true}) {
      // where one step from the upright pose leads, and a bound just above or just below that
      const auto probe = make("Hopper-v5", {});
      std::vector<double> physics(12);
      physics[1] = 1.25;
      physics[at] += 0.05;
      physics[6 + at] = 0.2;
      probe->set_physics(0, physics);
      probe->step(std::vector<float>(3));
      REQUIRE(probe->columns().terminated[0] == 0);
      std::vector<double> after(12);
      probe->get_physics(0, after);
      const double bound = at == 3 ? *std::max_element(after.begin() + 2, after.end()) : after[at];
      const auto batch = make("Hopper-v5", {}, {{option, bound + (beyond ? -1e-9 : 1e-9)}});
      batch->set_physics(0, physics);
      batch->step(std::vector<float>(3));
      CHECK(batch->columns().terminated[0] == beyond);
      CHECK(batch->columns().truncated[0] == 0);
    }
  }
}

TEST_CASE("the ant is healthy on the bounds themselves, walker and humanoid only between them") {
  struct Edge {
    const char* id;
    std::size_t height;  // among the positions
    bool closed;
  };
  for (const Edge& edge :
       {Edge{"Ant-v5", 2, true}, Edge{"Walker2d-v5", 1, false}, Edge{"Humanoid-v5", 2, false}}) {
    CAPTURE(edge.id);
    const auto probe = make(edge.id, {.seed = 3});
    const std::vector<float> still(static_cast<std::size_t>(probe->spec().action.size()));
    std::vector<double> physics(static_cast<std::size_t>(probe->physics_size()));
    probe->step(still);
    probe->get_physics(0, physics);
    const double height = physics[edge.height];
    for (const bool high : {false, true}) {
      const char* const option = high ? "healthy_z_range_high" : "healthy_z_range_low";
      for (const int side : {-1, 0, 1}) {  // the bound leaves the height out, touches it, holds it
        const double bound = std::nextafter(height, high == (side > 0) ? 1e9 : -1e9);
        const auto batch = make(edge.id, {.seed = 3}, {{option, side == 0 ? height : bound}});
        batch->step(still);
        const bool healthy = side == 1 || (side == 0 && edge.closed);
        CHECK(batch->columns().terminated[0] == !healthy);
      }
    }
  }
}
