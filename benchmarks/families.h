#pragma once

#include <span>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// Every family of benchmarks, in the order in which `palaestra bench` runs them. Adding one = its
/// file with a `std::vector<Row> bench_<name>()` (with `const Wanted&` where single rows take
/// long), a line in families.cc and in CMakeLists.txt.
std::span<const Family> families();

}  // namespace palaestra::benchmarks
