#pragma once

#include <string>
#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/nn/distributions.h>
#include <palaestra/nn/layers.h>
#include <palaestra/nn/program.h>

namespace palaestra::nn::testing {

/// A program with a bit of everything: an ensemble with layer norm that looks at a tanh-Gaussian
/// policy's action, a loss over rows and members, gradients of two vectors. Per row: "action",
/// "log_prob", "value"; of all rows: "loss", "policy_gradient", "value_gradient".
template <class T>
struct Example {
  static constexpr Index kInputs = 5, kActions = 3, kMembers = 2;

  explicit Example(Index max_rows, Index width = 24, std::uint64_t seed = 1)
      : policy(policy_layout, "", {.inputs = kInputs, .hidden = {width}, .outputs = 2 * kActions}),
        critic(critic_layout, "",
               {.inputs = kInputs + kActions,
                .hidden = {width, 7},
                .outputs = 1,
                .members = kMembers,
                .activation = Activation::kSilu,
                .layer_norm = true}),
        x(draw(max_rows * kInputs, seed, 0)),
        noise(draw(max_rows * kActions, seed, 1)),
        target(draw(max_rows, seed, 2)),
        policy_vector(static_cast<std::size_t>(policy_layout.size())),
        critic_vector(static_cast<std::size_t>(critic_layout.size())),
        program(compile(max_rows)) {
    initialize(policy_layout, Stream(seed, kPurpose, 3), std::span<T>(policy_vector));
    initialize(critic_layout, Stream(seed, kPurpose, 4), std::span<T>(critic_vector));
    bind();
  }

  void bind() {
    program.bind_input(program.input("x"), x);
    program.bind_input(program.input("noise"), noise);
    program.bind_input(program.input("target"), target);
    program.bind_vector(program.vector("policy"), policy_vector);
    program.bind_vector(program.vector("critic"), critic_vector);
  }

  std::vector<T> get(const std::string& name) const { return copy(program, name); }
  static std::vector<T> copy(const Program<T>& from, const std::string& name) {
    const auto v = from.value(from.output(name));
    return {v.begin(), v.end()};
  }

  static constexpr const char* kNames[] = {"action", "log_prob",        "value",
                                           "loss",   "policy_gradient", "value_gradient"};

  /// Every output of the last run, one after the other.
  std::vector<T> all() const { return all(program); }
  static std::vector<T> all(const Program<T>& from) {
    std::vector<T> result;
    for (const char* name : kNames) {
      const auto v = copy(from, name);
      result.insert(result.end(), v.begin(), v.end());
    }
    return result;
  }

  static constexpr Purpose kPurpose = purpose("tests/nn/example");

  static std::vector<T> draw(Index n, std::uint64_t seed, std::uint64_t entity) {
    std::vector<T> v(static_cast<std::size_t>(n));
    Stream(seed, kPurpose, entity).fill_normal(std::span<T>(v));
    return v;
  }

  Program<T> compile(Index max_rows) const {
    Graph graph;
    const auto column = [&](const char* name, Index width) {
      return input(graph, name, {1, kBatch, width});
    };
    const Expr observation = column("x", kInputs);
    const Expr head = policy(observation, "policy");
    const auto [action, log_prob] =
        TanhGaussian::from(columns(head, 0, kActions), columns(head, kActions, kActions))
            .sample(column("noise", kActions));
    const Expr value = critic(concat_columns({observation, action}), "critic");
    const Expr error = sum(square(value - column("target", 1)), Axis::kMembers);
    const Expr loss = mean(error + 0.1 * log_prob - min_over_members(value));
    return {
        graph,
        {.values = {{"action", action}, {"log_prob", log_prob}, {"value", value}, {"loss", loss}},
         .gradients = {{"policy_gradient", loss, "policy", policy_layout.size()},
                       {"value_gradient", loss, "critic", critic_layout.size()}}},
        {.max_rows = {max_rows}, .name = "example"}};
  }

  Layout policy_layout, critic_layout;
  Mlp policy, critic;
  std::vector<T> x, noise, target, policy_vector, critic_vector;
  Program<T> program;
};

}  // namespace palaestra::nn::testing
