#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <thread>
#include <vector>

#include <tests/nn/example_program.h>

// What a program's outputs may depend on: inputs, vectors and the number of rows. Not on threads,
// other rows, earlier runs, or whose work space it is.

namespace palaestra::nn {
namespace {

using testing::Example;

/// Bits, so that a NaN equals itself and 0 differs from -0.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <class T>
void check_threads(Index rows, Index width) {
  Example<T> example(rows, width);
  example.program.run(rows, Threads{1});
  const auto one = example.all();
  for (const int threads : {2, 3, 7}) {
    example.program.run(rows, Threads{threads});
    CHECK(same_bits(example.all(), one));
  }
}

TEST_CASE("1, 2, 3 and 7 threads give the same bits, in work large and small") {
  for (const Index rows : {1, 5, 33}) check_threads<float>(rows, 24);
  check_threads<float>(700, 400);  // 280,000 numbers per member: elementwise and sums go parallel
  check_threads<double>(700, 400);
}

TEST_CASE("a row has the same bits in any company, at any place") {
  constexpr Index kRows = 41;
  Example<float> all(kRows);
  all.program.run(kRows);
  const auto action = all.get("action"), log_prob = all.get("log_prob"), value = all.get("value");
  for (const Index count : {1, 2, 3, 8, 17, 40}) {
    for (const Index begin : {Index{0}, Index{1}, Index{13}, kRows - count}) {
      if (begin + count > kRows) continue;
      CAPTURE(count);
      CAPTURE(begin);
      Example<float> some(kRows);
      const auto move_rows = [&](std::vector<float>& v, Index width) {
        std::copy_n(v.begin() + begin * width, count * width, v.begin());
      };
      move_rows(some.x, some.kInputs);
      move_rows(some.noise, some.kActions);
      move_rows(some.target, 1);
      some.program.run(count);
      const auto part = [&](const std::vector<float>& v, Index member, Index width) {
        const auto first = v.begin() + (member * kRows + begin) * width;
        return std::vector<float>(first, first + count * width);
      };
      CHECK(same_bits(some.get("action"), part(action, 0, some.kActions)));
      CHECK(same_bits(some.get("log_prob"), part(log_prob, 0, 1)));
      auto both = part(value, 0, 1);
      const auto second = part(value, 1, 1);
      both.insert(both.end(), second.begin(), second.end());
      CHECK(same_bits(some.get("value"), both));
    }
  }
}

TEST_CASE(
    "every number of rows from 1 to the planned maximum gives what a program planned for it "
    "gives") {
  constexpr Index kRows = 37;
  Example<float> planned(kRows);
  for (Index rows = kRows; rows >= 1; --rows) {
    CAPTURE(rows);
    Example<float> exact(rows);
    // the same numbers: streams are filled from the front
    std::copy_n(planned.x.begin(), exact.x.size(), exact.x.begin());
    std::copy_n(planned.noise.begin(), exact.noise.size(), exact.noise.begin());
    std::copy_n(planned.target.begin(), exact.target.size(), exact.target.begin());
    exact.program.run(rows);
    planned.program.run(rows);
    CHECK(same_bits(planned.all(), exact.all()));
  }
}

TEST_CASE("nothing of a run reaches the next: not its rows, its numbers, its NaNs") {
  constexpr Index kRows = 29;
  Example<float> fresh(kRows), used(kRows);
  fresh.program.run(kRows);
  const auto expected = fresh.all();
  fresh.program.run(3);
  const auto expected_few = fresh.all();

  const std::vector<float> poison(
      std::max({used.x.size(), used.policy_vector.size(), used.critic_vector.size()}),
      std::numeric_limits<float>::quiet_NaN());
  for (const Index rows : {kRows, Index{11}, Index{1}}) {
    Program<float>& p = used.program;
    for (const char* name : {"x", "noise", "target"}) p.bind_input(p.input(name), poison);
    for (const char* name : {"policy", "critic"}) p.bind_vector(p.vector(name), poison);
    p.run(rows);
    for (const char* name : {"action", "log_prob", "value", "loss"}) {  // it is everywhere
      CHECK(std::ranges::all_of(used.get(name), [](float v) { return v != v; }));
    }
    used.bind();
    p.run(kRows);
    CHECK(same_bits(used.all(), expected));
    p.run(3);
    CHECK(same_bits(used.all(), expected_few));
  }
}

TEST_CASE("clones run at the same time and give the original's bits") {
  constexpr Index kRows = 32;
  constexpr int kClones = 4;
  Example<float> example(kRows);
  std::vector<Program<float>> clones;
  clones.reserve(kClones);
  for (int i = 0; i < kClones; ++i) clones.push_back(example.program.clone());
  std::vector<std::vector<float>> results(kClones);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kClones; ++i) {
    threads.emplace_back([&, i] {
      for (Index rows = 1; rows <= kRows; ++rows) clones[i].run(rows);
      results[i] = Example<float>::all(clones[i]);
    });
  }
  for (auto& t : threads) t.join();
  example.program.run(kRows);
  for (const auto& result : results) CHECK(same_bits(result, example.all()));
}

TEST_CASE("a clone keeps what was bound, has outputs of its own, and outlives the original") {
  constexpr Index kRows = 8;
  Example<float> example(kRows);
  std::vector<float> action(kRows * Example<float>::kActions, -7.0f);
  example.program.bind_output(example.program.output("action"), action);
  Program<float> clone = example.program.clone();
  clone.run(kRows);
  CHECK(std::ranges::all_of(action, [](float v) { return v == -7.0f; }));
  const auto expected = Example<float>::all(clone);
  { const Program<float> gone = std::move(example.program); }
  clone.run(1);
  clone.run(kRows);
  CHECK(same_bits(Example<float>::all(clone), expected));
}

TEST_CASE("float programs are double programs up to rounding") {
  Example<float> narrow(64);
  Example<double> wide(64);
  const auto widen = [](const std::vector<float>& from, std::vector<double>& to) {
    std::copy(from.begin(), from.end(), to.begin());
  };
  widen(narrow.x, wide.x);
  widen(narrow.noise, wide.noise);
  widen(narrow.target, wide.target);
  widen(narrow.policy_vector, wide.policy_vector);
  widen(narrow.critic_vector, wide.critic_vector);
  narrow.program.run(64);
  wide.program.run(64);
  const auto a = narrow.all();
  const auto b = wide.all();
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(2e-5));
}

}  // namespace
}  // namespace palaestra::nn
