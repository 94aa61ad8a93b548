#pragma once

#include <span>

#include <palaestra/core/random.h>
#include <palaestra/core/types.h>

namespace palaestra::agents::doc {

/// The latent to act with: of `draws` draws from the prior, the one of the largest value (ties: the
/// first draw). Latents of prior mass below `least_mass` are no candidates: their values may be
/// luck that training has not squeezed out yet. `prior` and `value` are [latents], the prior sums
/// to 1. Throws UserError when no latent is left, for draws below 1, and for a value that is not
/// finite.
Index choose_latent(std::span<const double> prior, std::span<const double> value, Index draws,
                    double least_mass, Stream& random);

}  // namespace palaestra::agents::doc
