#include <palaestra/agents/doc/tabular/choose_latent.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::agents::doc {

Index choose_latent(std::span<const double> prior, std::span<const double> value, Index draws,
                    double least_mass, Stream& random) {
  require(draws >= 1, "draws is ", draws, "; accepted: 1 or more");
  require(prior.size() == value.size() && !prior.empty(), "the prior has ", prior.size(),
          " latents, the values are of ", value.size());
  double mass = 0;
  for (std::size_t z = 0; z < prior.size(); ++z) {
    require(std::isfinite(value[z]), "the value of latent ", z, " is ", value[z]);
    mass += prior[z] >= least_mass ? prior[z] : 0;
  }
  require(mass > 0, "no latent has a prior mass of ", least_mass, " or more");
  Index best = -1;
  for (Index k = 0; k < draws; ++k) {
    double left = random.uniform() * mass;
    Index drawn = -1;
    for (std::size_t z = 0; z < prior.size(); ++z) {
      if (prior[z] >= least_mass && prior[z] > 0) {
        drawn = static_cast<Index>(z);
        left -= prior[z];
        if (left < 0) {
          break;
        }
      }
    }
    const auto at = [&](Index z) { return value[static_cast<std::size_t>(z)]; };
    best = best < 0 || at(drawn) > at(best) ? drawn : best;
  }
  return best;
}

}  // namespace palaestra::agents::doc
