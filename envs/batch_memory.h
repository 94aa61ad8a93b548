#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <palaestra/envs/any_batch.h>
#include <palaestra/envs/column.h>

namespace palaestra::envs::detail {

/// The memory behind BatchColumns for n rows: allocated once, all zero. Observations are bytes
/// here, so that environments of all types share this code.
struct BatchMemory {
  BatchMemory(Index n, Index observation_bytes, Index info_size);

  BatchColumns columns();

  Column<std::byte> observation, final_observation;
  Column<double> reward, episode_return, info;
  Column<std::uint8_t> terminated, truncated, reset;
  Column<Status> status;
  Column<Index> episode_length;
};

/// What a batch saves: its id, the states of all rows, and its columns, `memory`.
void save_batch(const AnyBatch& batch, const BatchMemory& memory, ArchiveWriter& archive,
                std::string_view prefix);
/// Restores that. Throws UserError, with the batch as it was, where the archive is of another
/// environment or size, or holds what set_state() does not take.
void load_batch(AnyBatch& batch, BatchMemory& memory, const ArchiveReader& archive,
                std::string_view prefix);

}  // namespace palaestra::envs::detail
