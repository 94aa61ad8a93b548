#include <palaestra/nn/optimizer.h>

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

namespace palaestra::nn {
namespace {

constexpr Index kCount = 6;
constexpr int kSteps = 25;

/// The same rule as in make_optimizer_reference.py: exact in float.
float reference_gradient(int step, int i) {
  return static_cast<float>((step * 7 + i * 5) % 13 - 6) / 8;
}

std::vector<float> run_reference_case(double decay, double clip_value, double clip_norm) {
  std::vector<float> w = {0.5f, -1.0f, 2.0f, 0.25f, -0.125f, 3.0f};
  std::vector<float> g(kCount);
  Adam adam(kCount, {.learning_rate = 1e-2,
                     .weight_decay = decay,
                     .clip_value = clip_value,
                     .clip_norm = clip_norm});
  for (int step = 0; step < kSteps; ++step) {
    for (int i = 0; i < kCount; ++i) g[static_cast<std::size_t>(i)] = reference_gradient(step, i);
    adam.step(w, g);
  }
  return w;
}

std::vector<float> normals(std::size_t n, std::uint64_t seed) {
  std::vector<float> x(n);
  Stream(seed, purpose("tests/optimizer")).fill_normal(std::span<float>(x));
  return x;
}

TEST_CASE("Adam and AdamW, clipped or not, end where PyTorch 2.13 ends after 25 steps") {
  // printed by tests/nn/make_optimizer_reference.py
  struct Case {
    double decay, clip_value, clip_norm;
    std::vector<float> expected;
  };
  const Case cases[] = {
      {0, 0, 0, {0.545250535f, -0.985403895f, 1.96268034f, 0.254149139f, -0.123625539f, 2.995507f}},
      {0.1,
       0,
       0,
       {0.531981766f, -0.960908115f, 1.91405439f, 0.247785524f, -0.12061806f, 2.92160153f}},
      {0,
       0.3,
       0,
       {0.531577885f, -0.986462295f, 1.97261453f, 0.261758089f, -0.132909581f, 2.98786521f}},
      {0,
       0,
       0.7,
       {0.540029168f, -0.987744749f, 1.97380519f, 0.241099268f, -0.118423782f, 2.99816227f}},
      {0.1,
       0.5,
       0.7,
       {0.523943961f, -0.965648293f, 1.92285681f, 0.241476551f, -0.114662766f, 2.92245507f}}};
  for (const Case& c : cases) {
    CAPTURE(c.decay);
    CAPTURE(c.clip_value);
    CAPTURE(c.clip_norm);
    const auto w = run_reference_case(c.decay, c.clip_value, c.clip_norm);
    for (std::size_t i = 0; i < w.size(); ++i) {
      CHECK(std::abs(w[i] - c.expected[i]) < 2e-6f);
    }
  }
}

TEST_CASE("a thousand steps stay within 1e-5 of Kingma and Ba's algorithm in double") {
  constexpr std::size_t kSize = 1003;  // not a multiple of any vector width
  std::vector<float> w = normals(kSize, 1);
  std::vector<double> reference(w.begin(), w.end()), m(kSize), v(kSize);
  Adam adam(kSize, {.learning_rate = 1e-3});
  for (int t = 1; t <= 1000; ++t) {
    const std::vector<float> g = normals(kSize, 100 + static_cast<std::uint64_t>(t));
    adam.step(w, g);
    for (std::size_t i = 0; i < kSize; ++i) {
      m[i] = 0.9 * m[i] + 0.1 * g[i];
      v[i] = 0.999 * v[i] + 0.001 * double{g[i]} * g[i];
      const double m_hat = m[i] / (1 - std::pow(0.9, t));
      const double v_hat = v[i] / (1 - std::pow(0.999, t));
      reference[i] -= 1e-3 * m_hat / (std::sqrt(v_hat) + 1e-8);
    }
  }
  double worst = 0;
  for (std::size_t i = 0; i < kSize; ++i) {
    worst = std::max(worst, std::abs(reference[i] - w[i]));
  }
  CHECK(worst < 1e-5);
}

TEST_CASE("steps, clipping norms and averages have the same bits for 1, 2, 3 and 7 threads") {
  constexpr std::size_t kSize = 100'003;
  const auto run = [&](int threads) {
    std::vector<float> w = normals(kSize, 1), target = normals(kSize, 2);
    Adam adam(kSize, {.clip_norm = 0.5});
    for (std::uint64_t t = 0; t < 3; ++t) {
      adam.step_and_average(w, normals(kSize, 10 + t), target, 0.01, Threads{threads});
    }
    polyak_average(target, w, 0.3, Threads{threads});
    w.insert(w.end(), target.begin(), target.end());
    return std::pair(w, adam.gradient_norm());
  };
  const auto one = run(1);
  for (const int threads : {2, 3, 7}) CHECK(run(threads) == one);
}

TEST_CASE("the fused average is the step followed by polyak_average, to the bit") {
  constexpr std::size_t kSize = 40'001;
  std::vector<float> w = normals(kSize, 1), fused = w;
  std::vector<float> target = normals(kSize, 2), fused_target = target;
  Adam adam(kSize, {}), fused_adam(kSize, {});
  for (std::uint64_t t = 0; t < 5; ++t) {
    const auto g = normals(kSize, 10 + t);
    adam.step(w, g);
    polyak_average(target, w, 0.005);
    fused_adam.step_and_average(fused, g, fused_target, 0.005);
  }
  CHECK(fused == w);
  CHECK(fused_target == target);
}

TEST_CASE("polyak_average mixes by tau: 0 keeps, 1 copies") {
  std::vector<float> target = {1, 2, 3};
  const std::vector<float> source = {3, 2, -1};
  polyak_average(target, source, 0);
  CHECK(target == std::vector<float>{1, 2, 3});
  polyak_average(target, source, 0.25);
  CHECK(target == std::vector<float>{1.5f, 2, 2});
  polyak_average(target, source, 1);
  CHECK(target == source);
}

TEST_CASE("the norm is that of the whole gradient and clipping leaves small ones alone") {
  const std::vector<float> g = {3, -4};
  std::vector<float> clipped = {0, 0}, free = {0, 0};
  Adam small(2, {.clip_norm = 100}), none(2, {});
  small.step(clipped, g);
  none.step(free, g);
  CHECK(small.gradient_norm() == 5.0);
  CHECK(clipped == free);
}

TEST_CASE("a NaN gradient stays visible through both kinds of clipping") {
  std::vector<float> w = {1, 1};
  const std::vector<float> g = {std::numeric_limits<float>::quiet_NaN(), 1};
  Adam(2, {.clip_value = 1}).step(w, g);
  CHECK(std::isnan(w[0]));
  CHECK(w[1] < 1);
}

TEST_CASE("learning rates warm up linearly, then fall linearly, along a cosine or by halves") {
  using Kind = LearningRateSchedule::Kind;
  const LearningRateSchedule constant{.warmup = 3};
  CHECK(constant.factor(0) == 0.25);
  CHECK(constant.factor(2) == 0.75);
  CHECK(constant.factor(3) == 1);
  CHECK(constant.factor(1'000'000) == 1);
  const LearningRateSchedule linear{.kind = Kind::kLinear, .steps = 100, .final_factor = 0.1};
  CHECK(linear.factor(0) == 1);
  CHECK(linear.factor(50) == doctest::Approx(0.55));
  CHECK(linear.factor(100) == doctest::Approx(0.1));
  CHECK(linear.factor(1000) == doctest::Approx(0.1));
  const LearningRateSchedule cosine{.kind = Kind::kCosine, .warmup = 10, .steps = 110};
  CHECK(cosine.factor(10) == 1);
  CHECK(cosine.factor(60) == doctest::Approx(0.5));
  CHECK(cosine.factor(35) == doctest::Approx(0.5 + 0.5 * std::sqrt(0.5)));
  CHECK(cosine.factor(110) == doctest::Approx(0));
  const LearningRateSchedule halving{.kind = Kind::kHalving, .steps = 100};
  CHECK(halving.factor(0) == 1);
  CHECK(halving.factor(99) == 1);
  CHECK(halving.factor(100) == 0.5);
  CHECK(halving.factor(350) == 0.125);
  std::vector<float> w = {0};
  Adam adam(1, {.learning_rate = 0.1, .schedule = constant});
  adam.step(w, std::vector<float>{1});  // the first step of Adam is the learning rate
  CHECK(w[0] == doctest::Approx(-0.025));
  CHECK(adam.learning_rate() == doctest::Approx(0.05));
}

TEST_CASE("an optimiser that was saved and loaded goes on to the same bits") {
  const auto file = std::filesystem::temp_directory_path() / "palaestra_optimizer_test.safetensors";
  constexpr std::size_t kSize = 101;
  std::vector<float> w = normals(kSize, 1);
  Adam adam(kSize, {});
  for (std::uint64_t t = 0; t < 7; ++t) adam.step(w, normals(kSize, 10 + t));
  ArchiveWriter writer;
  adam.save(writer, "adam.");
  writer.save(file);
  std::vector<float> resumed = w;
  Adam copy(kSize, {});
  copy.load(ArchiveReader(file), "adam.");
  CHECK(copy.updates() == 7);
  for (std::uint64_t t = 7; t < 9; ++t) {
    adam.step(w, normals(kSize, 10 + t));
    copy.step(resumed, normals(kSize, 10 + t));
  }
  CHECK(resumed == w);
  Adam other(kSize + 1, {});
  CHECK_THROWS_AS(other.load(ArchiveReader(file), "adam."), UserError);
  CHECK(other.updates() == 0);
  std::filesystem::remove(file);
}

TEST_CASE("sizes and options out of range are user errors that name them") {
  CHECK_THROWS_WITH_AS(Adam(0, {}), "Adam: size is 0, must be at least 1", UserError);
  CHECK_THROWS_AS(Adam(1, {.learning_rate = -1}), UserError);
  CHECK_THROWS_AS(Adam(1, {.learning_rate = std::nan("")}), UserError);
  CHECK_THROWS_AS(Adam(1, {.beta2 = 1}), UserError);
  CHECK_THROWS_AS(Adam(1, {.clip_norm = -1}), UserError);
  Adam adam(2, {});
  std::vector<float> w = {1, 2};
  CHECK_THROWS_WITH_AS(adam.step(w, std::vector<float>{1}),
                       "Adam: gradient has 1 numbers, expected 2", UserError);
  CHECK(adam.updates() == 0);
}

}  // namespace
}  // namespace palaestra::nn
