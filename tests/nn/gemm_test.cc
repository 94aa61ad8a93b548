#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <ostream>
#include <vector>

#include <palaestra/core/cpu.h>
#include <palaestra/core/random.h>
#include <palaestra/nn/gemm.h>

// Products of every kernel and every way through gemm.cc, against plain loops in long double.

namespace palaestra::nn::detail {
namespace {

struct Shape {
  Index members, m, n, k;
  bool transpose_a, transpose_b;
};

std::ostream& operator<<(std::ostream& out, const Shape& s) {
  return out << s.members << " x [" << s.m << ", " << s.k
             << (s.transpose_a ? "] transposed [" : "] [") << s.k << ", " << s.n
             << (s.transpose_b ? "] transposed" : "]");
}

struct Epilogue {
  bool bias, relu, gate;
};

std::vector<Shape> shapes() {
  std::vector<Shape> list;
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      for (const Index m : {1, 2, 5, 14, 15, 29, 64}) {
        for (const Index n : {1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 65, 130}) {
          for (const Index k : {1, 2, 3, 4, 7, 16, 17, 40}) {
            list.push_back({1, m, n, k, ta, tb});
          }
        }
      }
      list.push_back({3, 31, 45, 300, ta, tb});  // deeper than a panel
      list.push_back({2, 14, 64, 513, ta, tb});
      list.push_back({2, 70, 1, 600, ta, tb});
      list.push_back({1, 256, 256, 256, ta, tb});
    }
  }
  return list;
}

template <class T>
struct Case {
  Case(const Shape& s, Epilogue e) : shape(s), epilogue(e) {
    Stream random(7, purpose("test/gemm"), static_cast<std::uint64_t>(s.m * 1000 + s.n), 0);
    const auto fill = [&](std::vector<T>& values, Index count) {
      values.resize(static_cast<std::size_t>(count));
      for (T& value : values) value = static_cast<T>(random.uniform(-1.0, 1.0));
    };
    fill(a, s.members * s.m * s.k);
    fill(b, s.members * s.k * s.n);
    fill(bias, s.members * s.n);
    fill(gate, s.members * s.m * s.n);
  }

  std::vector<T> run(KernelSet set, int threads = 1) const {
    const Shape& s = shape;
    std::vector<T> out(static_cast<std::size_t>(s.members * s.m * s.n + 1), T(-99));
    const Index each = gemm_workspace<T>(s.k);
    std::vector<T> workspace(static_cast<std::size_t>(each * threads), T(NAN));
    Gemm<T> g{.members = s.members, .m = s.m, .n = s.n, .k = s.k};
    g.a = a.data();
    g.a_stride = s.transpose_a ? s.m : s.k;
    g.a_member = s.m * s.k;
    g.transpose_a = s.transpose_a;
    g.b = b.data();
    g.b_stride = s.transpose_b ? s.k : s.n;
    g.b_member = shared_b ? 0 : s.k * s.n;
    g.transpose_b = s.transpose_b;
    g.out = out.data();
    g.out_stride = s.n;
    g.out_member = s.m * s.n;
    g.relu = epilogue.relu;
    if (epilogue.bias) g.bias = bias.data(), g.bias_member = shared_b ? 0 : s.n;
    if (epilogue.gate) g.gate = gate.data(), g.gate_stride = s.n, g.gate_member = s.m * s.n;
    gemm(g, workspace.data(), each, Threads{threads}, set);
    CHECK(out.back() == T(-99));  // nothing behind the result is written
    out.pop_back();
    return out;
  }

  double expected(Index member, Index i, Index j) const {
    const Shape& s = shape;
    long double sum = 0;
    for (Index k = 0; k < s.k; ++k) {
      const Index at_a = member * s.m * s.k + (s.transpose_a ? k * s.m + i : i * s.k + k);
      const Index at_b = member * s.k * s.n + (s.transpose_b ? j * s.k + k : k * s.n + j);
      sum += static_cast<long double>(a[static_cast<std::size_t>(at_a)]) *
             b[static_cast<std::size_t>(at_b)];
    }
    if (epilogue.bias) sum += bias[static_cast<std::size_t>(member * s.n + j)];
    if (epilogue.relu && sum < 0) sum = 0;
    if (epilogue.gate && !(gate[static_cast<std::size_t>((member * s.m + i) * s.n + j)] > 0)) {
      sum = 0;
    }
    return static_cast<double>(sum);
  }

  Shape shape;
  Epilogue epilogue;
  bool shared_b = false;  // all members take the first one's, and its bias
  std::vector<T> a, b, bias, gate;
};

constexpr Epilogue kEpilogues[] = {
    {false, false, false}, {true, false, false}, {true, true, false}, {false, false, true}};

std::vector<KernelSet> available() {
  std::vector<KernelSet> sets = {KernelSet::kAvx2};
  if (cpu_level() >= 4) sets.push_back(KernelSet::kAvx512);
  return sets;
}

template <class T>
double largest_error(const Case<T>& c, const std::vector<T>& out) {
  double worst = 0;
  std::size_t at = 0;
  for (Index member = 0; member < c.shape.members; ++member) {
    for (Index i = 0; i < c.shape.m; ++i) {
      for (Index j = 0; j < c.shape.n; ++j, ++at) {
        worst = std::max(worst, std::fabs(static_cast<double>(out[at]) - c.expected(member, i, j)));
      }
    }
  }
  return worst;
}

}  // namespace

TEST_CASE_TEMPLATE("products of every shape equal plain loops", T, float, double) {
  std::size_t which = 0;
  for (const Shape& s : shapes()) {
    const Case<T> c(s, kEpilogues[which++ % std::size(kEpilogues)]);
    INFO(s);
    const double bound =
        4 * static_cast<double>(std::numeric_limits<T>::epsilon()) * static_cast<double>(s.k + 1);
    for (const KernelSet set : available()) {
      CHECK(largest_error(c, c.run(set)) < bound);
    }
  }
}

TEST_CASE_TEMPLATE("AVX2 and AVX-512 products are equal in every bit", T, float, double) {
  if (cpu_level() < 4) return;
  std::size_t which = 0;
  for (const Shape& s : shapes()) {
    const Case<T> c(s, kEpilogues[which++ % std::size(kEpilogues)]);
    INFO(s);
    CHECK(c.run(KernelSet::kAvx2) == c.run(KernelSet::kAvx512));
  }
}

TEST_CASE_TEMPLATE("products of few terms have the bits of longer ones whose other terms are zero",
                   T, float, double) {
  // signed zeros and products too small for the type are among the terms
  const T smallest = std::numeric_limits<T>::denorm_min();
  const std::vector<T> values = {T(0.3), -T(0), smallest, -smallest, T(-1.7), T(0), T(1) / 3};
  constexpr Index kRows = 9, kPadded = 5;
  for (Index n = 1; n <= 4; ++n) {
    for (Index k = 1; k <= 4; ++k) {
      CAPTURE(n);
      CAPTURE(k);
      const auto product = [&](Index terms) {
        Case<T> c({1, kRows, n, terms, false, true}, {false, false, false});
        const auto fill = [&](std::vector<T>& matrix, Index rows, std::size_t from, T first) {
          for (Index r = 0; r < rows; ++r) {
            for (Index i = 0; i < terms; ++i) {
              const T value =
                  r == 0 ? first
                         : values[(from + static_cast<std::size_t>(3 * r + i)) % values.size()];
              matrix[static_cast<std::size_t>(r * terms + i)] = i < k ? value : T(0);
            }
          }
        };
        fill(c.a, kRows, 0, smallest);
        fill(c.b, n, 2, -smallest);
        return c.run(KernelSet::kAvx2);
      };
      const auto few = product(k), more = product(kPadded);
      CHECK(std::memcmp(few.data(), more.data(), few.size() * sizeof(T)) == 0);
    }
  }
}

TEST_CASE("a row of a product has the same bits whatever rows stand beside it") {
  constexpr Index kAll = 500;
  for (const Index n : {1, 3, 4, 12, 33, 256}) {
    const Case<float> all({1, kAll, n, 77, false, false}, {true, true, false});
    const std::vector<float> together = all.run(kernel_set());
    for (const Index rows : {1, 2, 7, 14, 15, 40, 300}) {
      Case<float> some = all;
      some.shape.m = rows;
      const Index first = kAll - rows;
      some.a.erase(some.a.begin(), some.a.begin() + first * 77);
      const std::vector<float> alone = some.run(kernel_set());
      CHECK(std::equal(alone.begin(), alone.end(), together.begin() + first * n));
    }
  }
}

TEST_CASE("members that share an operand have the bits of products on their own") {
  for (const Epilogue epilogue : {Epilogue{true, true, false}, Epilogue{false, false, true}}) {
    for (const bool transpose_a : {false, true}) {
      for (const Shape& s :
           {Shape{5, 3, 33, 40, transpose_a, false}, Shape{100, 8, 130, 64, transpose_a, true},
            Shape{7, 60, 2, 300, transpose_a, false}}) {
        INFO(s);
        Case<float> all(s, epilogue);
        all.shared_b = true;
        const std::vector<float> together = all.run(kernel_set());
        CHECK(all.run(kernel_set(), 3) == together);
        for (Index member = 0; member < s.members; ++member) {
          Case<float> one = all;
          one.shape.members = 1;
          one.a.erase(one.a.begin(), one.a.begin() + member * s.m * s.k);
          one.gate.erase(one.gate.begin(), one.gate.begin() + member * s.m * s.n);
          const std::vector<float> alone = one.run(kernel_set());
          CHECK(std::equal(alone.begin(), alone.end(), together.begin() + member * s.m * s.n));
        }
      }
    }
  }
}

TEST_CASE("products have the same bits for any number of threads") {
  for (const bool ta : {false, true}) {
    const Case<float> c({2, 400, 200, 100, ta, false}, {true, false, false});
    const std::vector<float> one = c.run(kernel_set(), 1);
    for (const int threads : {2, 3, 7}) CHECK(c.run(kernel_set(), threads) == one);
  }
}

TEST_CASE("a NaN in an operand reaches every element that depends on it") {
  Case<float> c({1, 20, 40, 30, false, false}, {true, true, false});
  c.a[5 * 30 + 11] = NAN;
  for (const KernelSet set : available()) {
    const auto out = c.run(set);
    for (std::size_t i = 0; i < out.size(); ++i) CHECK(std::isnan(out[i]) == (i / 40 == 5));
  }
}

}  // namespace palaestra::nn::detail
