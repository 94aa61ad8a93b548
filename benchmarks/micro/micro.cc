// Pieces too small for a row of `palaestra bench`, which is about what users wait for. For whoever
// changes one of them: build/release/bin/palaestra_micro --benchmark_filter=sum_tree
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/core/hash.h>
#include <palaestra/core/random.h>
#include <palaestra/envs/trigonometry.h>
#include <palaestra/nn/program.h>
#include <palaestra/replay/group_weights.h>
#include <palaestra/replay/sum_tree.h>

namespace {

using namespace palaestra;
using benchmark::State;

constexpr Purpose kPurpose = purpose("benchmarks/micro");

void count_items(State& state, std::size_t each) {
  state.SetItemsProcessed(static_cast<std::int64_t>(each) * state.iterations());
}

// ---- core: random numbers and checksums

/// One draw after the other, as environments take them.
template <auto draw>
void random_draws(State& state) {
  Stream stream(1, kPurpose);
  for (auto _ : state) {
    benchmark::DoNotOptimize(draw(stream));
  }
  count_items(state, 1);
}
BENCHMARK(random_draws<[](Stream& s) { return s.bits64(); }>)->Name("random/bits64");
BENCHMARK(random_draws<[](Stream& s) { return s.uniform(); }>)->Name("random/uniform");
BENCHMARK(random_draws<[](Stream& s) { return s.below(1000); }>)->Name("random/below");
BENCHMARK(random_draws<[](Stream& s) { return s.normal(); }>)->Name("random/normal");

/// In bulk, as policies and minibatches take them.
template <auto fill, class T>
void random_fills(State& state) {
  Stream stream(1, kPurpose);
  std::vector<T> out(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    fill(stream, std::span(out));
    benchmark::ClobberMemory();
  }
  count_items(state, out.size());
}
BENCHMARK(random_fills<[](Stream& s, std::span<float> out) { s.fill_uniform(out); }, float>)
    ->Name("random/fill_uniform_float")
    ->Arg(4096);
BENCHMARK(random_fills<[](Stream& s, std::span<float> out) { s.fill_normal(out); }, float>)
    ->Name("random/fill_normal_float")
    ->Arg(4096);
BENCHMARK(
    random_fills<[](Stream& s, std::span<Index> out) { s.fill_below(1'000'000, out); }, Index>)
    ->Name("random/fill_below")
    ->Arg(4096);

void checksum(State& state) {
  const std::vector<std::byte> bytes(1 << 20, std::byte{7});
  for (auto _ : state) {
    benchmark::DoNotOptimize(crc32c(bytes));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes.size()) * state.iterations());
}
BENCHMARK(checksum)->Name("hash/crc32c_1MiB");

// ---- envs: our sine and cosine beside the C library's

template <auto sine_and_cosine>
void trigonometry(State& state) {
  std::vector<double> angles(1024);
  Stream(1, kPurpose).fill_uniform(angles);
  for (auto _ : state) {
    for (const double angle : angles) {
      benchmark::DoNotOptimize(sine_and_cosine(20.0 * angle - 10.0));
    }
  }
  count_items(state, angles.size());
}
BENCHMARK(trigonometry<[](double x) { return envs::sine_cosine(x); }>)->Name("trigonometry/ours");
BENCHMARK(trigonometry<[](double x) {
  return envs::SineCosine{std::sin(x), std::cos(x)};
}>)->Name("trigonometry/c_library");

// ---- replay: the tree behind prioritised draws, by its size

struct Tree {
  explicit Tree(Index items) : tree(items), picked(256), weights(256), mass(256) {
    std::vector<float> all(static_cast<std::size_t>(items));
    Stream stream(1, kPurpose);
    stream.fill_uniform(all);
    tree.assign(all);
    stream.fill_below(items, picked);
    stream.fill_uniform(weights);
  }
  replay::SumTree tree;
  std::vector<Index> picked;
  std::vector<float> weights;
  std::vector<double> mass;
};

void sum_tree_find(State& state) {
  Tree t(state.range(0));
  Stream stream(2, kPurpose);
  for (auto _ : state) {
    stream.fill_uniform(t.mass);
    for (double& mass : t.mass) {
      mass *= t.tree.total();
    }
    t.tree.find(t.mass, t.picked);
    benchmark::ClobberMemory();
  }
  count_items(state, t.picked.size());
}
BENCHMARK(sum_tree_find)->Name("sum_tree/find_256")->RangeMultiplier(32)->Range(1 << 10, 1 << 20);

void sum_tree_set(State& state) {
  Tree t(state.range(0));
  for (auto _ : state) {
    t.tree.set(t.picked, t.weights);
    benchmark::ClobberMemory();
  }
  count_items(state, t.picked.size());
}
BENCHMARK(sum_tree_set)->Name("sum_tree/set_256")->RangeMultiplier(32)->Range(1 << 10, 1 << 20);

// ---- replay: which of 1,000 groups

void group_by_age(State& state) {
  const replay::GeometricAges ages(0.05);
  Stream stream(1, kPurpose);
  for (auto _ : state) {
    benchmark::DoNotOptimize(ages.age(stream.uniform(), 999));
  }
  count_items(state, 1);
}
BENCHMARK(group_by_age)->Name("groups/geometric_of_1000");

void group_by_weight(State& state) {
  const replay::AliasTable table(std::vector<double>(1000, 1.0));
  Stream stream(1, kPurpose);
  for (auto _ : state) {
    benchmark::DoNotOptimize(table.draw(stream.uniform()));
  }
  count_items(state, 1);
}
BENCHMARK(group_by_weight)->Name("groups/alias_of_1000");

// ---- nn: what a program costs before it computes anything

void program_of_one_sum(State& state) {
  using namespace nn;
  Graph graph;
  const Expr x = input(graph, "x", {1, kBatch, 1});
  Program<float> program(graph, {.values = {{"y", x + x}}, .gradients = {}}, {.max_rows = {1}});
  std::vector<float> one = {1.0f};
  program.bind_input(program.input("x"), one);
  for (auto _ : state) {
    program.run(1);
    benchmark::ClobberMemory();
  }
}
BENCHMARK(program_of_one_sum)->Name("program/run");

}  // namespace

BENCHMARK_MAIN();
