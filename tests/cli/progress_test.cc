#include <palaestra/cli/progress.h>

#include <doctest/doctest.h>

#include <sstream>

using namespace palaestra;
using namespace palaestra::cli;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// A display whose clock is wound by hand.
struct Stage {
  explicit Stage(bool redraws, bool colour = false, Index width = 80)
      : display{.out = &text, .redraws = redraws, .colour = colour, .width = width, .now = [this] {
                  return now;
                }} {}

  std::string take() {
    std::string said = text.str();
    text.str("");
    return said;
  }

  std::ostringstream text;
  Display::Clock::time_point now{};
  Display display;
};

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

}  // namespace

TEST_CASE("off a terminal there is a plain line at most every ten seconds") {
  Stage stage(false);
  Progress progress(100'000, 0, "steps", false, stage.display);
  int lines = 0;
  for (Index step = 1; step <= 400; ++step) {  // 100 s
    stage.now += milliseconds(250);
    progress.update(100 * step, "return -5");
    const std::string said = stage.take();
    lines += !said.empty();
    CHECK(said.empty() == (step % 40 != 0));
    if (step == 40) {
      CHECK(said == "4,000 of 100,000 steps, 400/s, 4 min 0 s left, return -5\n");
    }
  }
  CHECK(lines == 10);
}

TEST_CASE("a long pause is followed by one line, not by all that were missed") {
  Stage stage(false);
  Progress progress(100, 0, "steps", false, stage.display);
  stage.now += seconds(95);
  progress.update(1, "");
  CHECK(count(stage.take(), "\n") == 1);
  stage.now += seconds(9);
  CHECK_FALSE(progress.due());
  progress.update(2, "");
  CHECK(stage.take().empty());
  stage.now += seconds(1);
  CHECK(progress.due());
}

TEST_CASE("a resumed run's rate counts its own steps only") {
  Stage stage(false);
  Progress progress(2'000, 1'000, "steps", false, stage.display);
  stage.now += seconds(10);
  progress.update(1'500, "");
  CHECK(stage.take() == "1,500 of 2,000 steps, 50.0/s, 10 s left\n");
}

TEST_CASE("on a terminal one bar is drawn over itself ten times a second and taken away") {
  Stage stage(true);
  {
    Progress progress(100, 0, "steps", false, stage.display);
    for (int step = 1; step <= 100; ++step) {
      stage.now += milliseconds(20);
      progress.update(step, "");
    }
    const std::string said = stage.take();
    CHECK(count(said, "\r\x1b[K") == 20);
    CHECK(count(said, "\n") == 0);
    CHECK(count(said, "\x1b[36m") == 0);
    // the last one is full: 24 cells
    CHECK(count(said.substr(said.rfind('\r')), "█") == 24);
    CHECK(count(said.substr(said.rfind('\r')), "100/100 steps  50.0/s  0 s left") == 1);
  }
  CHECK(stage.take() == "\r\x1b[K");
}

TEST_CASE("the bar has colours where they are wanted and never wraps") {
  for (const Index width : {Index{20}, Index{40}, Index{60}}) {
    Stage stage(true, true, width);
    Progress progress(1'000'000, 0, "steps", false, stage.display);
    stage.now += seconds(1);
    progress.update(500'000, "a long detail that does not fit into a narrow window");
    std::string said = stage.take();
    CHECK(count(said, "\x1b[36m") == 1);
    CHECK(count(said, "\x1b[0m") == 1);
    const std::string text = said.substr(said.find("\x1b[0m") + 4);
    CHECK(static_cast<Index>(text.size()) <= std::max<Index>(width - 25, 0));
  }
}

TEST_CASE("quiet says nothing at all") {
  for (const bool redraws : {false, true}) {
    Stage stage(redraws);
    {
      Progress progress(100, 0, "steps", true, stage.display);
      stage.now += seconds(1000);
      progress.update(50, "");
      CHECK_FALSE(progress.due());
    }
    CHECK(stage.take().empty());
  }
}

TEST_CASE("numbers and times as people read them") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1'000) == "1,000");
  CHECK(grouped(1'234'567) == "1,234,567");
  CHECK(grouped(-12'345) == "-12,345");
  CHECK(grouped(-123) == "-123");
  CHECK(engineering(1.234e6) == "1.23 M");
  CHECK(engineering(45'600) == "45.6 k");
  CHECK(engineering(789) == "789");
  CHECK(engineering(999.7) == "1.00 k");
  CHECK(engineering(0.5) == "0.50");
  CHECK(engineering(-1'340) == "-1.34 k");
  CHECK(duration_text(12.4) == "12 s");
  CHECK(duration_text(200) == "3 min 20 s");
  CHECK(duration_text(7'500) == "2 h 5 min");
  CHECK(duration_text(1.0 / 0.0) == "?");
}
