#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// Microseconds of CPU per picture: the rasteriser on a scene like CarRacing's, far and near, and
/// whole frames of environments. MuJoCo's rows are left out where there is no OpenGL.
std::vector<Row> bench_render();

}  // namespace palaestra::benchmarks
