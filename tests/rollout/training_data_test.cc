#include <palaestra/rollout/training_data.h>

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/hash.h>
#include <palaestra/rollout/keywords.h>
#include <palaestra/rollout/offline_trainer.h>

#include "tests/core/scratch.h"
#include "tests/rollout/probe_agent.h"
#include "tests/rollout/recorded.h"

using namespace palaestra;
using namespace palaestra::rollout;
using rollout::testing::record;
using rollout::testing::Recording;
namespace fs = std::filesystem;

namespace {

TrainConfig config_for(const fs::path& data, const std::string& env = "") {
  TrainConfig config;
  config.env = env;
  config.data = data.string();
  return config;
}

std::string refusal_of(TrainConfig config) {
  const TrainConfig before = config;
  try {
    TrainingData data(config);
  } catch (const UserError& error) {
    CHECK(to_toml(config) == to_toml(before));
    return error.what();
  }
  return "";
}

bool has(const std::string& text, const std::string& part) {
  CAPTURE(text);
  return text.find(part) != std::string::npos;
}

replay::WeightedReplayBuffer buffer_for(const TrainingData& data) {
  Space observation = data.spec().observation;
  if (observation.kind == Space::Kind::kBox) {
    observation.dtype = DType::kFloat32;
  }
  return {replay::transition_columns(observation, data.spec().action), {.capacity = data.steps()}};
}

}  // namespace

TEST_CASE("what a run leaves open comes from the data set: environment, options, wrappers, hash") {
  const Scratch scratch;
  TrainConfig config = config_for(record(scratch / "set-v0", {}));
  const TrainingData data(config);
  CHECK(config.env == "Pendulum-v1");
  CHECK(config.data_sha256 == sha256_of_file(scratch / "set-v0/data/main_data.hdf5"));
  CHECK(data.spec().id == "Pendulum-v1");
  CHECK(data.steps() == 600);
  CHECK(data.episodes() == std::vector<Index>{0, 1, 2});

  // options and wrappers go with the environment that was named, and give way to what is set
  config = config_for(record(
      scratch / "noisy-v0",
      {.metadata =
           R"({"palaestra": {"env": "Pendulum-v1", "env_options": "g=9.81", "wrap": "action_repeat=2,reward_noise=0.5"}})"}));
  TrainConfig other = config;
  TrainingData completed(config);
  CHECK(config.env_options == "g=9.81");
  CHECK(config.wrap.action_repeat == 2);
  CHECK(config.wrap.reward_noise == 0.5);
  other.env_options = "g=1";
  other.wrap.action_repeat = 3;
  TrainingData again(other);
  CHECK(other.env_options == "g=1");
  CHECK(other.wrap.action_repeat == 3);
  CHECK(other.wrap.reward_noise == 0);

  // Minari's own way, with or without our prefix
  for (const char* id : {"Pendulum-v1", "palaestra/Pendulum-v1"}) {
    config =
        config_for(record(scratch / concat("by-spec-v", id[0]),
                          {.metadata = concat(R"({"env_spec": "{\"id\": \")", id, R"(\"}"})")}));
    TrainingData named(config);
    CHECK(config.env == "Pendulum-v1");
  }
}

TEST_CASE("a file cannot ask for wrappers that would fill the memory") {
  const Scratch scratch;
  for (const char* wrap : {"frame_stack=1000000000", "resize=[1000000, 1000000]", "no_such=1", "]",
                           "action_repeat=-1", "action_repeat=x"}) {
    CAPTURE(wrap);
    const fs::path path = scratch / concat("set-", std::hash<std::string>()(wrap));
    record(path, {.metadata =
                      concat(R"({"palaestra": {"env": "Pendulum-v1", "wrap": ")", wrap, R"("}})")});
    CHECK(refusal_of(config_for(path)) != "");
  }
}

TEST_CASE("an environment that is not here leaves the spaces of the data set") {
  const Scratch scratch;
  const fs::path path =
      record(scratch / "set-v0", {.metadata = R"({"palaestra": {"env": "Mars-v9"}})"});
  TrainConfig config = config_for(path);
  const TrainingData data(config);
  CHECK(config.env.empty());
  CHECK(data.spec().id.empty());
  CHECK(data.spec().action == Space::box(1, -2, 2));
  CHECK(data.spec().observation.size() == 3);
  // a run that goes on collecting needs one
  config = config_for(path);
  config.offline_steps = 10;
  CHECK(has(refusal_of(config), "env is missing"));
}

TEST_CASE("a file that has changed is refused with both hashes") {
  const Scratch scratch;
  const fs::path path = record(scratch / "set-v0", {});
  TrainConfig config = config_for(path);
  TrainingData data(config);
  const std::string before = config.data_sha256;
  record(scratch / "other-v0", {.seed = 8});
  fs::copy_file(scratch / "other-v0/data/main_data.hdf5", path / "data/main_data.hdf5",
                fs::copy_options::overwrite_existing);
  const std::string message = refusal_of(config);
  CHECK(has(message, before));
  CHECK(has(message, sha256_of_file(path / "data/main_data.hdf5")));
  // the same bytes elsewhere are the same data
  record(scratch / "copy-v0", {});
  config.data = (scratch / "copy-v0").string();
  CHECK(refusal_of(config).empty());
}

TEST_CASE("a data set of other spaces is refused, and both are named") {
  const Scratch scratch;
  const fs::path pendulum = record(scratch / "pendulum-v0", {}),
                 cart = record(scratch / "cart-v0", {.env = "CartPole-v1"}),
                 lake = record(scratch / "lake-v0", {.env = "FrozenLake-v1"});
  CHECK(has(refusal_of(config_for(pendulum, "CartPole-v1")), "its observations are Box("));
  CHECK(has(refusal_of(config_for(pendulum, "CartPole-v1")), "but those of CartPole-v1 are Box("));
  CHECK(has(refusal_of(config_for(lake, "CartPole-v1")), "its observations are Discrete(16)"));
  CHECK(refusal_of(config_for(cart, "CartPole-v1")).empty());
  CHECK(refusal_of(config_for(lake, "FrozenLake-v1")).empty());
  // a larger lake has more states
  TrainConfig config = config_for(lake, "FrozenLake-v1");
  config.env_options = "map_name=8x8";
  CHECK(has(refusal_of(config), "are Discrete(64)"));
  // the same sizes with other bounds of actions
  const fs::path strong =
      record(scratch / "strong-v0",
             {.change_columns = [](auto& columns) { columns[1].space = Space::box(1, -3, 3); }});
  CHECK(has(refusal_of(config_for(strong)),
            "its actions are Box(-3.0, 3.0, (1,), float32), but "
            "those of Pendulum-v1 are Box(-2.0, 2.0, (1,), "
            "float32)"));
  // D4RL files say nothing of spaces, but how wide their rows are
  const fs::path flat = record(scratch / "flat.hdf5", {.format = replay::DataFormat::kD4rl});
  CHECK(refusal_of(config_for(flat, "Pendulum-v1")).empty());
  CHECK(refusal_of(config_for(flat, "MountainCarContinuous-v0")) != "");
}

TEST_CASE("data sets that are damaged, empty or no data sets are refused") {
  const Scratch scratch;
  CHECK(refusal_of(config_for(scratch / "nothing-v0")) != "");
  std::ofstream(scratch / "text.hdf5") << "a line of text, which is no HDF5 file";
  CHECK(refusal_of(config_for(scratch / "text.hdf5", "Pendulum-v1")) != "");
  const fs::path cut = record(scratch / "cut-v0", {});
  fs::resize_file(cut / "data/main_data.hdf5", fs::file_size(cut / "data/main_data.hdf5") / 2);
  CHECK(refusal_of(config_for(cut)) != "");
}

TEST_CASE("numbers that are not finite, and choices that there are not, are refused at loading") {
  const Scratch scratch;
  const auto refusal = [&](const char* name, const Recording& how) {
    TrainConfig config = config_for(record(scratch / name, how));
    const TrainingData data(config);
    auto buffer = buffer_for(data);
    try {
      data.load_into(buffer, false);
    } catch (const UserError& error) {
      CHECK(buffer.size() == 0);
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(has(refusal("reward-v0", {.change = [](RecordedEpisode& e) { e.reward[5] = NAN; }}),
            "column reward of episode 0"));
  CHECK(has(refusal("choice-v0",
                    {.env = "CartPole-v1", .change = [](RecordedEpisode& e) { e.choices[3] = 2; }}),
            "column action of episode 0 is 2 at step 3; accepted: 0 to 1"));
  CHECK(refusal("good-v0", {.env = "CartPole-v1"}).empty());
}

TEST_CASE("the best share of the episodes is that of the highest returns, in their order") {
  const Scratch scratch;
  // returns 0, 10, 20, 10, 40 of episodes whose lengths differ
  Index number = 0;
  const double wanted[] = {0, 10, 20, 10, 40};
  const fs::path path = record(
      scratch / "set-v0", {.env = "CartPole-v1", .episodes = 5, .change = [&](RecordedEpisode& e) {
                             e.reward.assign(e.reward.size(), 0);
                             e.reward[0] = wanted[number++];
                           }});
  const auto chosen = [&](double share) {
    TrainConfig config = config_for(path);
    config.best_share = share;
    const TrainingData data(config);
    auto buffer = buffer_for(data);
    data.load_into(buffer, false);
    CHECK(buffer.size() == data.steps());
    CHECK(buffer.episodes().size() == std::ssize(data.episodes()));
    return data.episodes();
  };
  CHECK(chosen(1) == std::vector<Index>{0, 1, 2, 3, 4});
  CHECK(chosen(0.8) == std::vector<Index>{1, 2, 3, 4});
  CHECK(chosen(0.6) == std::vector<Index>{1, 2, 4});  // of equal ones the earlier
  CHECK(chosen(0.4) == std::vector<Index>{2, 4});
  CHECK(chosen(0.01) == std::vector<Index>{4});  // never none
}

TEST_CASE("observations in parts are joined as the environment's rows are") {
  const Scratch scratch;
  const fs::path path =
      record(scratch / "goal-v0", {.env = "PointMaze_UMaze-v3", .episodes = 1, .time_limit = 20});
  for (const bool flat : {false, true}) {
    TrainConfig config = config_for(path, "PointMaze_UMaze-v3");
    config.wrap.flatten_goal = flat;
    // the bounds that the test wrote are not the environment's
    const auto batch = envs::make(config.env, {}, {}, config.wrap.wrappers());
    CHECK(has(refusal_of(config), "its observations are"));
    const fs::path honest =
        record(scratch / concat("honest-v", flat ? 1 : 0), {.env = "PointMaze_UMaze-v3",
                                                            .episodes = 1,
                                                            .time_limit = 20,
                                                            .change_columns = [](auto& columns) {
                                                              for (auto& column : columns) {
                                                                if (column.state)
                                                                  column.space.reset();
                                                              }
                                                            }});
    config.data = honest.string();
    const TrainingData data(config);
    auto buffer = buffer_for(data);
    data.load_into(buffer, false);
    const auto recorded = replay::DataSet(honest);
    const auto position = recorded.read_vector<double>("observation/observation", 0, 0, 20),
               achieved = recorded.read_vector<double>("observation/achieved_goal", 0, 0, 20),
               desired = recorded.read_vector<double>("observation/desired_goal", 0, 0, 20);
    const std::size_t width = flat ? 6 : 8;
    REQUIRE(static_cast<std::size_t>(data.spec().observation.size()) == width);
    std::vector<float> row(width);
    for (Index t = 0; t < 20; ++t) {
      const replay::RowId id[] = {replay::row_id(0, t)};
      buffer.storage().read("observation", id, std::as_writable_bytes(std::span(row)));
      const auto at = [&](const auto& part, Index columns, Index k) {
        return static_cast<float>(part[static_cast<std::size_t>(t * columns + k)]);
      };
      for (Index k = 0; k < 4; ++k) CHECK(row[static_cast<std::size_t>(k)] == at(position, 4, k));
      for (Index k = 0; k < 2; ++k) {
        CHECK(row[static_cast<std::size_t>(4 + k)] == at(flat ? desired : achieved, 2, k));
        CHECK(row[width - 2 + static_cast<std::size_t>(k)] == at(desired, 2, k));
      }
    }
  }
}

TEST_CASE("settings that mean nothing in a kind of run are refused by name") {
  const auto problems = [](auto change) {
    TrainConfig config;
    config.env = "Pendulum-v1";
    config.data = "set-v0";
    change(config);
    try {
      validate(config);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(problems([](TrainConfig&) {}).empty());
  const std::string offline = "an offline run collects nothing (offline_steps is -1)";
  CHECK(has(problems([](TrainConfig& c) { c.n = 4; }), "n is 4; accepted: 1, since " + offline));
  CHECK(has(problems([](TrainConfig& c) { c.learning_starts = 5; }), "learning_starts is 5"));
  CHECK(has(problems([](TrainConfig& c) { c.updates_per_step = 2; }), "updates_per_step is 2.0"));
  CHECK(has(problems([](TrainConfig& c) { c.capacity = 50; }), "capacity is 50"));
  CHECK(has(problems([](TrainConfig& c) { c.data_share = 0.5; }), "data_share is 0.5"));
  CHECK(has(problems([](TrainConfig& c) { c.best_share = 0; }), "best_share is 0"));
  CHECK(has(problems([](TrainConfig& c) { c.wrap.normalize_observation = true; }),
            "wrap.normalize_observation is true"));
  // all of these are right where the run goes on collecting
  CHECK(problems([](TrainConfig& c) {
          c.offline_steps = 0;
          c.n = 4, c.learning_starts = 5, c.updates_per_step = 2, c.capacity = 50;
          c.data_share = 0.5;
        }).empty());
  CHECK(has(problems([](TrainConfig& c) { c.offline_steps = 0, c.data_share = -0.5; }),
            "data_share is -0.5"));
  // and without a data set nothing of it means anything
  const auto alone = [&](auto change) {
    return problems([&](TrainConfig& c) {
      c.data = "";
      change(c);
    });
  };
  CHECK(alone([](TrainConfig&) {}).empty());
  CHECK(has(alone([](TrainConfig& c) { c.offline_steps = 5; }), "offline_steps is 5"));
  CHECK(has(alone([](TrainConfig& c) { c.data_share = 0.5; }), "data_share is 0.5"));
  CHECK(has(alone([](TrainConfig& c) { c.best_share = 0.5; }), "best_share is 0.5"));
  CHECK(has(alone([](TrainConfig& c) { c.normalize_observations = true; }),
            "normalize_observations is true"));
  CHECK(has(alone([](TrainConfig& c) { c.data_sha256 = "ab"; }), "data_sha256 is \"ab\""));
}
