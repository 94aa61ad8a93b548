#pragma once

#include <vector>

#include <palaestra/benchmarks/row.h>

namespace palaestra::benchmarks {

/// Every task of the DeepMind Control suite as engine_race.h has it: <id>/step, <id>/memory, and
/// <id>/threads2 for two of them. The bare loop with one mjData
/// per environment is dm_control's: mj_step2, mj_step for the rest of the frames, mj_step1.
std::vector<Row> bench_dm_control(const Wanted& wanted);

}  // namespace palaestra::benchmarks
