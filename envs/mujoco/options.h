#pragma once

#include <algorithm>
#include <string>

#include <palaestra/envs/keywords.h>

namespace palaestra::envs::mujoco {

/// A pair of bounds. Gymnasium's healthy ranges are open intervals, but for the ant's.
struct Interval {
  double low, high;
  bool contains(double x) const { return low < x && x < high; }
  bool contains_or_touches(double x) const { return low <= x && x <= high; }
  double clip(double x) const { return std::min(std::max(x, low), high); }
};

// Readers of Gymnasium's keyword arguments. Each overwrites `value` if the option was given and
// leaves it alone otherwise; each throws UserError naming the option and what is accepted.

/// A reward weight: any finite number.
void read_weight(KeywordReader& options, const std::string& name, double& value);
/// reset_noise_scale: a number from 0 to 1e6.
void read_noise(KeywordReader& options, double& value);
void read_flag(KeywordReader& options, const std::string& name, bool& value);
/// A pair (low, high) given as `<name>_low` and `<name>_high`: options are numbers. Infinite ends
/// are fine; low must be below high.
void read_interval(KeywordReader& options, const std::string& name, Interval& value);
/// An integer from low to high.
void read_integer(KeywordReader& options, const std::string& name, int low, int high, int& value);
/// frame_skip: an integer from 1 to 1000.
void read_frame_skip(KeywordReader& options, int& value);

}  // namespace palaestra::envs::mujoco
