#include <palaestra/nn/parameters.h>

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <vector>

#include <palaestra/core/error.h>

namespace palaestra::nn {
namespace {

constexpr Purpose kPurpose = purpose("tests/parameters");

Layout example_layout() {
  Layout layout;
  layout.add("a.weight", {2, 3, 5}, Initializer::uniform(0.5));
  layout.add("a.bias", {2, 1, 5}, Initializer::zeros());
  layout.add("b", {1, 4, 1}, Initializer::constant(2.5));
  return layout;
}

TEST_CASE("blocks follow each other without gaps, in the order they were added") {
  const Layout layout = example_layout();
  CHECK(layout.size() == 44);
  CHECK(layout.find("a.weight").offset == 0);
  CHECK(layout.find("a.bias").offset == 30);
  CHECK(layout.find("b").offset == 40);
  CHECK(layout.find("b").size() == 4);
}

TEST_CASE("a taken name, an open extent and an unknown name are user errors") {
  Layout layout = example_layout();
  CHECK_THROWS_WITH_AS(layout.add("b", {}, {}), "parameter \"b\" is in the layout already",
                       UserError);
  CHECK_THROWS_AS(layout.add("c", {1, kBatch, 2}, {}), UserError);
  CHECK_THROWS_WITH_AS(layout.find("a.weigth"),
                       "unknown parameter \"a.weigth\"; did you mean \"a.weight\"?", UserError);
  CHECK(layout.size() == 44);
}

TEST_CASE("initial values depend on the stream alone and fill their range") {
  const Layout layout = example_layout();
  std::vector<float> x(44, -1), y(44, 1), z(44);
  std::vector<double> precise(44);
  initialize<float>(layout, Stream(1, kPurpose), x);
  initialize<float>(layout, Stream(1, kPurpose), y);
  initialize<float>(layout, Stream(2, kPurpose), z);
  initialize<double>(layout, Stream(1, kPurpose), precise);
  CHECK(x == y);
  CHECK(x != z);
  double largest = 0;
  for (std::size_t i = 0; i < 30; ++i) {
    CHECK(std::abs(x[i]) <= 0.5f);
    CHECK(x[i] == static_cast<float>(precise[i]));
    largest = std::max(largest, std::abs(precise[i]));
  }
  CHECK(largest > 0.4);
  for (std::size_t i = 30; i < 40; ++i) CHECK(x[i] == 0);
  for (std::size_t i = 40; i < 44; ++i) CHECK(x[i] == 2.5f);
  CHECK_THROWS_AS(initialize<float>(layout, Stream(1, kPurpose), std::span(x).first(43)),
                  UserError);
}

TEST_CASE("uniform and normal parameters have the moments of their distributions") {
  Layout layout;
  layout.add("u", {1, 200, 500}, Initializer::uniform(2));
  layout.add("n", {1, 200, 500}, Initializer::normal(3));
  std::vector<double> x(200'000);
  initialize<double>(layout, Stream(3, kPurpose), x);
  double u = 0, uu = 0, n = 0, nn = 0;
  for (std::size_t i = 0; i < 100'000; ++i) {
    u += x[i], uu += x[i] * x[i];
    n += x[100'000 + i], nn += x[100'000 + i] * x[100'000 + i];
  }
  // five standard errors of each mean
  CHECK(std::abs(u / 1e5) < 5 * 2 / std::sqrt(3e5));
  CHECK(std::abs(uu / 1e5 - 4.0 / 3) < 5 * 1.2 / std::sqrt(1e5));
  CHECK(std::abs(n / 1e5) < 5 * 3 / std::sqrt(1e5));
  CHECK(std::abs(nn / 1e5 - 9) < 5 * 9 * std::sqrt(2e-5));
}

TEST_CASE("orthogonal matrices have orthonormal rows or columns, whichever are fewer") {
  for (const auto& extents : {std::pair<Index, Index>{7, 4}, {4, 7}, {5, 5}, {1, 3}}) {
    const Index rows = extents.first, columns = extents.second;  // a lambda below needs them
    CAPTURE(rows);
    CAPTURE(columns);
    Layout layout;
    layout.add("w", {2, rows, columns}, Initializer::orthogonal(2));
    std::vector<double> x(static_cast<std::size_t>(layout.size()));
    initialize<double>(layout, Stream(4, kPurpose), x);
    const Index count = std::min(rows, columns), length = std::max(rows, columns);
    double worst = 0;
    for (Index m = 0; m < 2; ++m) {
      const double* w = x.data() + m * rows * columns;
      const auto at = [&](Index i, Index k) {
        return rows <= columns ? w[i * columns + k] : w[k * columns + i];
      };
      for (Index i = 0; i < count; ++i) {
        for (Index j = 0; j < count; ++j) {
          double dot = 0;
          for (Index k = 0; k < length; ++k) dot += at(i, k) * at(j, k);
          worst = std::max(worst, std::abs(dot - (i == j ? 4 : 0)));
        }
      }
    }
    CHECK(worst < 1e-12);
    CHECK(x.front() != x[static_cast<std::size_t>(rows * columns)]);  // members differ
  }
}

TEST_CASE("parameters are saved under their names with their shapes and read back to the bit") {
  const auto file =
      std::filesystem::temp_directory_path() / "palaestra_parameters_test.safetensors";
  const Layout layout = example_layout();
  std::vector<float> x(44), y(44);
  initialize<float>(layout, Stream(5, kPurpose), x);
  ArchiveWriter writer;
  save<float>(layout, x, writer, "actor.");
  writer.save(file);
  const ArchiveReader reader(file);
  CHECK(reader.block("actor.a.weight").shape == std::vector<Index>{2, 3, 5});
  CHECK(reader.block("actor.b").shape == std::vector<Index>{4, 1});
  load<float>(layout, reader, "actor.", y);
  CHECK(x == y);

  Layout other;
  other.add("b", {1, 1, 4}, {});
  CHECK_THROWS_WITH_AS(load<float>(other, reader, "actor.", std::span(y).first(4)),
                       doctest::Contains("\"actor.b\" has shape [4, 1] in the file"), UserError);
  CHECK_THROWS_AS(load<float>(layout, reader, "critic.", y), UserError);
  std::filesystem::remove(file);
}

TEST_CASE("gathered members are those of the ensemble, parameter by parameter") {
  Layout many, few;
  for (auto [layout, members] : {std::pair<Layout*, Index>{&many, 4}, {&few, 2}}) {
    layout->add("w", {members, 2, 1}, Initializer::zeros());
    layout->add("b", {members, 1, 1}, Initializer::zeros());
  }
  const std::vector<float> values = {0, 1, 10, 11, 20, 21, 30, 31, 5, 6, 7, 8};
  std::vector<float> out(static_cast<std::size_t>(few.size()));
  gather_members<float>(many, values, std::vector<Index>{3, 1}, out);
  CHECK(out == std::vector<float>{30, 31, 10, 11, 8, 6});
}

}  // namespace
}  // namespace palaestra::nn
