#include <palaestra/agents/sac/agent.h>

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <tests/agents/sac_variants.h>
#include <tests/agents/saved_file.h>

namespace palaestra::agents {
namespace {

using rollout::ActMode;
using testing::kActions;
using testing::kObservations;
using testing::make;
using testing::parameters;
using testing::SavedFile;
using testing::small_config;
using testing::update;
using testing::variants;

TEST_CASE("what was loaded is saved again to the same bytes, for every option") {
  const SavedFile first, second;
  for (const SacConfig& config : variants()) {
    Sac agent = make(config), other = make(config, /*seed=*/2);
    update(agent, 0, 4);
    save(agent, first);
    load(other, first);
    save(other, second);
    CHECK(first.bytes() == second.bytes());
  }
}

/// Everything of one archive but what `change` makes of a block: another one, or nothing.
using Change = std::function<void(ArchiveWriter&, const std::string&, const ArchiveReader::Block&)>;

void rewrite(const ArchiveReader& from, const std::string& changed, const Change& change,
             const SavedFile& to) {
  ArchiveWriter writer;
  for (const std::string& name : from.names()) {
    const auto& block = from.block(name);
    if (name == changed) {
      change(writer, name, block);
    } else {
      writer.put_bytes(name, block.dtype, block.bytes, block.shape);
    }
  }
  writer.save(to.path);
}

TEST_CASE(
    "an archive that lacks any block, or holds it in another shape or type, changes nothing") {
  const SavedFile whole, broken;
  SacConfig config = small_config();
  config.hidden = {4};
  config.layer_norm = true;
  Sac source = make(config, /*seed=*/3);
  update(source, 0, 2);
  save(source, whole);
  const ArchiveReader reader(whole.path);
  REQUIRE(reader.names().size() > 20);

  const Change drop = [](auto&, auto&, auto&) {};
  const Change longer = [](ArchiveWriter& writer, const std::string& name, const auto& block) {
    std::vector<std::byte> bytes(block.bytes.begin(), block.bytes.end());
    const auto one = bytes;
    bytes.insert(bytes.end(), one.begin(), one.end());
    auto shape = block.shape;
    shape.front() *= 2;
    writer.put_bytes(name, block.dtype, bytes, shape);
  };
  const Change other_type = [](ArchiveWriter& writer, const std::string& name, const auto& block) {
    const DType other = block.dtype == DType::kFloat32   ? DType::kInt32
                        : block.dtype == DType::kFloat64 ? DType::kInt64
                                                         : DType::kFloat64;
    writer.put_bytes(name, other, block.bytes, block.shape);
  };
  Sac agent = make(config);
  update(agent, 0, 1);
  const auto before = parameters(agent);
  const SavedFile saved_before, saved_after;
  save(agent, saved_before);
  for (const std::string& name : reader.names()) {
    CAPTURE(name);
    for (const Change& change : {drop, longer, other_type}) {
      rewrite(reader, name, change, broken);
      CHECK_THROWS_WITH_AS(load(agent, broken), doctest::Contains(name.c_str()), UserError);
    }
    CHECK(parameters(agent) == before);
  }
  save(agent, saved_after);
  CHECK(saved_after.bytes() == saved_before.bytes());
  agent.load(reader, "agent.");  // the whole one is fine
  CHECK(parameters(agent) == parameters(source));
}

TEST_CASE("counters below zero are refused") {
  const SavedFile whole, broken;
  Sac agent = make();
  update(agent, 0, 1);
  save(agent, whole);
  const ArchiveReader reader(whole.path);
  for (const char* name : {"agent.updates", "agent.actor_adam.updates"}) {
    rewrite(
        reader, name,
        [](ArchiveWriter& writer, const std::string& block, const auto&) {
          writer.put_scalar(block, Index{-1});
        },
        broken);
    CHECK_THROWS_WITH_AS(load(agent, broken), doctest::Contains("is -1; accepted: 0 and up"),
                         UserError);
    CHECK(agent.updates() == 1);
  }
}

TEST_CASE("a run cut at any update and resumed by another agent ends in the same bits") {
  const SavedFile file;
  for (const SacConfig& config : variants()) {
    Sac whole = make(config);
    update(whole, 0, 12);
    for (const auto cut : {0u, 5u, 11u}) {
      Sac first = make(config);
      update(first, 0, cut);
      save(first, file);

      Sac second = make(config, /*seed=*/99);  // the seed is part of what is saved
      update(second, 50, 53);
      load(second, file);
      CHECK(second.updates() == static_cast<Index>(cut));
      for (std::size_t i = 0; i < 7; ++i) {
        CHECK(second.metrics()[i].value == first.metrics()[i].value);
      }
      update(second, cut, 12);
      CHECK(parameters(second) == parameters(whole));
      std::vector<float> observations(3 * kObservations, 0.5f), a(3 * kActions), b(3 * kActions);
      whole.act(observations, 3, 0, 4, ActMode::kSample, 0, a);
      second.act(observations, 3, 0, 4, ActMode::kSample, 0, b);
      CHECK(a == b);
    }
  }
}

TEST_CASE("a file of another shape of agent is refused and changes nothing") {
  const SavedFile file;
  SacConfig wide = small_config();
  wide.hidden = {16, 17};
  save(make(wide), file);
  Sac agent = make();
  update(agent, 0, 2);
  const auto before = parameters(agent);
  CHECK_THROWS_WITH_AS(load(agent, file), doctest::Contains("hidden.1.weight"), UserError);
  CHECK_THROWS_AS(load(agent, file, "other."), UserError);
  CHECK(parameters(agent) == before);
  CHECK(agent.updates() == 2);
}

TEST_CASE("weights are saved under names that Python can read") {
  const SavedFile file;
  save(make(), file);
  const ArchiveReader reader(file.path);
  CHECK(reader.block("agent.actor.hidden.0.weight").shape == std::vector<Index>{5, 16});
  CHECK(reader.block("agent.critic.hidden.0.weight").shape == std::vector<Index>{2, 7, 16});
  CHECK(reader.block("agent.target_critic.output.bias").shape == std::vector<Index>{2, 1, 1});
}

}  // namespace
}  // namespace palaestra::agents
