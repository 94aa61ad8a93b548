#include <palaestra/agents/iqlearn/reward.h>

#include <algorithm>

#include <palaestra/agents/iqlearn/losses.h>
#include <palaestra/agents/sac/losses.h>
#include <palaestra/agents/transitions.h>
#include <palaestra/core/random.h>

namespace palaestra::agents::iqlearn {

using nn::Axis;
using nn::Expr;

namespace {

constexpr Purpose kRewardNoisePurpose = purpose("iqlearn/reward/noise");
constexpr Index kMaxRows = 64;  // rows of one run; longer calls go in pieces

nn::Program<float> compile(const IqLearnConfig& config, const Networks& networks,
                           Index observation_size, Index action_size) {
  nn::Graph graph;
  const auto column = [&](std::string_view name, Index width) {
    return nn::input(graph, name, {1, nn::kBatch, width});
  };
  const Expr observation = column("observation", observation_size);
  const Expr action = column("action", action_size), discount = column("discount", 1);
  const Expr next = column("next_observation", observation_size);
  const Expr temperature = sac::temperature(graph);
  Expr q, next_v;
  if (const auto* numbers = std::get_if<NumberNetworks>(&networks)) {
    constexpr Index kDraws = RecoveredReward::kDraws;
    const Expr noise = split_rows(column("noise", kDraws * action_size), kDraws);
    const Expr repeated = repeat_rows(next, kDraws);
    const Expr draws =
        value_of_numbers(numbers->actor, numbers->critic, repeated, noise, temperature, "critic",
                         config.absorbing ? alive(repeated) : Expr{});
    q = numbers->critic(observation, action, "critic");
    next_v = mean(merge_rows(draws, kDraws), Axis::kColumns);
  } else {
    const auto& critic = std::get<ChoiceCritic>(networks);
    q = pick_column(critic(observation, "critic"), action);
    next_v = value_of_choices(critic, next, temperature, "critic");
  }
  return {graph,
          {.values = {{"reward", mean(q, Axis::kMembers) - discount * next_v}}, .gradients = {}},
          {.max_rows = {kMaxRows}, .name = "iqlearn/reward"}};
}

}  // namespace

RecoveredReward::RecoveredReward(const IqLearnConfig& config, const Networks& networks,
                                 Index observation_size, Index action_size,
                                 std::span<const float> actor, std::span<const float> critic,
                                 std::span<const float> log_temperature, std::uint64_t seed,
                                 Threads threads)
    : observation_size_(observation_size),
      action_size_(action_size),
      threads_(threads),
      program_(compile(config, networks, observation_size, action_size)),
      observation_(program_.input("observation")),
      action_(program_.input("action")),
      discount_(program_.input("discount")),
      next_observation_(program_.input("next_observation")),
      reward_(program_.output("reward")) {
  program_.bind_vector(program_.vector("critic"), critic);
  program_.bind_vector(program_.vector("log_temperature"), log_temperature);
  if (std::holds_alternative<NumberNetworks>(networks)) {
    program_.bind_vector(program_.vector("actor"), actor);
    noise_.resize(as_size(kMaxRows * kDraws * action_size));
    program_.bind_input(program_.input("noise"), noise_);
  }
  set_seed(seed);
}

void RecoveredReward::set_seed(std::uint64_t seed) {
  const std::size_t width = noise_.size() / as_size(kMaxRows);
  const auto first = std::span(noise_).first(width);
  Stream(seed, kRewardNoisePurpose).fill_normal(first);
  for (std::size_t at = width; at < noise_.size(); at += width) {
    std::ranges::copy(first, noise_.begin() + static_cast<std::ptrdiff_t>(at));
  }
}

void RecoveredReward::operator()(const replay::Minibatch& rows, std::span<float> out) {
  for (Index begin = 0; begin < rows.rows; begin += kMaxRows) {
    const Index count = std::min(kMaxRows, rows.rows - begin);
    const auto part = [&](std::span<const float> column, Index width) {
      return column.subspan(as_size(begin * width), as_size(count * width));
    };
    program_.bind_input(observation_, part(rows.observation, observation_size_));
    program_.bind_input(action_, part(rows.action, action_size_));
    program_.bind_input(discount_, part(rows.discount, 1));
    program_.bind_input(next_observation_, part(rows.next_observation, observation_size_));
    program_.run(count, threads_);
    std::ranges::copy(program_.value(reward_), out.begin() + begin);
  }
}

}  // namespace palaestra::agents::iqlearn
