#include <palaestra/envs/columns_hash.h>

namespace palaestra::envs {
namespace {

template <class Sink>
void visit(const AnyBatch& batch, Index begin, Index end, Sink&& sink) {
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
}

}  // namespace

void hash_columns(Sha256& hash, const AnyBatch& batch) {
  visit(batch, 0, batch.size(), [&](std::span<const std::byte> bytes) { hash.update(bytes); });
}

std::vector<std::byte> column_bytes(const AnyBatch& batch, Index begin, Index end) {
  std::vector<std::byte> out;
  visit(batch, begin, end, [&](std::span<const std::byte> bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
  });
  return out;
}

}  // namespace palaestra::envs
