#include <palaestra/agents/doc/tabular/action_table.h>

#include <algorithm>

#include <palaestra/agents/doc/tabular/table.h>
#include <palaestra/core/error.h>

namespace palaestra::agents::doc {
namespace {

constexpr Purpose kActionTableStart = purpose("doc/action_table/start");

Index positive(Index size, const char* name) {
  require(size >= 1 && size <= 1 << 20, name, " is ", size, "; accepted: 1 to ", 1 << 20);
  return size;
}

}  // namespace

ActionTable::ActionTable(Index contexts, Index actions, Index batch_size, double learning_rate,
                         std::uint64_t seed)
    : contexts_(positive(contexts, "contexts")),
      actions_(positive(actions, "actions")),
      batch_size_(positive(batch_size, "batch_size")),
      logits_(static_cast<std::size_t>(contexts * actions)),
      gradient_(logits_.size()),
      context_(static_cast<std::size_t>(batch_size * contexts)),
      action_(static_cast<std::size_t>(batch_size * actions)),
      adam_(contexts * actions, {.learning_rate = learning_rate, .epsilon = 1e-7}),
      program_(compile()) {
  Stream start(seed, kActionTableStart);
  fill_truncated_normal(start, logits_);
  program_.bind_input(program_.input("context"), context_);
  program_.bind_input(program_.input("action"), action_);
  program_.bind_vector(program_.vector("logits"), logits_);
  program_.bind_output(program_.output("gradient"), gradient_);
}

nn::Program<float> ActionTable::compile() const {
  nn::Graph graph;
  const auto context = nn::input(graph, "context", {1, nn::kBatch, contexts_});
  const auto action = nn::input(graph, "action", {1, nn::kBatch, actions_});
  const auto table = nn::parameter(graph, "logits", 0, {1, contexts_, actions_});
  const auto loss = mean(-sum(action * log_softmax(matmul(context, table)), nn::Axis::kColumns));
  nn::Outputs outputs;
  outputs.gradients.push_back({"gradient", loss, "logits", contexts_ * actions_});
  return {graph, outputs, {.max_rows = {batch_size_}, .name = "doc/action_table"}};
}

void ActionTable::update(std::span<const Index> context, std::span<const Index> action) {
  const auto rows = std::ssize(context);
  require(rows >= 1 && rows <= batch_size_ && std::ssize(action) == rows, "a batch of ", rows,
          " contexts and ", action.size(), " actions; accepted: 1 to ", batch_size_,
          ", equally many");
  for (std::size_t i = 0; i < context.size(); ++i) {
    require(context[i] >= 0 && context[i] < contexts_, "context ", i, " is ", context[i],
            "; accepted: 0 to ", contexts_ - 1);
    require(action[i] >= 0 && action[i] < actions_, "action ", i, " is ", action[i],
            "; accepted: 0 to ", actions_ - 1);
  }
  std::ranges::fill(context_, 0.0f);
  std::ranges::fill(action_, 0.0f);
  for (Index i = 0; i < rows; ++i) {
    const auto at = static_cast<std::size_t>(i);
    context_[static_cast<std::size_t>(i * contexts_ + context[at])] = 1;
    action_[static_cast<std::size_t>(i * actions_ + action[at])] = 1;
  }
  program_.run(rows);
  adam_.step(logits_, gradient_);
}

std::vector<double> ActionTable::policy(Index context) const {
  require(context >= 0 && context < contexts_, "context is ", context, "; accepted: 0 to ",
          contexts_ - 1);
  return softmax_row(logits_, 0, context, actions_);
}

}  // namespace palaestra::agents::doc
