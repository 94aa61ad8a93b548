#include <doctest/doctest.h>

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
