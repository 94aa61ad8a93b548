#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include <tests/nn/example_program.h>

namespace palaestra::nn {
namespace {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST_CASE("describe() names every step with its shape, work and memory") {
  Graph graph;
  const Expr x = input(graph, "x", {1, kBatch, 10});
  const Expr h = relu(
      affine(x, parameter(graph, "w", 0, {3, 10, 20}), parameter(graph, "w", 600, {3, 1, 20})));
  Program<float> program(graph, {.values = {{"y", min_over_members(h)}}, .gradients = {}},
                         {.max_rows = {1000}, .name = "tiny"});
  const auto lines = lines_of(program.describe());
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] ==
        "tiny at 1000 rows: 2 steps, 1.26 MFLOP; 1 value shares 60000 numbers of work "
        "space");
  CHECK(lines[2] ==
        "  0  matmul +bias relu  [3, batch, 20]    1.2 M       -        -  @0 <- x@0[1, batch, 10] "
        "w@0[3, 10, 20] w@600[3, 1, 20]");
  CHECK(lines[3] ==
        "  1  min_members        [1, batch, 20]     60 k       -        -  y@0 <- "
        "@0[3, batch, 20]");
}

TEST_CASE("profiled shares of time add up to the whole, and FLOP are those of the rows that ran") {
  testing::Example<float> example(64);
  example.program.run(8);
  CHECK(lines_of(example.program.describe())[2].find('%') == std::string::npos);
  example.program.set_profiling(true);
  for (int i = 0; i < 5; ++i) example.program.run(32);
  const std::string text = example.program.describe();
  const auto lines = lines_of(text);
  CHECK(lines[0].starts_with("example at 32 rows: "));
  CHECK(lines[0].find("s per run (mean of 5); ") != std::string::npos);
  double total = 0;
  for (std::size_t i = 2; i < lines.size(); ++i) {
    const std::size_t end = lines[i].find('%');
    REQUIRE(end != std::string::npos);
    total += std::stod(lines[i].substr(lines[i].rfind(' ', end)));
  }
  CHECK(total == doctest::Approx(100).epsilon(0.05));  // each is rounded to a tenth
  example.program.set_profiling(true);
  CHECK(lines_of(example.program.describe())[2].find('%') == std::string::npos);
}

TEST_CASE("FLOP are counted at the rows asked for") {
  testing::Example<float> example(64);
  const Index few[] = {1}, many[] = {64};
  CHECK(example.program.flop(many) > 40 * example.program.flop(few));
  const Index wrong[] = {1, 2};
  CHECK_THROWS(example.program.flop(wrong));
}

}  // namespace
}  // namespace palaestra::nn
