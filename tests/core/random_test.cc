#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include <palaestra/core/random.h>

using namespace palaestra;

TEST_CASE("Philox4x32-10 reproduces Random123's known answers") {
  // kat_vectors of Random123 1.14: zero counter and key; all bits set; digits of pi
  const auto zero = detail::philox(0u, 0u, 0u, 0u, 0u);
  CHECK(zero.word[0] == 0x6627e8d5u);
  CHECK(zero.word[1] == 0xe169c58du);
  CHECK(zero.word[2] == 0xbc57ac4cu);
  CHECK(zero.word[3] == 0x9b00dbd8u);
}

TEST_CASE("streams of different addresses differ, of equal addresses agree") {
  Stream a(1, purpose("x"), 2, 3), b(1, purpose("x"), 2, 3);
  CHECK(a.bits64() == b.bits64());
  const std::uint64_t first = Stream(1, purpose("x"), 2, 3).bits64();
  CHECK(first != Stream(2, purpose("x"), 2, 3).bits64());
  CHECK(first != Stream(1, purpose("y"), 2, 3).bits64());
  CHECK(first != Stream(1, purpose("x"), 3, 3).bits64());
  CHECK(first != Stream(1, purpose("x"), 2, 4).bits64());
  CHECK(first != Stream(1, purpose("x"), 3, 2).bits64());
}

TEST_CASE("uniform draws pass a chi-square test and keep their bounds") {
  Stream stream(5, purpose("uniform"));
  constexpr int kBins = 100, kDraws = 1'000'000;
  double counts[kBins] = {};
  for (int i = 0; i < kDraws; ++i) {
    const double u = stream.uniform();
    REQUIRE(u >= 0.0);
    REQUIRE(u < 1.0);
    counts[static_cast<int>(u * kBins)] += 1;
  }
  double chi_square = 0;
  for (const double c : counts) {
    chi_square += (c - 1e4) * (c - 1e4) / 1e4;
  }
  CHECK(chi_square < 148.2);  // 99.9 % point with 99 degrees of freedom
}

TEST_CASE("integers below n are unbiased") {
  Stream stream(6, purpose("below"));
  double counts[7] = {};
  for (int i = 0; i < 700'000; ++i) {
    counts[stream.below(7)] += 1;
  }
  double chi_square = 0;
  for (const double c : counts) {
    chi_square += (c - 1e5) * (c - 1e5) / 1e5;
  }
  CHECK(chi_square < 22.46);  // 99.9 % point with 6 degrees of freedom
}

TEST_CASE("normal draws have the moments of a normal") {
  std::vector<float> fill(1'000'000);
  Stream(8, purpose("fill")).fill_normal(fill);
  Stream scalar(9, purpose("scalar"));
  for (const bool filled : {true, false}) {
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0, beyond = 0;
    for (const float f : fill) {
      const double x = filled ? static_cast<double>(f) : scalar.normal();
      m1 += x;
      m2 += x * x;
      m3 += x * x * x;
      m4 += x * x * x * x;
      beyond += std::abs(x) > 3.0;
    }
    // five standard errors each
    CHECK(std::abs(m1 / 1e6) < 5e-3);
    CHECK(std::abs(m2 / 1e6 - 1) < 7.1e-3);
    CHECK(std::abs(m3 / 1e6) < 0.0194);
    CHECK(std::abs(m4 / 1e6 - 3) < 0.049);
    CHECK(std::abs(beyond - 2699.8) < 260);
  }
}

TEST_CASE("a fill is the same however it is cut in multiples of four") {
  std::vector<float> whole(64), cut(64);
  Stream a(1, purpose("cut")), b(1, purpose("cut"));
  a.fill_normal(whole);
  for (const std::size_t begin : {0u, 4u, 24u, 60u}) {
    const std::size_t end = begin == 0 ? 4 : begin == 4 ? 24 : begin == 24 ? 60 : 64;
    b.fill_normal(std::span(cut).subspan(begin, end - begin));
  }
  CHECK(whole == cut);
  CHECK(a == b);
}
