#include <palaestra/benchmarks/nn.h>

#include <palaestra/benchmarks/products.h>
#include <palaestra/core/error.h>

namespace palaestra::benchmarks {
namespace {

struct Layer {
  Index members, rows, in, out;
};

std::string shape_of(const Product& p) {
  return concat(p.members > 1 ? concat(p.members, "x") : std::string(), "[", p.m, ",", p.k, "]",
                p.transpose_a ? "T" : "", "[", p.k, ",", p.n, "]", p.transpose_b ? "T" : "");
}

}  // namespace

std::vector<Row> bench_nn() {
  // the layers of 2 x 256 and 2 x 64 networks: their product forward, then those of the gradients
  // with respect to weights and to inputs
  constexpr Layer kLayers[] = {{1, 256, 17, 256}, {1, 256, 256, 256}, {1, 256, 256, 12},
                               {2, 256, 23, 256}, {2, 256, 256, 256}, {2, 256, 256, 1},
                               {1, 100, 64, 64},  {1, 1, 256, 256}};
  std::vector<Product> products;
  for (const auto& [members, rows, in, out] : kLayers) {
    products.push_back({members, rows, out, in, false, false});
    if (rows > 1) {
      products.push_back({members, in, out, rows, true, false});
      products.push_back({members, rows, in, out, false, true});
    }
  }
  const ProductTimes times = time_products(products);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < products.size(); ++i) {
    const double gflop = products[i].flop() * 1e-9;
    rows.push_back({.name = "nn/product/" + shape_of(products[i]),
                    .value = gflop / times.ours[i],
                    .unit = "GFLOP/s",
                    .n = products[i].m,
                    .limit = gflop / times.best[i],
                    .limit_name = times.best_name[i]});
  }
  return rows;
}

}  // namespace palaestra::benchmarks
