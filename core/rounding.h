#pragma once

namespace palaestra {

/// The float32 nearest to x, as a double.
///
/// The empty assembly keeps GCC 12 from dropping the round trip: when it vectorises two
/// neighbouring ones it forwards the unrounded doubles, and the same source gives other bits on
/// another path.
inline double rounded_to_float(double x) {
  auto narrow = static_cast<float>(x);
  asm("" : "+x"(narrow));
  return static_cast<double>(narrow);
}

}  // namespace palaestra
