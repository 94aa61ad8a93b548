#include <palaestra/core/random.h>

#include <doctest/doctest.h>

#include <Random123/philox.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <set>
#include <type_traits>
#include <vector>

#include "statistics.h"

using namespace palaestra;

static_assert(std::is_trivially_copyable_v<Stream>);

TEST_CASE("Philox4x32-10 reproduces Random123's known answers") {
  // kat_vectors of Random123 1.14: zeros, ones, digits of pi
  using Words = std::array<std::uint32_t, 4>;
  const auto answer = [](std::uint32_t c0, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3,
                         std::uint64_t key) {
    return std::to_array(detail::philox(c0, c1, c2, c3, key).word);
  };
  CHECK(answer(0, 0, 0, 0, 0) == Words{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
  CHECK(answer(~0u, ~0u, ~0u, ~0u, ~std::uint64_t{0}) ==
        Words{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
  CHECK(answer(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0x299f31d0a4093822u) ==
        Words{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

TEST_CASE("Philox agrees with Random123's own code on random counters, one by one and in bulk") {
  Stream random(1, purpose("tests/philox"));
  for (int round = 0; round < 2000; ++round) {
    const std::uint64_t block = random.bits64(), address = random.bits64(), key = random.bits64();
    std::vector<float> bulk(40);
    detail::fill_uniform(block, address, key, bulk);
    for (std::uint64_t i = 0; i < 10; ++i) {
      const std::uint64_t counter = block + i;
      const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
      const auto expected =
          r123::Philox4x32()({{low(counter), low(counter >> 32), low(address), low(address >> 32)}},
                             {{low(key), low(key >> 32)}});
      const auto ours = detail::philox(counter, address, key);
      for (std::size_t w = 0; w < 4; ++w) {
        REQUIRE(ours.word[w] == expected[w]);
        REQUIRE(bulk[4 * i + w] == static_cast<float>(expected[w] >> 8) / 16777216.0f);
      }
    }
  }
}

TEST_CASE("golden values: a change here changes every result of the project") {
  Stream bits(42, purpose("golden"), 3, 5);
  CHECK(bits.bits32() == 3637964949u);
  CHECK(bits.bits64() == 14831336111567092378u);
  CHECK(bits.uniform() == 0x1.6e7eeb2f7cbdbp-1);
  CHECK(bits.uniform(-3.0, 5.0) == -0x1.2afb1813eb1d8p+0);
  CHECK(bits.below(1000) == 949);
  CHECK(bits.normal() == 0x1.fcd7fa54182bfp+0);
  CHECK(bits.normal(10.0, 2.0) == 0x1.2eb99b4ff0d32p+3);
  CHECK(bits.position() == 20);
  // sums over many values in whole numbers, so that every bit of each counts
  std::vector<float> floats(1003);
  Stream fill(42, purpose("golden"), 3, 6);
  fill.fill_uniform(floats);
  CHECK(bit_sum(std::span<const float>(floats)) == 1059160446528403u);
  fill.fill_normal(floats);
  CHECK(bit_sum(std::span<const float>(floats)) == 2166844070039304u);
  std::vector<double> doubles(1003);
  fill.fill_normal(doubles);
  CHECK(bit_sum(std::span<const double>(doubles)) == 13424530720000154980u);
  std::vector<Index> order(8);
  fill.permutation(order);
  CHECK(order == std::vector<Index>{1, 4, 3, 7, 2, 5, 0, 6});
}

TEST_CASE("streams of different addresses differ, of equal addresses agree") {
  std::set<std::uint64_t> first;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    for (const char* name : {"envs/reset", "envs/step", "agents/act", "x"}) {
      for (std::uint64_t entity = 0; entity < 16; ++entity) {
        for (std::uint64_t episode = 0; episode < 16; ++episode) {
          Stream a(seed, purpose(name), entity, episode), b(seed, purpose(name), entity, episode);
          first.insert(a.bits64());
          REQUIRE(b.bits64() == Stream(seed, purpose(name), entity, episode).bits64());
          REQUIRE(a == b);
        }
      }
    }
  }
  CHECK(first.size() == 8u * 4u * 16u * 16u);
}

TEST_CASE("a stream saved as words goes on where it was") {
  Stream stream(9, purpose("save"), 1, 2);
  std::vector<float> seven(7);
  stream.fill_uniform(seven);
  stream.bits32();
  Stream back = Stream::from_words(stream.to_words());
  CHECK(back == stream);
  CHECK(back.bits64() == stream.bits64());
}

TEST_CASE("skip goes on as if the words had been drawn") {
  for (const std::uint64_t words : {0u, 1u, 2u, 3u, 4u, 9u, 1000u}) {
    Stream drawn(1, purpose("skip")), skipped(1, purpose("skip"));
    for (std::uint64_t i = 0; i < words; ++i) {
      drawn.bits32();
    }
    skipped.skip(words);
    CHECK(drawn == skipped);
    CHECK(drawn.position() == words);
    CHECK(drawn.normal() == skipped.normal());
  }
}

TEST_CASE("scalar draws align themselves to words, pairs and blocks") {
  Stream stream(1, purpose("align"));
  stream.bits32();
  stream.bits64();
  CHECK(stream.position() == 4);
  stream.bits32();
  stream.normal();
  CHECK(stream.position() == 12);
  stream.bits32();
  std::vector<float> five(5);
  stream.fill_normal(five);
  CHECK(stream.position() == 24);
  stream.fill_normal(std::span<float>());
  CHECK(stream.position() == 24);
}

TEST_CASE_TEMPLATE("a fill is the same however it is cut in multiples of four", T, float, double) {
  for (std::size_t size = 1; size <= 150; ++size) {
    std::vector<T> whole(600), part(size), cut(600);
    Stream a(1, purpose("cut"), size), b = a, c = a;
    a.bits32();
    b.bits32();
    c.bits32();
    a.fill_normal(std::span<T>(whole));
    b.fill_normal(std::span<T>(part));
    REQUIRE(std::equal(part.begin(), part.end(), whole.begin()));
    for (std::size_t at = 0; at < cut.size();) {
      const std::size_t count = std::min(cut.size() - at, (size + 3) / 4 * 4);
      c.fill_normal(std::span<T>(cut).subspan(at, count));
      at += count;
    }
    REQUIRE(cut == whole);
    REQUIRE(a == c);
  }
}

TEST_CASE("uniform draws keep their bounds and are uniform") {
  constexpr std::size_t kDraws = 1'000'000;
  std::vector<double> scalar(kDraws), filled(kDraws);
  std::vector<float> floats(kDraws);
  Stream stream(5, purpose("uniform"));
  stream.fill_uniform(floats);
  for (std::size_t i = 0; i < kDraws; ++i) {
    scalar[i] = stream.uniform();
    filled[i] = static_cast<double>(floats[i]) + 0x1.0p-25;  // the middle of its cell
  }
  for (auto* values : {&scalar, &filled}) {
    REQUIRE(*std::min_element(values->begin(), values->end()) >= 0.0);
    REQUIRE(*std::max_element(values->begin(), values->end()) < 1.0);
    CHECK(chi_square_p(histogram(*values, 1000), std::vector<double>(1000, kDraws / 1e3)) > 1e-3);
    CHECK(kolmogorov_p(*values, [](double x) { return x; }) > 1e-3);
  }
  for (int i = 0; i < 1000; ++i) {
    const double x = stream.uniform(-2.5, 7.0);
    REQUIRE(x >= -2.5);
    REQUIRE(x < 7.0);
  }
  CHECK(stream.uniform(3.0, 3.0) == 3.0);
}

TEST_CASE("every bit of the generator is fair and apart from its neighbours") {
  Stream stream(6, purpose("bits"));
  constexpr int kDraws = 400'000;
  std::array<double, 64> ones{}, equal{};
  std::uint64_t last = stream.bits64();
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t bits = stream.bits64();
    for (unsigned b = 0; b < 64; ++b) {
      ones[b] += static_cast<double>((bits >> b) & 1);
      equal[b] += static_cast<double>((~(bits ^ last) >> b) & 1);
    }
    last = bits;
  }
  for (unsigned b = 0; b < 64; ++b) {
    CHECK(std::abs(ones[b] - kDraws / 2.0) < 4.5 * std::sqrt(kDraws / 4.0));
    CHECK(std::abs(equal[b] - kDraws / 2.0) < 4.5 * std::sqrt(kDraws / 4.0));
  }
}

TEST_CASE("bulk fills give what single draws give, from any position and however they are cut") {
  // a range of nearly 2^63 makes below() draw again half of the time
  for (const Index range : {Index{1}, Index{1000}, Index{1} << 40, (Index{1} << 62) + 1}) {
    for (std::uint64_t start = 0; start < 6; ++start) {
      for (const std::size_t count : {0u, 1u, 2u, 3u, 31u, 64u, 65u, 333u}) {
        Stream one(3, purpose("bulk")), bulk(3, purpose("bulk"));
        one.skip(start);
        bulk.skip(start);
        std::vector<std::uint64_t> bits(count);
        std::vector<double> uniforms(count);
        std::vector<Index> integers(count);
        bulk.fill_bits(bits);
        bulk.fill_uniform(std::span(uniforms));
        bulk.fill_below(range, integers);
        bool same = true;
        for (const std::uint64_t x : bits) same &= x == one.bits64();
        for (const double x : uniforms) same &= x == one.uniform();
        for (const Index x : integers) same &= x == one.below(range);
        REQUIRE(same);
        REQUIRE(bulk.bits64() == one.bits64());
      }
    }
  }
}

TEST_CASE("integers below n are unbiased") {
  Stream stream(6, purpose("below"));
  for (const Index n : {1, 2, 7, 100, 1000}) {
    std::vector<double> counts(static_cast<std::size_t>(n));
    for (int i = 0; i < 300'000; ++i) {
      counts.at(static_cast<std::size_t>(stream.below(n))) += 1;
    }
    const std::vector<double> expected(counts.size(), 3e5 / static_cast<double>(n));
    CHECK((n == 1 || chi_square_p(counts, expected) > 1e-3));
  }
  // three quarters of the range of 64 bits: a remainder or a plain product would favour some thirds
  constexpr Index kLarge = Index{3} << 61;
  std::vector<double> thirds(3);
  for (int i = 0; i < 300'000; ++i) {
    const Index x = stream.below(kLarge);
    REQUIRE(x >= 0);
    REQUIRE(x < kLarge);
    thirds.at(static_cast<std::size_t>(x >> 61)) += 1;
  }
  CHECK(chi_square_p(thirds, {1e5, 1e5, 1e5}) > 1e-3);
}

TEST_CASE("normal draws follow the normal distribution, far into the tails") {
  constexpr std::size_t kDraws = 1 << 21;
  std::vector<float> floats(kDraws);
  std::vector<double> scalar(kDraws), filled(kDraws), wide(kDraws);
  Stream(8, purpose("fill")).fill_normal(floats);
  Stream(8, purpose("wide")).fill_normal(wide);
  Stream stream(9, purpose("scalar"));
  for (std::size_t i = 0; i < kDraws; ++i) {
    scalar[i] = stream.normal();
    filled[i] = static_cast<double>(floats[i]);
  }
  // cells of equal probability, and cells of 1/8 out to +-4.5 with open ends
  std::vector<double> edges, expected;
  for (int i = -36; i <= 36; ++i) {
    edges.push_back(i / 8.0);
  }
  for (std::size_t i = 0; i <= edges.size(); ++i) {
    const double low = i == 0 ? 0 : normal_cdf(edges[i - 1]);
    const double high = i == edges.size() ? 1 : normal_cdf(edges[i]);
    expected.push_back((high - low) * kDraws);
  }
  for (auto* values : {&scalar, &filled, &wide}) {
    std::vector<double> flat(kDraws), counts(expected.size());
    for (std::size_t i = 0; i < kDraws; ++i) {
      flat[i] = normal_cdf((*values)[i]);
      const auto cell = std::upper_bound(edges.begin(), edges.end(), (*values)[i]) - edges.begin();
      counts[static_cast<std::size_t>(cell)] += 1;
    }
    CHECK(chi_square_p(histogram(flat, 1000), std::vector<double>(1000, kDraws / 1e3)) > 1e-3);
    CHECK(chi_square_p(counts, expected) > 1e-3);
    CHECK(kolmogorov_p(flat, [](double x) { return x; }) > 1e-3);
  }
}

TEST_CASE("rare normals are as frequent as they should be") {
  std::vector<float> values(1 << 16);
  Stream stream(10, purpose("tails"));
  double beyond4 = 0, beyond5 = 0, positive = 0;
  constexpr int kRounds = 512;
  for (int round = 0; round < kRounds; ++round) {
    stream.fill_normal(values);
    for (const float x : values) {
      beyond4 += std::abs(x) > 4.0f;
      beyond5 += std::abs(x) > 5.0f;
      positive += x > 0.0f;
    }
  }
  const double draws = static_cast<double>(values.size()) * kRounds;  // 3.4e7
  const double expected4 = draws * std::erfc(4 / std::numbers::sqrt2);
  const double expected5 = draws * std::erfc(5 / std::numbers::sqrt2);
  CHECK(std::abs(beyond4 - expected4) < 4 * std::sqrt(expected4));  // 2,125
  CHECK(std::abs(beyond5 - expected5) < 4 * std::sqrt(expected5));  // 19
  CHECK(std::abs(positive - draws / 2) < 4 * std::sqrt(draws / 4));
}

TEST_CASE("the two normals of a pair, and neighbours in a fill, are independent") {
  std::vector<float> values(1 << 20);
  Stream(11, purpose("pairs")).fill_normal(values);
  for (const std::size_t lag : {1u, 2u, 3u, 4u, 16u, 64u}) {
    double product = 0, squares = 0;
    const double n = static_cast<double>(values.size() - lag);
    for (std::size_t i = 0; i + lag < values.size(); ++i) {
      const double a = values[i], b = values[i + lag];
      product += a * b;
      squares += (a * a - 1) * (b * b - 1);  // the radius is shared inside a pair
    }
    CHECK(std::abs(product) < 4 * std::sqrt(n));
    CHECK(std::abs(squares) < 4 * 2 * std::sqrt(n));
  }
}

TEST_CASE("streams at neighbouring addresses are independent") {
  // first draws of (seed, entity, episode) along each axis: serial pairs over a 32 x 32 grid
  constexpr int kStreams = 200'000;
  for (int axis = 0; axis < 3; ++axis) {
    std::vector<double> cells(1024), values;
    for (std::uint64_t i = 0; i < kStreams; ++i) {
      Stream stream(axis == 0 ? i : 3, purpose("axis"), axis == 1 ? i : 3, axis == 2 ? i : 3);
      values.push_back(stream.uniform());
    }
    for (std::size_t i = 0; i + 1 < values.size(); i += 2) {
      cells[static_cast<std::size_t>(values[i] * 32) * 32 +
            static_cast<std::size_t>(values[i + 1] * 32)] += 1;
    }
    CHECK(chi_square_p(cells, std::vector<double>(1024, kStreams / 2.0 / 1024.0)) > 1e-3);
    CHECK(kolmogorov_p(values, [](double x) { return x; }) > 1e-3);
  }
}

TEST_CASE("normals agree with Box and Muller's formula in long double") {
  Stream random(12, purpose("formula"));
  const auto check = [](std::uint64_t distance, std::uint64_t turn) {
    const long double u = (static_cast<long double>(distance >> 1) + 0.5L) * 0x1.0p-63L;
    const long double radius = std::sqrt(
        -2 * (u > 0.5L ? std::log1p(-(static_cast<long double>(~distance >> 1) + 0.5L) * 0x1.0p-63L)
                       : std::log(u)));
    const auto place = static_cast<long double>(static_cast<std::int64_t>((turn << 2) | 2));
    const long double t = place * std::numbers::pi_v<long double> / 4 * 0x1.0p-63L;
    const long double r = turn >> 63 ? -radius : radius;
    const bool swap = ((turn >> 62) & 1) != 0;
    const auto pair = detail::box_muller(distance, turn);
    // relative to each value: sine and cosine keep their small ones
    const long double first = r * (swap ? std::sin(t) : std::cos(t));
    const long double second = r * (swap ? std::cos(t) : std::sin(t));
    REQUIRE(std::abs(pair.first - first) <= 1e-15L * std::abs(first));
    REQUIRE(std::abs(pair.second - second) <= 1e-15L * std::abs(second));
  };
  for (int i = 0; i < 200'000; ++i) {
    check(random.bits64() >> random.below(60), random.bits64());
    check(~(random.bits64() >> random.below(60)), random.bits64() >> random.below(60));
  }
  for (const std::uint64_t distance : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    for (const std::uint64_t turn : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 61,
                                     (std::uint64_t{1} << 61) - 1}) {
      check(distance, turn);
    }
  }
  CHECK(std::abs(detail::box_muller(0, 0).first) < 9.42);
}

TEST_CASE("float normals agree with the formula, at the extremes too") {
  Stream random(13, purpose("formula32"));
  const auto check = [](const detail::PhiloxBlock(&blocks)[4]) {
    float out[16];
    detail::box_muller(blocks, out);
    for (std::size_t pair = 0; pair < 8; ++pair) {
      const std::uint32_t distance = blocks[pair / 2].word[pair % 2 * 2];
      const std::uint32_t turn = blocks[pair / 2].word[pair % 2 * 2 + 1];
      const double u = (static_cast<double>(distance >> 1) + 0.5) * 0x1.0p-31;
      const double t = static_cast<double>(static_cast<std::int32_t>((turn << 2) | 2)) *
                       (std::numbers::pi / 4 * 0x1.0p-31);
      const double radius = std::sqrt(-2 * std::log(u)), r = turn >> 31 ? -radius : radius;
      const bool swap = ((turn >> 30) & 1) != 0;
      const double first = r * (swap ? std::sin(t) : std::cos(t));
      const double second = r * (swap ? std::cos(t) : std::sin(t));
      REQUIRE(std::abs(out[2 * pair] - first) <= 4e-7 * std::abs(first));
      REQUIRE(std::abs(out[2 * pair + 1] - second) <= 4e-7 * std::abs(second));
    }
  };
  detail::PhiloxBlock blocks[4];
  for (int round = 0; round < 100'000; ++round) {
    for (auto& block : blocks) {
      for (std::uint32_t& word : block.word) {
        word = random.bits32() >> random.below(30);
        word = random.below(2) ? ~word : word;
      }
    }
    check(blocks);
  }
  const std::uint32_t extremes[] = {0u, 1u, 2u, ~0u, ~0u - 1, 1u << 31, (1u << 31) - 1, 1u << 29};
  for (const std::uint32_t distance : extremes) {
    for (const std::uint32_t turn : extremes) {
      for (auto& block : blocks) {
        block = {{distance, turn, distance, turn}};
      }
      check(blocks);
    }
  }
}

TEST_CASE("every order of four is equally likely") {
  Stream stream(14, purpose("permutation"));
  std::vector<double> counts(256);
  std::vector<Index> order(4);
  for (int i = 0; i < 240'000; ++i) {
    stream.permutation(order);
    counts[static_cast<std::size_t>(order[0] * 64 + order[1] * 16 + order[2] * 4 + order[3])] += 1;
  }
  std::erase(counts, 0.0);
  REQUIRE(counts.size() == 24);
  CHECK(chi_square_p(counts, std::vector<double>(24, 1e4)) > 1e-3);

  std::vector<Index> many(1000);
  stream.permutation(many);
  CHECK_FALSE(std::is_sorted(many.begin(), many.end()));
  std::sort(many.begin(), many.end());
  for (std::size_t i = 0; i < many.size(); ++i) {
    REQUIRE(many[i] == static_cast<Index>(i));
  }
  stream.permutation(std::span<Index>());
}
