#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/core/types.h>

namespace palaestra::agents::doc {

/// The latent that each row of a batch acts on.
struct Plans {
  Index latent;
  std::vector<Index> steps;      ///< [rows] since the latent was chosen; 0: it is to be chosen now
  std::vector<float> z;          ///< [rows, latent]
  std::vector<float> value;      ///< [rows] V of it when it was chosen, in the units of returns
  std::vector<double> promised;  ///< [rows] the value of the first latent of the row's episode

  Plans(Index rows, Index latent_size);

  std::span<float> z_of(Index row, Index rows = 1) {
    return std::span(z).subspan(static_cast<std::size_t>(row * latent),
                                static_cast<std::size_t>(rows * latent));
  }

  void save(ArchiveWriter& archive, std::string_view prefix) const;
  /// Throws UserError on a mismatch and then leaves everything as it was.
  void load(const ArchiveReader& archive, std::string_view prefix);
};

}  // namespace palaestra::agents::doc
