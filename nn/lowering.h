#pragma once

// Internal to nn: what lower() knows on its way from a graph to a plan. lower.cc finds out what
// lives where and how long, lower_steps.cc writes the steps.

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <palaestra/nn/plan.h>
#include <palaestra/nn/planner.h>
#include <palaestra/nn/schedule.h>

namespace palaestra::nn::detail {

/// The place of a value of this shape that fills its memory.
inline Place whole(int base, Index offset, const Shape& shape) {
  return {base, offset, 0, shape.columns, shape.rows};
}

/// d(loss)/d(one parameter), and where it belongs in its gradient block.
struct GradientShare {
  int value;      // node
  int parameter;  // node
  Index offset, size;
};

struct GradientBlock {
  std::vector<GradientShare> shares;  // by offset
  bool overlap = false;
};

class Lowering {
 public:
  Lowering(const Graph& graph, const Outputs& outputs, const ProgramOptions& options)
      : graph_(const_cast<Graph&>(graph)), impl_(graph.impl()), outputs_(outputs) {
    plan_.name = options.name;
    plan_.max_rows = options.max_rows;
  }

  Plan run();

 private:
  void check_outputs();
  void differentiate();
  void list_bases();
  void place_outputs();
  void find_lives();
  void find_reuse();
  void emit_tiles(const std::vector<int>& group);
  void emit_product(int root, const Product& product);
  void emit_kernel(int id);
  void emit_output_copies();
  void emit_gradient_rest();
  void emit_tile(const OpDef& op, std::vector<Operand> inputs, const Operand& out,
                 std::string label);

  const Node& node(int id) const { return impl_.nodes[as_size(id)]; }
  int owner(int id) const {  // the node whose memory a view looks into
    while (node(id).op->kind == OpKind::kView) id = node(id).inputs[0];
    return id;
  }
  /// A node's inputs, seen through stop_gradient.
  std::vector<int> operands(int id) const {
    std::vector<int> result = node(id).inputs;
    for (int& input : result) input = without_stops(impl_.nodes, input);
    return result;
  }
  Place place_of(int id) const;
  Operand operand(int id) const { return {place_of(id), node(id).shape}; }
  Index planned_size(const Shape& shape) const { return size_of(shape, plan_.max_rows); }
  /// What a step reads, views seen through.
  std::vector<int> reads(std::size_t step) const;

  Graph& graph_;
  const Graph::Impl& impl_;
  const Outputs& outputs_;
  Plan plan_;
  std::vector<GradientBlock> blocks_;  // one per gradient output
  Schedule schedule_;
  std::map<int, Place> fixed_;  // leaves, and values computed where an output wants them
  std::map<int, int> buffer_of_;
  std::vector<Buffer> buffers_;
  std::map<int, int> step_of_;  // node -> step that computes it
  std::set<int> stored_;        // elementwise nodes read outside their group
};

}  // namespace palaestra::nn::detail
