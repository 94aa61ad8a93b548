#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/nn/distributions.h>
#include <palaestra/nn/layers.h>
#include <palaestra/nn/op.h>
#include <palaestra/nn/optimizer.h>
#include <palaestra/nn/program.h>
#include <tests/nn/derivative_check.h>

// The code of docs/nn.md: what stands here between the marks [doc NAME] and [end] is on that page
// word for word, and runs.

namespace palaestra::nn {

// [doc operation]
namespace detail {
namespace {

extern const OpDef kRunningSum;

template <class T>
void run_running_sum(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  const bool backwards = call.attributes->i != 0;
  for (Index m = 0; m < x.members; ++m) {
    for (Index r = 0; r < x.rows; ++r) {
      const T* in = x.row(m, r);
      T* out = call.out.row(m, r);
      T total = 0;
      for (Index k = 0; k < x.columns; ++k) {
        const Index c = backwards ? x.columns - 1 - k : k;
        out[c] = total += in[c];
      }
    }
  }
}

/// y_c = x_0 + ... + x_c, so dL/dx_c = g_c + ... + g_last: the same operation from the other end,
/// which makes it differentiable any number of times.
std::vector<Expr> vjp_running_sum(const VjpContext& c) {
  return {make_node(kRunningSum, {c.g}, c.g.shape(), {.i = 1 - c.attributes.i})};
}

constinit const OpDef kRunningSum{.name = "running_sum",
                                  .vjp = vjp_running_sum,
                                  .kernel_float = run_running_sum<float>,
                                  .kernel_double = run_running_sum<double>};

}  // namespace
}  // namespace detail

/// Sums of the columns up to each column.
Expr running_sum(Expr x) { return detail::make_node(detail::kRunningSum, {x}, x.shape()); }
// [end]

namespace {

std::string read(const std::string& file) {
  std::ifstream stream(std::filesystem::path(PALAESTRA_SOURCE) / file);
  REQUIRE(stream);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// The marked pieces of a source, without their common indentation.
std::vector<std::string> marked_pieces(const std::string& source) {
  std::vector<std::string> pieces;
  std::istringstream lines(source);
  std::string line;
  std::size_t indent = std::string::npos;
  while (std::getline(lines, line)) {
    const std::size_t start = line.find_first_not_of(' ');
    const bool mark = start != std::string::npos && line.compare(start, 8, "// [doc ") == 0;
    if (indent == std::string::npos && mark) {
      indent = start;
      pieces.emplace_back();
    } else if (indent != std::string::npos && line.find("// [end]") == indent) {
      indent = std::string::npos;
    } else if (indent != std::string::npos) {
      pieces.back() += (line.size() > indent ? line.substr(indent) : "") + "\n";
    }
  }
  return pieces;
}

TEST_CASE("the code on the page is the code that is tested here") {
  const std::string page = read("docs/nn.md");
  const auto pieces = marked_pieces(read("tests/nn/docs_test.cc"));
  REQUIRE(pieces.size() == 4);
  for (const std::string& piece : pieces) {
    CAPTURE(piece);
    CHECK(page.find("```cpp\n" + piece + "```\n") != std::string::npos);
  }
}

TEST_CASE("the page's operation is right, and so are its first and second derivatives") {
  Graph graph;
  const Expr y = running_sum(input(graph, "x", {1, 1, 4}));
  Program<float> program(graph, {.values = {{"y", y}}, .gradients = {}});
  // [doc test]
  const auto errors = testing::check_derivatives(
      [](const std::vector<Expr>& x) { return tanh(running_sum(x[0])); }, {{{2, kBatch, 5}}});
  CHECK(errors.first < 1e-8);
  CHECK(errors.second < 1e-7);
  // [end]
  const std::vector<float> x = {1, 2, 3, 4};
  program.bind_input(program.input("x"), x);
  program.run(1);
  const auto value = program.value(program.output("y"));
  CHECK(std::vector<float>(value.begin(), value.end()) == std::vector<float>{1, 3, 6, 10});
}

TEST_CASE("the page's regression learns, and its table is the one on the page") {
  // [doc regression]
  // networks are offsets into a flat vector
  Layout layout;
  const Mlp network(layout, "", {.inputs = 1, .hidden = {32}, .activation = Activation::kTanh});

  // the loss, as on paper: mean over rows of (f(x) - y)²
  Graph graph;
  const Expr x = input(graph, "x", {1, kBatch, 1});
  const Expr y = input(graph, "y", {1, kBatch, 1});
  const Expr loss = mean(square(network(x, "network") - y));

  // compiled once, for up to 64 rows
  Program<float> program(
      graph,
      {.values = {{"loss", loss}}, .gradients = {{"gradient", loss, "network", layout.size()}}},
      {.max_rows = {64}, .name = "regression"});

  // everything that changes is bound from outside
  std::vector<float> parameters(static_cast<std::size_t>(layout.size())), xs(64), ys(64);
  initialize(layout, Stream(/*seed=*/1, purpose("example")), std::span(parameters));
  program.bind_vector(program.vector("network"), parameters);
  program.bind_input(program.input("x"), xs);
  program.bind_input(program.input("y"), ys);
  // [end]
  CHECK(read("docs/nn.md").find("```\n" + program.describe() + "```\n") != std::string::npos);

  // [doc training]
  Adam adam(layout.size(), {.learning_rate = 1e-2});
  const int gradient = program.output("gradient");
  for (std::uint64_t update = 0; update < 500; ++update) {
    Stream random(/*seed=*/1, purpose("example/batch"), update);
    for (std::size_t i = 0; i < xs.size(); ++i) {
      xs[i] = static_cast<float>(random.uniform(-2, 2));
      ys[i] = std::sin(2 * xs[i]);
    }
    program.run(64);
    adam.step(parameters, program.value(gradient));
  }
  // [end]
  CHECK(program.value(program.output("loss"))[0] < 2e-3f);
}

}  // namespace
}  // namespace palaestra::nn
