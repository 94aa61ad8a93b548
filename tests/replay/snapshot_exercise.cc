#include "snapshot_exercise.h"

#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <palaestra/core/error.h>

#include "support.h"

namespace palaestra::replay::testing {
namespace {

struct Block {
  std::string name;
  DType dtype;
  std::vector<Index> shape;
  std::vector<std::byte> bytes;
};

/// A kind of buffer, and a good snapshot of one.
struct Subject {
  BufferOptions options;
  std::vector<Block> blocks = {};
  std::vector<std::pair<std::string, std::string>> texts = {};
};

std::vector<ColumnSpec> columns() { return Feeder({.lanes = 2}).columns(); }

void write(const Subject& subject, const std::filesystem::path& file) {
  ArchiveWriter writer;
  for (const auto& [name, text] : subject.texts) writer.put_text(name, text);
  for (const Block& block : subject.blocks) {
    writer.put_bytes(block.name, block.dtype, block.bytes, block.shape);
  }
  writer.save(file);
}

/// Everything that looks at what was loaded.
void use(WeightedReplayBuffer& buffer) {
  Feeder feeder({.lanes = 2, .announce = 0.5, .seed = 3});
  Stream random(1, purpose("test/snapshot"));
  for (int round = 0; round < 3; ++round) {
    for (const Selection selection :
         {Selection::kUniform, Selection::kRecent, Selection::kEpisode, Selection::kPriority,
          Selection::kGroup, Selection::kGroupPriority, Selection::kGroupEpisode}) {
      try {
        const bool single = buffer.options().removal == Removal::kLowestPriority;
        const Minibatch& batch = buffer.sample(
            random, {.rows = 20, .selection = selection, .n_step = single ? 1 : 1 + 2 * round});
        if (buffer.options().priorities != PriorityKind::kNone) {
          const std::vector<float> priority(20, static_cast<float>(round));
          buffer.update_priorities(batch.index, priority);
        }
      } catch (const UserError&) {  // an empty buffer, no group, priorities that are all zero
      }
    }
    try {
      for (Index lane = 0; lane < 2; ++lane) buffer.cut(lane);
      for (int k = 0; k < 9; ++k) feeder.step(buffer);
      if (buffer.storage().marked()) buffer.roll_back();
    } catch (const UserError&) {  // a limit, or numbers at their end
    }
  }
}

std::vector<Subject> make_subjects(const std::filesystem::path& folder) {
  std::vector<Subject> subjects = {
      {.options = {.capacity = 24,
                   .lanes = 2,
                   .tail = 8,
                   .pinned = 4,
                   .priorities = PriorityKind::kProportional,
                   .groups = {GroupWeights::Kind::kGeometric, 0.3}}},
      {.options = {.capacity = 24, .lanes = 2, .priorities = PriorityKind::kRanked}},
      {.options = {.capacity = 12,
                   .lanes = 2,
                   .pinned = 2,
                   .priorities = PriorityKind::kProportional,
                   .removal = Removal::kLowestPriority}},
      {.options = {.capacity = 24,
                   .lanes = 2,
                   .groups = {GroupWeights::Kind::kGeometric, 0.3,
                              GroupWeights::Eviction::kRenormalise}}},
  };
  for (Subject& subject : subjects) {
    Feeder feeder({.lanes = 2, .end = 0.2, .announce = 0.5});
    WeightedReplayBuffer buffer(columns(), subject.options);
    const bool groups = subject.options.removal == Removal::kOldest;
    for (int k = 0; k < 30; ++k) {
      if (groups && k % 10 == 2) buffer.begin_group();
      feeder.step(buffer);
      if (groups && k % 10 == 8) buffer.end_group();
    }
    if (groups) buffer.begin_group();
    if (subject.options.tail > 0) buffer.mark();
    for (Index lane = 0; lane < 2; ++lane) feeder.cut(buffer, lane);
    for (int k = 0; k < 3; ++k) feeder.step(buffer);
    ArchiveWriter writer;
    buffer.save(writer, "");
    writer.save(folder / "snapshot");
    const ArchiveReader reader(folder / "snapshot");
    for (const std::string& name : reader.names()) {
      const auto& block = reader.block(name);
      subject.blocks.push_back(
          {name, block.dtype, block.shape, {block.bytes.begin(), block.bytes.end()}});
    }
    for (const char* name : {"columns", "inbox/columns"}) {
      if (reader.contains_text(name)) subject.texts.emplace_back(name, reader.get_text(name));
    }
  }
  return subjects;
}

/// block, how, offset (2 bytes), value (8 bytes): a number of 1, 4 or 8 bytes is overwritten, or
/// the block cut to `offset` elements.
void change(Subject& subject, std::span<const std::byte> what) {
  Block& block = subject.blocks[std::to_integer<std::size_t>(what[0]) % subject.blocks.size()];
  std::uint16_t offset;
  std::memcpy(&offset, &what[2], sizeof offset);
  const std::size_t element = size_of(block.dtype), size = block.bytes.size();
  const unsigned how = std::to_integer<unsigned>(what[1]) % 4;
  if (how == 3) {
    const std::size_t rows = offset % (size / element + 1);
    block.bytes.resize(rows * element);
    block.shape = {static_cast<Index>(rows)};
    return;
  }
  const std::size_t width = how == 0 ? 1 : how == 1 ? 4 : 8;
  if (size < width) return;
  const std::size_t at = how == 0 ? offset % size : offset % (size / width) * width;
  std::memcpy(&block.bytes[at], &what[4], width);
}

}  // namespace

bool exercise_snapshot(std::span<const std::byte> bytes, const std::filesystem::path& folder) {
  static const std::vector<Subject> subjects = make_subjects(folder);
  if (bytes.empty()) {
    return false;
  }
  const auto choice = std::to_integer<std::size_t>(bytes[0]);
  Subject subject = subjects[choice / 2 % subjects.size()];
  bytes = bytes.subspan(1);
  const auto file = folder / "snapshot";
  if (choice % 2 == 0) {
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), std::ssize(bytes));
  } else {
    for (; bytes.size() >= 12; bytes = bytes.subspan(12)) change(subject, bytes);
    write(subject, file);
  }
  bool loaded = false;
  for (const auto origin : {ArchiveReader::Origin::kPalaestra, ArchiveReader::Origin::kForeign}) {
    WeightedReplayBuffer buffer(columns(), subject.options);
    try {
      buffer.load(ArchiveReader(file, origin), "");
      loaded = true;
    } catch (const UserError&) {
      if (buffer.size() != 0) throw std::logic_error("a refused snapshot has left something");
    }
    use(buffer);
  }
  return loaded;
}

}  // namespace palaestra::replay::testing
