#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// Box2D tasks under random actions:
///
///   box2d/<id>/step   environment steps per CPU second on one thread. For lander and walker beside
///                     the bare engine: the same worlds, built anew as often, under the same
///                     controls, with nothing but the engine's step
///   box2d/<id>/drive  the car without its picture, beside the bare engine
///   box2d/<id>/frame  microseconds for one picture of the car
std::vector<Row> bench_box2d();

}  // namespace palaestra::benchmarks
