#include <doctest/doctest.h>

#include <filesystem>
#include <iomanip>
#include <ostream>
#include <string>
#include <string_view>

#include <palaestra/core/error.h>

using namespace palaestra;

namespace {

struct Point {
  int x, y;
  friend std::ostream& operator<<(std::ostream& out, const Point& p) {
    return out << '(' << p.x << ", " << p.y << ')';
  }
};

}  // namespace

TEST_CASE("parts of a message are streamed one after another") {
  const std::string text = "text";
  const char* const pointer = "pointer";
  char buffer[8] = "cut";  // what lies behind its end is no part of it
  buffer[5] = 'x';
  CHECK(concat() == "");
  CHECK(concat("one literal") == "one literal");
  CHECK(concat(text, ' ', std::string_view(text).substr(1), ' ', pointer, ' ', buffer) ==
        "text ext pointer cut");
  CHECK(concat(-3, ' ', 4u, ' ', true, ' ', 0.1f, ' ', 1.0 / 3) == "-3 4 1 0.1 0.333333");
  CHECK(concat(std::setprecision(2), 1.0 / 3) == "0.33");
  CHECK(concat(Point{1, -2}, " in ", std::filesystem::path("a/b")) == "(1, -2) in \"a/b\"");
}

TEST_CASE("a requirement that is not met throws its message") {
  CHECK_NOTHROW(require(true, "unused"));
  const auto message = [] {
    try {
      require(false, "size is ", 3, "; accepted: ", Point{0, 2});
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message() == "size is 3; accepted: (0, 2)");
}
