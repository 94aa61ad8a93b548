// Data sets in C++: what is written is what is read; parts, buffers, errors. The formats themselves
// are checked against minari and h5py in tests/python/test_data_sets.py.

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <numeric>

#include <doctest/doctest.h>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <palaestra/replay/datasets/check.h>
#include <palaestra/replay/datasets/convert.h>
#include <palaestra/replay/datasets/load.h>

#include "tests/core/scratch.h"

using namespace palaestra;
using namespace palaestra::replay;

namespace {

/// Values that say where they come from: 1000 * episode + 10 * step + element.
struct Made {
  explicit Made(Index episode_number, Index steps, bool ends = true)
      : episode(episode_number), length(steps) {
    for (Index t = 0; t <= steps; ++t) {
      for (Index k = 0; k < 2; ++k) {
        observation.push_back(static_cast<float>(value(t) + static_cast<double>(k)));
      }
      info.push_back(0.5 * value(t));
    }
    for (Index t = 0; t < steps; ++t) {
      action.push_back(t % 3);
      reward.push_back(value(t) / 7);
    }
    terminated.assign(static_cast<std::size_t>(steps), 0);
    truncated = terminated;
    (episode_number % 2 == 0 ? terminated : truncated).back() = ends ? 1 : 0;
  }
  double value(Index t) const { return static_cast<double>(1000 * episode + 10 * t); }

  EpisodeValues values() {
    columns = {{"observation", observation}, {"action", action},       {"reward", reward},
               {"terminated", terminated},   {"truncated", truncated}, {"info/x", info}};
    return {.length = length, .columns = columns, .seed = 40 + episode};
  }

  Index episode, length;
  std::vector<float> observation;
  std::vector<std::int64_t> action;
  std::vector<double> reward, info;
  std::vector<std::uint8_t> terminated, truncated;
  std::vector<NamedValues> columns;
};

DataSetPlan plan_of(DataFormat format) {
  return {.format = format,
          .columns = {{.name = "observation",
                       .dtype = DType::kFloat32,
                       .shape = {2},
                       .state = true,
                       .space = Space::box(2, -1e6, 1e6)},
                      {.name = "action", .dtype = DType::kInt64, .space = Space::discrete(3)},
                      {.name = "reward", .dtype = DType::kFloat64},
                      {.name = "info/x",
                       .dtype = DType::kFloat64,
                       .shape = {},
                       .state = format == DataFormat::kMinari}},
          .metadata = R"({"note": "made"})"};
}

/// A data set with episodes of these lengths.
std::filesystem::path write(const std::filesystem::path& path, DataFormat format,
                            const std::vector<Index>& lengths) {
  DataSetWriter writer(path, plan_of(format));
  for (std::size_t e = 0; e < lengths.size(); ++e) {
    Made made(static_cast<Index>(e), lengths[e]);
    if (format == DataFormat::kD4rl) {
      made.info.pop_back();
    }
    writer.add(made.values());
  }
  writer.finish();
  return path;
}

WeightedReplayBuffer buffer_for(Index capacity, Index lanes = 1) {
  return {{{.name = "observation", .shape = {2}, .state = true},
           {.name = "action", .dtype = DType::kInt64},
           {.name = "reward"}},
          {.capacity = capacity, .lanes = lanes}};
}

template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

/// Files cannot grow beyond this while one lives: what a full disk looks like.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SmallDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what is written is what is read, in any part") {
  const Scratch scratch;
  for (const DataFormat format : {DataFormat::kMinari, DataFormat::kD4rl}) {
    CAPTURE(name_of(format));
    const DataSet data(write(scratch.path / concat("set_", name_of(format)), format, {5, 1, 12}));
    CHECK(data.format() == format);
    REQUIRE(data.episodes() == 3);
    CHECK(data.steps() == 18);
    for (Index e = 0; e < 3; ++e) {
      Made made(e, data.episode(e).length);
      const EpisodeFacts facts = data.episode(e);
      CHECK(facts.terminated == (e % 2 == 0));
      CHECK(facts.truncated == (e % 2 == 1));
      CHECK(facts.seed ==
            (format == DataFormat::kMinari ? std::optional<Index>(40 + e) : std::nullopt));
      CHECK(data.read_vector<float>("observation", e, 0, facts.length + 1) == made.observation);
      CHECK(data.read_vector<std::int64_t>("action", e, 0, facts.length) == made.action);
      CHECK(data.episode_return(e) == std::accumulate(made.reward.begin(), made.reward.end(), 0.0));
      for (Index first = 0; first < facts.length; ++first) {
        for (Index count = 0; count <= facts.length - first; ++count) {
          const auto part = data.read_vector<double>("reward", e, first, count);
          CHECK(std::equal(part.begin(), part.end(), made.reward.begin() + first));
        }
      }
    }
    CHECK(check(data).good());
    CHECK(has(data.metadata(), "\"note\""));
    CHECK(has(message_of([&] { data.find("actoin"); }), "did you mean \"action\""));
    CHECK(has(message_of([&] { data.read_vector<double>("reward", 0, 3, 3); }), "rows 3 to 6"));
    CHECK(has(message_of([&] { data.episode(3); }), "episode 3"));
  }
}

TEST_CASE("equal contents are equal bytes") {
  const Scratch scratch;
  const auto bytes = [&](const char* name, DataFormat format) {
    const auto path = write(scratch.path / name, format, {5, 1, 12});
    std::ifstream in(format == DataFormat::kMinari ? path / "data/main_data.hdf5" : path,
                     std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  CHECK(bytes("a", DataFormat::kMinari) == bytes("b", DataFormat::kMinari));
  CHECK(bytes("c", DataFormat::kD4rl) == bytes("d", DataFormat::kD4rl));
}

TEST_CASE("episodes go into a buffer as if they had been appended step by step") {
  const Scratch scratch;
  const DataSet data(write(scratch.path / "a", DataFormat::kMinari, {5, 1, 12, 6}));
  WeightedReplayBuffer loaded = buffer_for(24), expected = buffer_for(24);
  const LoadResult result = load_into(loaded, data);
  CHECK(result.episodes == 4);
  CHECK(result.steps == 24);
  for (Index e = 0; e < 4; ++e) {
    const Made made(e, data.episode(e).length);
    for (std::size_t t = 0; t < static_cast<std::size_t>(made.length); ++t) {
      const auto reward = static_cast<float>(made.reward[t]);
      const std::vector<NamedValues> now{
          {"observation", std::span(made.observation).subspan(2 * t, 2)},
          {"action", std::span(made.action).subspan(t, 1)},
          {"reward", std::span(&reward, 1)}};
      const std::vector<NamedValues> next{
          {"observation", std::span(made.observation).subspan(2 * t + 2, 2)}};
      expected.append({.columns = now,
                       .terminated = std::span(made.terminated).subspan(t, 1),
                       .truncated = std::span(made.truncated).subspan(t, 1),
                       .skip = {},
                       .next = next,
                       .last = next});
    }
  }
  // the same rows under the same draws
  Stream first(1, purpose("test")), second(1, purpose("test"));
  const SampleRequest request{.rows = 300, .n_step = 3, .discount = 0.9};
  const Minibatch a = loaded.sample(first, request), b = expected.sample(second, request);
  const auto same = [](auto x, auto y) { return std::equal(x.begin(), x.end(), y.begin()); };
  CHECK(same(a.observation, b.observation));
  CHECK(same(a.action, b.action));
  CHECK(same(a.reward, b.reward));
  CHECK(same(a.discount, b.discount));
  CHECK(same(a.next_observation, b.next_observation));
  CHECK(same(a.steps, b.steps));
  CHECK(same(a.index, b.index));
}

TEST_CASE("a part of a data set goes into a buffer") {
  const Scratch scratch;
  const DataSet data(write(scratch.path / "a", DataFormat::kMinari, {5, 1, 12, 6}));
  const auto rewards = [&](const LoadOptions& options, Index lanes = 1) {
    WeightedReplayBuffer buffer = buffer_for(48, lanes);
    load_into(buffer, data, options);
    std::vector<float> all;
    for (Index lane = 0; lane < lanes; ++lane) {
      for (Index i = 0; i < buffer.storage().size(lane); ++i) {
        float value = 0;
        const RowId id = row_id(lane, i);
        buffer.storage().read("reward", std::span(&id, 1),
                              std::as_writable_bytes(std::span(&value, 1)));
        all.push_back(value);
      }
    }
    return all;
  };
  const auto expected = [&](std::initializer_list<std::array<Index, 3>> parts) {
    std::vector<float> all;
    for (const auto& [e, begin, end] : parts) {
      const Made made(e, data.episode(e).length);
      for (Index t = begin; t < end; ++t) {
        all.push_back(static_cast<float>(made.reward[static_cast<std::size_t>(t)]));
      }
    }
    return all;
  };
  CHECK(rewards({.fraction = 0.1}) == expected({{0, 0, 2}}));
  CHECK(rewards({.fraction = 0.5}) == expected({{0, 0, 5}, {1, 0, 1}, {2, 0, 6}}));
  CHECK(rewards({.fraction = 0}).empty());
  CHECK(rewards({.first_episode = 1, .end_episode = 3}) == expected({{1, 0, 1}, {2, 0, 12}}));
  CHECK(rewards({.first_step = 4, .end_step = 8}) == expected({{0, 4, 5}, {2, 4, 8}, {3, 4, 6}}));
  // two lanes, the emptier one first
  CHECK(rewards({}, 2) == expected({{0, 0, 5}, {3, 0, 6}, {1, 0, 1}, {2, 0, 12}}));
}

TEST_CASE("a buffer refuses what does not fit, and is as it was") {
  const Scratch scratch;
  const DataSet data(write(scratch.path / "a", DataFormat::kMinari, {5, 1, 12, 6}));
  WeightedReplayBuffer small = buffer_for(23);
  CHECK(has(message_of([&] { load_into(small, data); }), "24 steps for a lane of 23"));
  CHECK(has(message_of([&] { load_into(small, data, {.end_episode = 5}); }), "has 4"));
  CHECK(has(message_of([&] { load_into(small, data, {.fraction = 1.5}); }), "fraction is 1.5"));
  CHECK(has(message_of([&] { load_into(small, data, {.lane = 1}); }), "lane is 1"));
  CHECK(has(message_of([&] {
              load_into(small, data, {.sources = {{"acton", {"action"}}}});
            }),
            "acton"));
  CHECK(has(message_of([&] {
              load_into(small, data, {.sources = {{"observation", {"reward", "reward"}}}});
            }),
            "no value after the last step"));
  CHECK(small.size() == 0);
  WeightedReplayBuffer wide({{.name = "observation", .shape = {3}, .state = true},
                             {.name = "action", .dtype = DType::kInt64},
                             {.name = "reward"}},
                            {.capacity = 100});
  CHECK(has(message_of([&] { load_into(wide, data); }), "3 numbers per row"));
  // columns joined, and infos as a part of a state
  load_into(wide, data, {.sources = {{"observation", {"observation", "info/x"}}}});
  std::vector<float> row(3);
  const RowId id = 1;
  wide.storage().read("observation", std::span(&id, 1), std::as_writable_bytes(std::span(row)));
  CHECK(row == std::vector<float>{10, 11, 5});
}

TEST_CASE("demonstrations are pinned, and limits are kept") {
  const Scratch scratch;
  const DataSet data(write(scratch.path / "a", DataFormat::kMinari, {5, 1, 12, 6}));
  WeightedReplayBuffer buffer({{.name = "observation", .shape = {2}, .state = true},
                               {.name = "action", .dtype = DType::kInt64},
                               {.name = "reward"}},
                              {.capacity = 30, .pinned = 24});
  CHECK(load_into(buffer, data, {.pinned = true}).steps == 24);
  CHECK(has(message_of([&] { load_into(buffer, data, {.fraction = 0.1, .pinned = true}); }),
            "of which 0 are free"));
  for (int i = 0; i < 3; ++i) {  // the ring turns over, the pinned rows stay
    load_into(buffer, data);
  }
  const Index pinned = buffer.storage().pinned_lane();
  CHECK(buffer.storage().size(pinned) == 24);
  CHECK(buffer.size() == 24 + 30);
  const RowId last = row_id(pinned, 23);
  float reward = 0;
  buffer.storage().read("reward", std::span(&last, 1),
                        std::as_writable_bytes(std::span(&reward, 1)));
  CHECK(reward == static_cast<float>(Made(3, 6).reward.back()));

  WeightedReplayBuffer plain = buffer_for(100);
  CHECK(has(message_of([&] { load_into(plain, data, {.pinned = true}); }), "0 are free"));
  CHECK(plain.size() == 0);
}

TEST_CASE("rows go where any of them may be removed first") {
  const Scratch scratch;
  const DataSet data(write(scratch.path / "a", DataFormat::kMinari, {5, 1, 12, 6}));
  WeightedReplayBuffer buffer({{.name = "observation", .shape = {2}, .state = true},
                               {.name = "action", .dtype = DType::kInt64},
                               {.name = "reward"}},
                              {.capacity = 24,
                               .priorities = PriorityKind::kProportional,
                               .removal = Removal::kLowestPriority});
  CHECK(load_into(buffer, data).steps == 24);
  CHECK(buffer.size() == 24);
  Stream random(1, purpose("test"));
  const Minibatch batch = buffer.sample(random, {.rows = 200, .selection = Selection::kUniform});
  for (std::size_t i = 0; i < 200; ++i) {  // each row is with the state that followed it
    CHECK(batch.next_observation[2 * i] == batch.observation[2 * i] + 10);
  }
}

TEST_CASE("check finds what is wrong") {
  const Scratch scratch;
  const auto problems = [&](const char* name, const auto& spoil) {
    const auto path = scratch.path / name;
    DataSetWriter writer(path, plan_of(DataFormat::kMinari));
    Made good(0, 4), bad(1, 6);
    spoil(bad);
    writer.add(good.values());
    writer.add(bad.values());
    writer.finish();
    const DataSetCheck found = check(DataSet(path));
    return found.problems.empty() ? "" : found.problems.front();
  };
  CHECK(problems("good", [](Made&) {}).empty());
  CHECK(problems("nan", [](Made& m) { m.observation[5] = std::nanf(""); }) ==
        "episode 1, step 2: observation is not finite");
  CHECK(problems("inf", [](Made& m) { m.reward[5] = INFINITY; }) ==
        "episode 1, step 5: reward is not finite");
  CHECK(problems("early", [](Made& m) { m.terminated[3] = 1; }) ==
        "episode 1, step 3: terminated before the last step");
  CHECK(has(problems("action", [](Made& m) { m.action[2] = 3; }),
            "episode 1, step 2: action is outside of"));
}

TEST_CASE("the writer keeps its promises") {
  const Scratch scratch;
  const auto path = scratch.path / "set";
  for (const DataFormat format : {DataFormat::kMinari, DataFormat::kD4rl}) {
    {
      DataSetWriter writer(path, plan_of(format));
      Made made(0, 3);
      if (format == DataFormat::kD4rl) {
        made.info.pop_back();
      }
      writer.add(made.values());
      made.reward.pop_back();
      CHECK(has(message_of([&] { writer.add(made.values()); }), "reward has 2 numbers"));
      CHECK(writer.episodes() == 1);
      CHECK_FALSE(std::filesystem::exists(path));
    }  // never finished
    CHECK(std::filesystem::is_empty(scratch.path));
    CHECK(has(message_of([&] { DataSetWriter(path, plan_of(format)).finish(); }),
              "without episodes"));
  }
  auto plan = plan_of(DataFormat::kD4rl);
  plan.columns[0].name = "observation/part";
  CHECK(has(message_of([&] { DataSetWriter(path, plan); }), "Minari holds parts"));
  plan.columns[0].name = "observatoin";
  CHECK(has(message_of([&] { DataSetWriter(path, plan); }), "cannot be written"));
  CHECK(std::filesystem::is_empty(scratch.path));
  write(scratch.path / "new" / "folder" / "set", DataFormat::kD4rl, {2});  // parents are made
  const auto file = scratch.path / "file";
  std::ofstream(file) << "mine";
  CHECK(has(message_of([&] { DataSetWriter(file / "set", plan_of({})); }), file.string()));
  write(path, DataFormat::kMinari, {2});
  CHECK(has(message_of([&] { DataSetWriter(path, plan_of({})); }), "exists and is not replaced"));
}

TEST_CASE("a full disk is an error, wherever it strikes, and leaves and leaks nothing") {
  const Scratch scratch;
  Index full = 0;
  for (const DataFormat format : {DataFormat::kMinari, DataFormat::kD4rl}) {
    for (rlim_t bytes = 0; bytes < 60'000; bytes += 1'500) {
      CAPTURE(bytes);
      const auto path = scratch.path / concat("set", bytes);
      const std::string message = message_of([&] {
        const SmallDisk disk(bytes);
        write(path, format, {300, 1, 200, 250});
      });
      if (message.empty()) {
        CHECK(check(DataSet(path)).good());
        std::filesystem::remove_all(path);
        continue;
      }
      full += 1;
      CHECK(has(message, "is the disk full?"));
      CHECK(std::filesystem::is_empty(scratch.path));
    }
  }
  CHECK(full > 20);
  CHECK(full < 80);
}

TEST_CASE("conversion keeps bits and says what it drops") {
  const Scratch scratch;
  const DataSet a(write(scratch.path / "a", DataFormat::kMinari, {5, 1, 12}));
  const ConvertResult to_d4rl = convert(a, scratch.path / "b.hdf5", DataFormat::kD4rl);
  CHECK(to_d4rl.losses.size() == 2);  // seeds, the last infos
  const DataSet b(scratch.path / "b.hdf5");
  CHECK(convert(b, scratch.path / "c", DataFormat::kMinari, {.compression = 6}).losses.empty());
  const DataSet c(scratch.path / "c");
  for (Index e = 0; e < 3; ++e) {
    const Index length = a.episode(e).length;
    CHECK(a.read_vector<float>("observation", e, 0, length + 1) ==
          c.read_vector<float>("observation", e, 0, length + 1));
    CHECK(a.read_vector<double>("reward", e, 0, length) ==
          c.read_vector<double>("reward", e, 0, length));
  }
  CHECK(c.columns()[1].space == Space::discrete(3));
  CHECK(has(message_of(
                [&] { convert(a, scratch.path / "d", DataFormat::kMinari, {.first_episode = 3}); }),
            "episodes 3 to 3"));
  CHECK_FALSE(std::filesystem::exists(scratch.path / "d"));
}
