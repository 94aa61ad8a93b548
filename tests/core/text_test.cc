#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include <palaestra/core/hash.h>
#include <palaestra/core/text.h>

using namespace palaestra;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

}  // namespace

TEST_CASE("the nearest name is suggested, a far one is not") {
  const std::vector<std::string> names = {"CartPole-v1", "HalfCheetah-v5", "Hopper-v5"};
  CHECK(nearest("HalfCheeta-v5", names) == "HalfCheetah-v5");
  CHECK(nearest("Hopepr-v5", names) == "Hopper-v5");
  CHECK(nearest("Breakout", names).empty());
  CHECK(did_you_mean("CartPole", names) == "; did you mean \"CartPole-v1\"?");
}

TEST_CASE("numbers are printed shortest and read back exactly") {
  for (const double x : {0.1, 3e-4, 1.0, -0.0, 1e300, 1.0 / 3.0}) {
    CHECK(std::stod(to_text(x)) == x);
  }
  CHECK(to_text(1.0) == "1.0");
  CHECK(to_text(3e-4) == "0.0003");
  CHECK(to_text(1e-5) == "1e-05");
  CHECK(to_text(1e16) == "1e+16");
  CHECK(to_text(123456789012345.6) == "123456789012345.6");
  CHECK(to_text(std::numeric_limits<double>::infinity()) == "inf");
}

TEST_CASE("the last line is the last one with anything in it") {
  CHECK(last_line("Traceback:\n  here\nValueError: no\n\n") == "ValueError: no");
  CHECK(last_line("one") == "one");
  CHECK(last_line("\n\n").empty());
  CHECK(last_line("").empty());
}

TEST_CASE("SHA-256 and CRC-32C give the published answers") {
  Sha256 hash;
  hash.update(bytes_of("a"));
  hash.update(bytes_of("bc"));
  CHECK(hash.hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(crc32c(bytes_of("123456789")) == 0xE3069283u);
}
