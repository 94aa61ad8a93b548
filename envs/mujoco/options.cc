#include <palaestra/envs/mujoco/options.h>

#include <cmath>
#include <limits>

#include <palaestra/core/error.h>

namespace palaestra::envs::mujoco {
namespace {

constexpr double kLargest = std::numeric_limits<double>::max();
constexpr double kLargestNoise = 1e6;  // a first state must be finite

}  // namespace

void read_weight(KeywordReader& options, const std::string& name, double& value) {
  value = options.number(name, value, -kLargest, kLargest);
}

void read_noise(KeywordReader& options, double& value) {
  value = options.number("reset_noise_scale", value, 0.0, kLargestNoise);
}

void read_flag(KeywordReader& options, const std::string& name, bool& value) {
  value = options.flag(name, value);
}

void read_interval(KeywordReader& options, const std::string& name, Interval& value) {
  const Interval given = {options.bound(name + "_low", value.low),
                          options.bound(name + "_high", value.high)};
  require(given.low < given.high, "option ", name, " is (", given.low, ", ", given.high,
          "); accepted: a pair with low below high");
  value = given;
}

void read_integer(KeywordReader& options, const std::string& name, int low, int high, int& value) {
  const double number = options.number(name, value, low, high);
  require(number == std::floor(number), "option ", name, " is ", number,
          "; accepted: an integer from ", low, " to ", high);
  value = static_cast<int>(number);
}

void read_frame_skip(KeywordReader& options, int& value) {
  read_integer(options, "frame_skip", 1, 1000, value);
}

}  // namespace palaestra::envs::mujoco
