#pragma once

#include <cstddef>
#include <vector>

#include <palaestra/core/hash.h>
#include <palaestra/envs/any_batch.h>

namespace palaestra::envs {

/// Adds the columns of the last step to a hash: observation, reward, terminated, truncated of all
/// rows, each column as its little-endian bytes in row order.
void hash_columns(Sha256& hash, const AnyBatch& batch);

/// Those bytes for rows [begin, end): what two batches are compared by.
std::vector<std::byte> column_bytes(const AnyBatch& batch, Index begin, Index end);

/// The bytes of every column there is, for rows [begin, end).
std::vector<std::byte> all_column_bytes(const AnyBatch& batch, Index begin, Index end);

}  // namespace palaestra::envs
