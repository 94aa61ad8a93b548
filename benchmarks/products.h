#pragma once

#include <span>
#include <string>
#include <vector>

#include <palaestra/benchmarks/row.h>
#include <palaestra/core/types.h>

namespace palaestra::benchmarks {

/// `members` dense float32 products [m, k] [k, n], operands stored transposed where said.
struct Product {
  Index members = 1, m = 0, n = 0, k = 0;
  bool transpose_a = false, transpose_b = false;

  double flop() const { return 2.0 * static_cast<double>(members * m * n * k); }
  friend bool operator==(const Product&, const Product&) = default;
};

/// One thread's CPU seconds of each product: ours, and the fastest of Eigen, oneDNN and, where it
/// is installed, OpenBLAS, taking turns.
struct ProductTimes {
  std::vector<double> ours, best;
  std::vector<std::string> best_name;
};
ProductTimes time_products(std::span<const Product> products);

}  // namespace palaestra::benchmarks
