#include <palaestra/envs/library_lanes.h>

#include <bit>
#include <cmath>

namespace palaestra::envs {

double library_sine(double x) { return std::sin(x); }

double library_cosine(double x) { return std::cos(x); }

double library_square(double x) {
  const volatile double two = 2.0;  // a compiler turns pow(x, 2) into x * x
  return std::pow(x, two);
}

void detail::ask_library(std::uint64_t uncertain, const LibraryFunction* functions,
                         const double* arguments, double* values) {
  for (; uncertain != 0; uncertain &= uncertain - 1) {
    const int at = std::countr_zero(uncertain);
    values[at] = functions[at / Lanes::kCount](arguments[at]);
  }
}

}  // namespace palaestra::envs
