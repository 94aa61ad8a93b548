#include <palaestra/envs/columns_hash.h>

namespace palaestra::envs {
namespace {

/// Calls sink(bytes) for each column that is compared, and for the rest if `all`.
template <class Sink>
void visit(const AnyBatch& batch, Index begin, Index end, bool all, Sink&& sink) {
  const BatchColumns& c = batch.columns();
  const auto part = [&](const void* column, std::size_t row_bytes) {
    const auto* bytes = static_cast<const std::byte*>(column);
    sink(std::span(bytes + static_cast<std::size_t>(begin) * row_bytes,
                   static_cast<std::size_t>(end - begin) * row_bytes));
  };
  part(c.observation, batch.spec().observation.bytes());
  part(c.reward, sizeof(double));
  part(c.terminated, 1);
  part(c.truncated, 1);
  if (all) {
    part(c.final_observation, batch.spec().observation.bytes());
    part(c.reset, 1);
    part(c.status, sizeof(Status));
    part(c.episode_return, sizeof(double));
    part(c.episode_length, sizeof(Index));
    part(c.info, batch.spec().info.size() * sizeof(double));
  }
}

std::vector<std::byte> collect(const AnyBatch& batch, Index begin, Index end, bool all) {
  std::vector<std::byte> out;
  visit(batch, begin, end, all, [&](std::span<const std::byte> bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
  });
  return out;
}

}  // namespace

void hash_columns(Sha256& hash, const AnyBatch& batch) {
  visit(batch, 0, batch.size(), false,
        [&](std::span<const std::byte> bytes) { hash.update(bytes); });
}

std::vector<std::byte> column_bytes(const AnyBatch& batch, Index begin, Index end) {
  return collect(batch, begin, end, false);
}

std::vector<std::byte> all_column_bytes(const AnyBatch& batch, Index begin, Index end) {
  return collect(batch, begin, end, true);
}

}  // namespace palaestra::envs
