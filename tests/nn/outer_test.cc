#include <palaestra/nn/outer.h>

#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <vector>

#include <palaestra/core/random.h>

namespace palaestra::nn::detail {
namespace {

template <class T>
void check_like_gemm() {
  constexpr Index kMembers = 2, kRows = 5;
  const auto size = [](Index n) { return static_cast<std::size_t>(n); };
  for (const Index columns : {1, 3, 19, 70}) {
    std::vector<T> a(size(kMembers * kRows)), b(size(kMembers * columns)), bias(b.size());
    std::vector<T> gate(size(kMembers * kRows * columns)), ours(gate.size()), theirs(gate.size());
    Stream random(1, purpose("tests/nn/outer"));
    for (auto* v : {&a, &b, &bias, &gate}) random.fill_normal(std::span<T>(*v));
    a[0] = T(0);
    a[1] = -T(0);
    a[2] = std::numeric_limits<T>::quiet_NaN();
    std::vector<T> workspace(size(gemm_workspace<T>(1)));
    for (unsigned options = 0; options < 32; ++options) {
      CAPTURE(columns);
      CAPTURE(options);
      Gemm<T> g{.members = kMembers,
                .m = kRows,
                .n = columns,
                .k = 1,
                .a = a.data(),
                .a_stride = options & 1 ? kRows : 1,
                .a_member = kRows,
                .transpose_a = (options & 1) != 0,
                .b = b.data(),
                .b_stride = options & 2 ? 1 : columns,
                .b_member = columns,
                .transpose_b = (options & 2) != 0,
                .out = ours.data(),
                .out_stride = columns,
                .out_member = kRows * columns,
                .bias = options & 4 ? bias.data() : nullptr,
                .bias_member = columns,
                .gate = options & 8 ? gate.data() : nullptr,
                .gate_stride = columns,
                .gate_member = kRows * columns,
                .relu = (options & 16) != 0};
      REQUIRE(is_outer_product(g));
      outer_product(g, Threads{1});
      g.out = theirs.data();
      gemm(g, workspace.data(), static_cast<Index>(workspace.size()), Threads{1});
      const int difference = std::memcmp(ours.data(), theirs.data(), ours.size() * sizeof(T));
      CHECK(difference == 0);
    }
  }
}

TEST_CASE("products of depth 1 have gemm's bits, with every epilogue, also for -0 and NaN") {
  check_like_gemm<float>();
  check_like_gemm<double>();
}

TEST_CASE("a product of depth 2, or along a strided row of b, is not an outer product") {
  Gemm<float> g{.m = 3, .n = 2, .k = 1, .b_stride = 5, .transpose_b = true};
  CHECK_FALSE(is_outer_product(g));
  g.b_stride = 1;
  CHECK(is_outer_product(g));
  g.k = 2;
  CHECK_FALSE(is_outer_product(g));
}

}  // namespace
}  // namespace palaestra::nn::detail
