#pragma once

#include <span>

#include <palaestra/agents/discriminator/network.h>

namespace palaestra::agents::discriminator {

/// Moves the singular vectors of each hidden layer towards those of its largest singular value:
/// `iterations` steps of the power method, v = W' u / |W' u|, u = W v / |W v| (Miyato et al. 2018,
/// arXiv 1802.05957, algorithm 1). `singular` is laid out as network.singular says. Where W is
/// zero, v becomes zero and u stays, so that a later W finds a direction.
void iterate_power(const Network& network, std::span<const float> parameters,
                   std::span<float> singular, int iterations);

}  // namespace palaestra::agents::discriminator
