#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>
#include <palaestra/nn/program.h>
#include <tests/allocations.h>
#include <tests/nn/derivative_check.h>
#include <tests/nn/evaluate.h>

namespace palaestra::nn {
namespace {

using Numbers = std::vector<double>;

Numbers draw(Index n, std::uint64_t seed, double low = -1, double high = 1) {
  Stream random(seed, purpose("tests/nn/attention"));
  Numbers x(static_cast<std::size_t>(n));
  for (double& v : x) v = random.uniform(low, high);
  return x;
}

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// Equation 1 of the paper, one query after the other.
Numbers plain_attention(const Numbers& qkv, const Attention& form, Index width, Index windows,
                        const Numbers& mask, const Numbers& dropout) {
  const Index head = width / form.heads, queries = form.length / form.stride;
  Numbers out(at(windows * queries * width), 0.0);
  const auto token = [&](Index w, Index j, Index part, Index c) {
    return qkv[at((w * form.length + j) * 3 * width + part * width + c)];
  };
  for (Index w = 0; w < windows; ++w) {
    for (Index i = 0; i < queries; ++i) {
      const Index position = form.first + i * form.stride;
      for (Index h = 0; h < form.heads; ++h) {
        Numbers weight(at(form.length), 0.0);
        double total = 0;
        for (Index j = 0; j < form.length; ++j) {
          if (form.causal && j > position) continue;
          if (!mask.empty() && mask[at(w * form.length + j)] == 0) continue;
          double score = 0;
          for (Index c = h * head; c < (h + 1) * head; ++c) {
            score += token(w, position, 0, c) * token(w, j, 1, c);
          }
          weight[at(j)] = std::exp(score / std::sqrt(static_cast<double>(head)));
          total += weight[at(j)];
        }
        for (Index j = 0; j < form.length && total > 0; ++j) {
          double share = weight[at(j)] / total;
          if (!dropout.empty()) {
            share *= dropout[at(((w * queries + i) * form.heads + h) * form.length + j)];
          }
          for (Index c = h * head; c < (h + 1) * head; ++c) {
            out[at((w * queries + i) * width + c)] += share * token(w, j, 2, c);
          }
        }
      }
    }
  }
  return out;
}

struct Case {
  Attention form;
  Index width;
  bool masked = false, dropped = false;
};

const std::vector<Case> kCases = {
    {{.length = 1}, 4},
    {{.length = 5}, 4},
    {{.length = 5, .heads = 2}, 6, true, true},
    {{.length = 7, .causal = false}, 3, true},
    {{.length = 12, .heads = 2, .stride = 3}, 4, true, true},
    {{.length = 12, .causal = false, .stride = 3, .first = 1}, 4, false, true},
    {{.length = 40, .heads = 2}, 16, true},
    {{.length = 60, .stride = 3, .first = 2}, 64, true, true},
    {{.length = 84, .stride = 7, .first = 1}, 8},
};

/// Whole windows of padding, padding in front, behind and between.
Numbers draw_mask(Index tokens) {
  Numbers mask = draw(tokens, 5);
  for (double& x : mask) x = x > -0.4 ? 1 : 0;
  return mask;
}

TEST_CASE("attention is the sum in the paper") {
  for (const Case& c : kCases) {
    for (const Index windows : {1, 3}) {
      CAPTURE(c.form.length);
      CAPTURE(c.form.stride);
      CAPTURE(c.form.causal);
      Graph graph;
      const Index queries = c.form.length / c.form.stride;
      const Expr qkv = input(graph, "qkv", {1, batch(0, c.form.length), 3 * c.width});
      const Numbers x = draw(windows * c.form.length * 3 * c.width, 1, -2, 2);
      Numbers mask, dropout;
      Expr m, d;
      testing::Values inputs = {{"qkv", x}};
      if (c.masked) {
        mask = draw_mask(windows * c.form.length);
        std::fill(mask.begin(), mask.begin() + c.form.length, windows > 1 ? 0.0 : mask[0]);
        inputs["mask"] = mask;
        m = input(graph, "mask", {1, batch(0, c.form.length), 1});
      }
      if (c.dropped) {
        dropout = draw(windows * queries * c.form.heads * c.form.length, 2, 0, 2);
        inputs["dropout"] = dropout;
        d = input(graph, "dropout", {1, batch(0, queries), c.form.heads * c.form.length});
      }
      const Numbers out =
          testing::evaluate(graph, attention(qkv, c.form, m, d), inputs, {}, windows);
      const Numbers expected = plain_attention(x, c.form, c.width, windows, mask, dropout);
      REQUIRE(out.size() == expected.size());
      double worst = 0;
      for (std::size_t i = 0; i < out.size(); ++i) {
        worst = std::max(worst, std::abs(out[i] - expected[i]));
      }
      CHECK(worst < 1e-13);
    }
  }
}

TEST_CASE("attention has right first and second derivatives") {
  for (const Case& c : kCases) {
    if (c.form.length * c.width > 100) continue;
    CAPTURE(c.form.length);
    CAPTURE(c.form.stride);
    const Index queries = c.form.length / c.form.stride;
    std::vector<testing::OperandSpec> specs = {{{1, batch(0, c.form.length), 3 * c.width}}};
    specs.push_back({{1, batch(0, c.form.length), 1}, 0.2, 1.9, true});
    specs.push_back({{1, batch(0, queries), c.form.heads * c.form.length}, 0.5, 2.5, c.dropped});
    specs.back().whole = true;
    const auto errors = testing::check_derivatives(
        [&](const std::vector<Expr>& x) {
          // through a function, so that the second derivative has several ways
          return tanh(attention(x[0], c.form, c.masked ? x[1] : Expr{}, c.dropped ? x[2] : Expr{}));
        },
        specs, 2);
    CHECK(errors.finite);
    CHECK(errors.first < 2e-8);
    CHECK(errors.second < 2e-7);
  }
}

TEST_CASE("members attend for themselves, masks of one member are shared") {
  const Attention form{.length = 4, .heads = 2};
  const auto errors = testing::check_derivatives(
      [&](const std::vector<Expr>& x) { return attention(x[0], form, x[1]); },
      {{{2, batch(0, 4), 12}}, {{1, batch(0, 4), 1}, 0.3, 1.9, true}}, 2);
  CHECK(errors.first < 2e-8);
  CHECK(errors.second < 2e-7);
}

TEST_CASE("a gradient that is its own operand is differentiated as two") {
  const Attention form{.length = 3};
  const auto errors = testing::check_derivatives(
      [&](const std::vector<Expr>& x) {
        return columns(x[0], 0, 2) * attention(x[0], form) + normalize(columns(x[0], 2, 2), 0.1);
      },
      {{{1, batch(0, 3), 6}}}, 2);
  CHECK(errors.first < 2e-8);
  CHECK(errors.second < 2e-7);
  const auto itself = testing::check_derivatives(
      [&](const std::vector<Expr>& x) { return x[0] * normalize(x[0], 0.1); }, {{{1, kBatch, 5}}},
      2);
  CHECK(itself.first < 2e-8);
  CHECK(itself.second < 2e-7);
}

/// Forward and backward in float, for bits.
struct Bits {
  static constexpr Index kLength = 60, kWidth = 64, kWindows = 40;
  static constexpr Attention kForm{.length = kLength, .heads = 2, .stride = 3};

  Graph graph;
  std::vector<float> qkv, mask, weight;
  Program<float> program;

  static std::vector<float> floats(const Numbers& x) { return {x.begin(), x.end()}; }
  static Program<float> compile(Graph& graph) {
    const Expr x = input(graph, "qkv", {1, batch(0, kLength), 3 * kWidth});
    const Expr m = input(graph, "mask", {1, batch(0, kLength), 1});
    const Expr y = attention(x, kForm, m);
    const Expr w = input(graph, "weight", y.shape());
    return {graph,
            {.values = {{"out", y}, {"slope", gradient(sum(y * w), {x})[0]}}, .gradients = {}},
            {.max_rows = {kWindows}}};
  }
  Bits()
      : qkv(floats(draw(kWindows * kLength * 3 * kWidth, 1))),
        mask(floats(draw_mask(kWindows * kLength))),
        weight(floats(draw(kWindows * kLength / 3 * kWidth, 3))),
        program(compile(graph)) {
    program.bind_input(program.input("qkv"), qkv);
    program.bind_input(program.input("mask"), mask);
    program.bind_input(program.input("weight"), weight);
  }
  std::vector<float> get(const char* name) const {
    const auto v = program.value(program.output(name));
    return {v.begin(), v.end()};
  }
};

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

TEST_CASE("1, 2, 3 and 7 threads attend to the same bits") {
  Bits run;
  run.program.run(Bits::kWindows, Threads{1});
  const auto out = run.get("out"), slope = run.get("slope");
  for (const int threads : {2, 3, 7}) {
    run.program.run(Bits::kWindows, Threads{threads});
    CHECK(same_bits(run.get("out"), out));
    CHECK(same_bits(run.get("slope"), slope));
  }
}

TEST_CASE("a window has the same bits in any company") {
  Bits all;
  all.program.run(Bits::kWindows);
  const auto out = all.get("out"), slope = all.get("slope");
  for (const Index w : {Index{0}, Index{7}, Bits::kWindows - 1}) {
    Bits one;
    const auto move = [&](std::vector<float>& v) {
      const auto width = static_cast<std::ptrdiff_t>(v.size()) / Bits::kWindows;
      std::copy_n(v.begin() + w * width, width, v.begin());
    };
    move(one.qkv), move(one.mask), move(one.weight);
    one.program.run(1);
    const auto part = [&](const std::vector<float>& v) {
      const std::size_t width = v.size() / at(Bits::kWindows);
      return std::span(v).subspan(at(w) * width, width);
    };
    CHECK(same_bits(one.get("out"), part(out)));
    CHECK(same_bits(one.get("slope"), part(slope)));
  }
}

TEST_CASE("what comes later, and what is padding, leaves no trace") {
  Bits run;
  std::fill(run.mask.begin(), run.mask.end(), 1.0f);
  run.mask[5] = 0;
  run.program.run(1);
  const auto before = run.get("out");
  // tokens 31 to the end and the padded token 5: queries at 0, 3, ..., 30 do not see them
  for (Index t = 0; t < Bits::kLength; ++t) {
    if (t <= 30 && t != 5) continue;
    for (Index c = 0; c < 3 * Bits::kWidth; ++c) run.qkv[at(t * 3 * Bits::kWidth + c)] += 3;
  }
  run.program.run(1);
  const auto after = run.get("out");
  const std::size_t seen = at(11 * Bits::kWidth);
  CHECK(same_bits(std::span(after).first(seen), std::span(before).first(seen)));
  CHECK(!same_bits(after, before));
}

TEST_CASE("attention allocates nothing, any number of windows, one thread or two") {
  Bits run;
  run.program.run(Bits::kWindows, Threads{2});
  const long before = palaestra::testing::allocations();
  for (Index windows = 1; windows <= Bits::kWindows; windows += 13) {
    run.program.run(windows, Threads{1});
    run.program.run(windows, Threads{2});
  }
  CHECK(palaestra::testing::allocations() == before);
}

TEST_CASE("describe shows the arithmetic of attention") {
  Graph graph;
  const Expr x = input(graph, "qkv", {1, batch(0, 4), 24});
  Program<float> program(graph, {.values = {{"out", attention(x, {.length = 4})}}, .gradients = {}},
                         {.max_rows = {10}});
  const Index rows = 10;
  // 1 + 2 + 3 + 4 pairs of tokens, twice eight multiply-adds each
  CHECK(program.flop({&rows, 1}) == 10 * 10 * 2 * 8 * 2);
  CHECK(program.describe().find("attention") != std::string::npos);
  CHECK(program.describe().find("[1, 4 batch, 8]") != std::string::npos);
}

TEST_CASE("attention refuses shapes that do not fit") {
  Graph graph;
  const Expr x = input(graph, "x", {1, batch(0, 6), 12});
  const Expr mask = input(graph, "mask", {1, batch(0, 3), 1});
  const auto message = [](const auto& f) -> std::string {
    try {
      f();
    } catch (const UserError& error) {
      return error.what();
    }
    return {};
  };
  CHECK(message([&] { attention(x, {.length = 0}); }).find("length is 0") != std::string::npos);
  CHECK(message([&] { attention(x, {.length = 4}); }).find("4 rows") != std::string::npos);
  CHECK(message([&] { attention(x, {.length = 6, .heads = 3}); }).find("3 heads") !=
        std::string::npos);
  CHECK(message([&] { attention(x, {.length = 6, .stride = 4}); }).find("stride is 4") !=
        std::string::npos);
  CHECK(message([&] { attention(x, {.length = 6}, mask); }).find("mask has shape") !=
        std::string::npos);
  CHECK(message([&] { attention(x, {.length = 6}, {}, mask); }).find("dropout has shape") !=
        std::string::npos);
}

}  // namespace
}  // namespace palaestra::nn
