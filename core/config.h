#pragma once

// Plain aggregates with defaults become TOML, command-line settings, Python keyword arguments,
// range checks and documentation through one list of fields per struct:
//
//   struct SacConfig {
//     double learning_rate = 3e-4;
//     Index batch_size = 256;
//     static constexpr auto fields() {
//       return std::tuple{
//           field("learning_rate", &SacConfig::learning_rate, "step size of Adam", at_least(0.0)),
//           field("batch_size", &SacConfig::batch_size, "rows per update", between(1, 1 << 20))};
//     }
//   };

#include <string_view>

namespace palaestra {

/// Accepted values of a numeric field, both ends included.
struct Range {
  double low, high;
  bool open_low = false;  ///< the lower end itself is excluded
};

}  // namespace palaestra
