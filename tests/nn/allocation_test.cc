#include <doctest/doctest.h>

#include <vector>

#include <palaestra/nn/optimizer.h>
#include <tests/allocations.h>
#include <tests/nn/example_program.h>

namespace palaestra::nn {
namespace {

TEST_CASE("running allocates nothing: any rows, new bindings, one thread or two") {
  testing::Example<float> example(400, 200);
  Program<float>& p = example.program;
  const int x = p.input("x"), action = p.output("action");
  std::vector<float> other = example.x, out(400 * example.kActions);
  p.run(400, Threads{2});  // a program makes room for a thread when it first meets it
  const long before = palaestra::testing::allocations();
  for (Index rows = 1; rows <= 400; rows += 57) {
    p.bind_input(x, rows % 2 == 0 ? std::span<const float>(other) : example.x);
    p.bind_output(action, out);
    p.run(rows, Threads{1});
    p.run(rows, Threads{2});
    CHECK(p.value(action).size() == static_cast<std::size_t>(rows * example.kActions));
  }
  CHECK(palaestra::testing::allocations() == before);
}

TEST_CASE("optimiser steps allocate nothing") {
  std::vector<float> w(70'000, 1.0f), g(70'000, 0.5f), target = w;
  Adam adam(70'000, {.weight_decay = 0.1, .clip_value = 1, .clip_norm = 1});
  adam.step(w, g, Threads{2});
  const long before = palaestra::testing::allocations();
  for (int i = 0; i < 3; ++i) {
    adam.step(w, g, Threads{1});
    adam.step_and_average(w, g, target, 0.01, Threads{2});
    polyak_average(target, w, 0.5, Threads{2});
  }
  CHECK(palaestra::testing::allocations() == before);
}

}  // namespace
}  // namespace palaestra::nn
