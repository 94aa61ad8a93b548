#pragma once

#include <span>

namespace palaestra::experiments {

/// Probability that a chi-square variable of so many degrees of freedom is above x. Throws
/// UserError unless x >= 0 and the degrees are above 0.
double chi_square_above(double x, double degrees_of_freedom);

/// Pearson's test of counts against what was expected of them, of which one follows from the rest.
/// A cell of which nothing is expected is none, but p is 0 where it was seen. One cell alone has
/// p = 1. Throws UserError for lengths that differ and for numbers that are negative or not finite.
double chi_square_p(std::span<const double> counts, std::span<const double> expected);

}  // namespace palaestra::experiments
