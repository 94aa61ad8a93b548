#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include <palaestra/envs/batch_memory.h>

namespace palaestra::envs::detail {
namespace {

/// Calls f(name, span) for each column, of the constness of `memory`. The names are those in saved
/// files.
template <class Memory, class F>
void for_each_column(Memory& memory, F&& f) {
  f("observation", memory.observation.span());
  f("final_observation", memory.final_observation.span());
  f("reward", memory.reward.span());
  f("terminated", memory.terminated.span());
  f("truncated", memory.truncated.span());
  f("reset", memory.reset.span());
  f("status", memory.status.span());
  f("episode_return", memory.episode_return.span());
  f("episode_length", memory.episode_length.span());
  f("info", memory.info.span());
}

std::vector<Index> all_rows(Index n) {
  std::vector<Index> rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), Index{0});
  return rows;
}

}  // namespace

BatchMemory::BatchMemory(Index n, Index observation_bytes, Index info_size)
    : observation(n * observation_bytes),
      final_observation(n * observation_bytes),
      reward(n),
      episode_return(n),
      info(n * info_size),
      terminated(n),
      truncated(n),
      reset(n),
      status(n),
      episode_length(n) {}

BatchColumns BatchMemory::columns() {
  return {observation.data(), final_observation.data(), reward.data(),
          terminated.data(),  truncated.data(),         reset.data(),
          status.data(),      episode_return.data(),    episode_length.data(),
          info.data()};
}

void save_batch(const AnyBatch& batch, const BatchMemory& memory, ArchiveWriter& archive,
                std::string_view prefix) {
  archive.put_text(concat(prefix, ".env"), batch.spec().id);
  std::vector<std::byte> states(static_cast<std::size_t>(batch.size() * batch.state_bytes()));
  batch.get_state(all_rows(batch.size()), states);
  archive.put_bytes(concat(prefix, ".states"), DType::kUint8, states, {});
  for_each_column(memory, [&](const char* name, auto column) {
    archive.put_bytes(concat(prefix, ".", name), DType::kUint8, std::as_bytes(column), {});
  });
}

void load_batch(AnyBatch& batch, BatchMemory& memory, const ArchiveReader& archive,
                std::string_view prefix) {
  const std::string id = archive.get_text(concat(prefix, ".env"));
  require(id == batch.spec().id, "the saved batch is of ", id, ", this one of ", batch.spec().id);
  for_each_column(memory, [&](const char* name, auto column) {  // before the first change
    const auto& saved = archive.block(concat(prefix, ".", name)).bytes;
    require(saved.size() == column.size_bytes(), "the saved column ", name, " of ", id, " has ",
            saved.size(), " bytes, expected ", column.size_bytes());
  });
  batch.set_state(all_rows(batch.size()), archive.block(concat(prefix, ".states")).bytes);
  for_each_column(memory, [&](const char* name, auto column) {
    const auto& saved = archive.block(concat(prefix, ".", name)).bytes;
    std::copy(saved.begin(), saved.end(), std::as_writable_bytes(column).begin());
  });
}

}  // namespace palaestra::envs::detail
