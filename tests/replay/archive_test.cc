#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>

#include "support.h"

using namespace palaestra;
using namespace palaestra::replay;
using namespace palaestra::replay::testing;

namespace {

struct Scratch {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / concat("palaestra-replay-", ::getpid());
  Scratch() { std::filesystem::create_directories(path); }
  ~Scratch() { std::filesystem::remove_all(path); }
};

void save(const WeightedReplayBuffer& buffer, const std::filesystem::path& file) {
  ArchiveWriter writer;
  buffer.save(writer, "replay/");
  writer.save(file);
}

/// Steps, samples and updates; everything that was drawn.
std::vector<float> run(Feeder& feeder, WeightedReplayBuffer& buffer, Stream& random, int steps) {
  std::vector<float> bits;
  for (int k = 0; k < steps; ++k) {
    feeder.step(buffer);
    if (buffer.size() == 0) {
      continue;
    }
    for (const Selection selection : {Selection::kUniform, Selection::kPriority}) {
      const Minibatch& b = buffer.sample(random, {.rows = 8, .selection = selection, .n_step = 3});
      for (const auto part :
           {b.observation, b.action, b.reward, b.discount, b.next_observation, b.weight}) {
        bits.insert(bits.end(), part.begin(), part.end());
      }
      std::vector<float> priorities;
      for (const RowId id : b.index) {
        bits.push_back(static_cast<float>(id));
        priorities.push_back(static_cast<float>(random.uniform()));
      }
      buffer.update_priorities(b.index, priorities);
    }
  }
  return bits;
}

}  // namespace

TEST_CASE("a loaded buffer goes on with the same bits, from any point of a run") {
  const Scratch scratch;
  for (const Index lanes : {1, 3}) {
    for (const int before : {0, 1, 17, 60, 61, 200}) {  // empty, filling, just full, wrapped
      CAPTURE(lanes);
      CAPTURE(before);
      const BufferOptions options{
          .capacity = 60 * lanes, .lanes = lanes, .priorities = PriorityKind::kProportional};
      Feeder feeder({.lanes = lanes, .end = 0.1, .skip = 0.05, .announce = 0.5});
      WeightedReplayBuffer buffer(feeder.columns(), options);
      Stream random(9, purpose("test/run"));
      run(feeder, buffer, random, before);
      save(buffer, scratch.path / "buffer");

      Feeder copy_of_feeder = feeder;
      Stream copy_of_random = random;
      WeightedReplayBuffer loaded(feeder.columns(), options);
      run(copy_of_feeder, loaded, copy_of_random, 0);
      loaded.load(ArchiveReader(scratch.path / "buffer"), "replay/");
      CHECK(loaded.size() == buffer.size());
      CHECK(loaded.priorities().total() == buffer.priorities().total());
      CHECK(run(feeder, buffer, random, 90) == run(copy_of_feeder, loaded, copy_of_random, 90));
    }
  }
}

TEST_CASE("an archive of another buffer is refused and nothing changes") {
  const Scratch scratch;
  WeightedReplayBuffer buffer =
      numbered_buffer(10, {.capacity = 20, .priorities = PriorityKind::kProportional});
  save(buffer, scratch.path / "buffer");
  const ArchiveReader reader(scratch.path / "buffer");
  const auto refuses = [&](std::vector<ColumnSpec> columns, BufferOptions options) {
    WeightedReplayBuffer other(std::move(columns), options);
    CHECK_THROWS_AS(other.load(reader, "replay/"), UserError);
    CHECK(other.size() == 0);
  };
  const auto& columns = buffer.storage().columns();
  refuses(columns, {.capacity = 21, .priorities = PriorityKind::kProportional});
  refuses(columns, {.capacity = 20, .lanes = 2, .priorities = PriorityKind::kProportional});
  refuses(columns, {.capacity = 20});
  refuses(columns,
          {.capacity = 20, .priorities = PriorityKind::kProportional, .priority_exponent = 0.5});
  refuses(transition_columns(Space::box(2, -1, 1), Space::box(1, -1, 1)),
          {.capacity = 20, .priorities = PriorityKind::kProportional});
  CHECK_THROWS_AS(buffer.load(reader, "elsewhere/"), UserError);
  CHECK(buffer.size() == 10);
}

TEST_CASE("an archive whose parts contradict each other is refused") {
  const Scratch scratch;
  Feeder feeder({.lanes = 1, .end = 0.3});
  const BufferOptions options{.capacity = 20, .priorities = PriorityKind::kProportional};
  WeightedReplayBuffer buffer(feeder.columns(), options);
  for (int k = 0; k < 15; ++k) {
    feeder.step(buffer);
  }
  save(buffer, scratch.path / "good");
  const ArchiveReader good(scratch.path / "good");
  const auto try_with = [&](std::string_view changed,
                            const std::function<void(std::span<std::byte>)>& change) {
    ArchiveWriter writer;
    writer.put_text("replay/columns", good.get_text("replay/columns"));
    std::vector<std::vector<std::byte>> blocks;
    for (const std::string& name : good.names()) {
      const auto& block = good.block(name);
      blocks.emplace_back(block.bytes.begin(), block.bytes.end());
      if (name == changed) {
        change(blocks.back());
      }
      writer.put_bytes(name, block.dtype, blocks.back(), block.shape);
    }
    writer.save(scratch.path / "changed");
    WeightedReplayBuffer other(feeder.columns(), options);
    other.load(ArchiveReader(scratch.path / "changed"), "replay/");
  };
  const auto word = [](std::size_t at, auto value) {
    return [=](std::span<std::byte> bytes) { std::memcpy(&bytes[at], &value, sizeof value); };
  };
  CHECK_NOTHROW(try_with("", {}));
  // lanes: first, next, open, announced
  CHECK_THROWS_AS(try_with("replay/lanes", word(0, Index{16})), UserError);
  CHECK_THROWS_AS(try_with("replay/lanes", word(0, Index{-1})), UserError);
  CHECK_THROWS_AS(try_with("replay/lanes", word(8, Index{21})), UserError);
  CHECK_THROWS_AS(try_with("replay/lanes", word(8, Index{1} << 60)), UserError);
  CHECK_THROWS_AS(try_with("replay/lanes", word(16, Index{2})), UserError);
  CHECK_THROWS_AS(try_with("replay/weights", word(8, -1.0f)), UserError);
  CHECK_THROWS_AS(try_with("replay/weights", word(8, std::nanf(""))), UserError);
  CHECK_THROWS_AS(try_with("replay/final/blocks", word(0, Index{7})), UserError);
  CHECK_THROWS_AS(try_with("replay/final/free", word(0, std::int32_t{9999})), UserError);
  CHECK_THROWS_AS(try_with("replay/records/0", word(0, std::nanf(""))), UserError);
  const auto& layout = buffer.storage().layout();
  for (std::size_t row = 0; row < 15; ++row) {
    const std::size_t link = row * layout.stride + layout.link_offset;
    CHECK_THROWS_AS(try_with("replay/records/0", word(link, std::int32_t{1 << 28})), UserError);
    CHECK_THROWS_AS(try_with("replay/records/0", word(link, std::int32_t{-2})), UserError);
  }
}
