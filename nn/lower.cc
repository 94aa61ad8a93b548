// From a graph to a plan: gives every value a place and every scheduled step its operands.

#include <algorithm>
#include <map>
#include <set>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/nn/plan.h>
#include <palaestra/nn/planner.h>
#include <palaestra/nn/schedule.h>

namespace palaestra::nn::detail {
namespace {

/// d(loss)/d(one parameter), and where it belongs in its gradient block.
struct Share {
  int value;      // node
  int parameter;  // node
  Index offset, size;
};

struct Block {
  std::vector<Share> shares;  // by offset
  bool overlap = false;
};

/// The place of a value of this shape that fills its memory.
Place whole(int base, Index offset, const Shape& shape) {
  return {base, offset, 0, shape.columns, shape.rows};
}

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
  std::vector<Block> blocks_;  // one per gradient output
  Schedule schedule_;
  std::map<int, Place> fixed_;  // leaves, and values computed where an output wants them
  std::map<int, int> buffer_of_;
  std::vector<Buffer> buffers_;
  std::map<int, int> step_of_;  // node -> step that computes it
  std::set<int> stored_;        // elementwise nodes read outside their group
};

void Lowering::check_outputs() {
  std::set<std::string> names;
  const auto take = [&](const std::string& name, Expr e) {
    require(!name.empty(), "Program: an output has an empty name");
    require(names.insert(name).second, "Program: two outputs are called \"", name, "\"");
    require(!is_null(e) && &e.graph() == &graph_, "Program: output \"", name,
            "\" is not an expression of this graph");
  };
  for (const auto& v : outputs_.values) take(v.name, v.value);
  for (const auto& g : outputs_.gradients) take(g.name, g.loss);
  require(!names.empty(), "Program: no outputs; accepted: one or more");
  for (const Index rows : plan_.max_rows) {
    require(rows >= 1, "Program: a planned maximum of rows is ", rows, "; accepted: 1 and up");
  }
}

void Lowering::differentiate() {
  for (const auto& g : outputs_.gradients) {
    Block block;
    std::vector<Expr> parameters;
    const int count = static_cast<int>(impl_.nodes.size());
    for (int id = 0; id < count; ++id) {
      if (node(id).op == &kParameter && node(id).name == g.vector) {
        parameters.emplace_back(&graph_, id);
      }
    }
    require(!parameters.empty(), "Program: gradient \"", g.name, "\": no parameter is of vector \"",
            g.vector, "\"");
    const std::vector<Expr> gradients = gradient(g.loss, parameters);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const Node& p = node(parameters[i].id());
      const Index size = p.shape.members * p.shape.rows * p.shape.columns;
      require(p.attributes.i + size <= g.size, "Program: gradient \"", g.name, "\" has size ",
              g.size, ", but vector \"", g.vector, "\" has a parameter up to ",
              p.attributes.i + size);
      if (is_constant(gradients[i], 0)) continue;  // zeros: covered by emit_gradient_rest()
      block.shares.push_back({gradients[i].id(), parameters[i].id(), p.attributes.i, size});
    }
    std::stable_sort(block.shares.begin(), block.shares.end(),
                     [](const Share& a, const Share& b) { return a.offset < b.offset; });
    for (std::size_t i = 1; i < block.shares.size(); ++i) {
      block.overlap |=
          block.shares[i].offset < block.shares[i - 1].offset + block.shares[i - 1].size;
    }
    blocks_.push_back(std::move(block));
  }
}

void Lowering::list_bases() {
  // what is live: the roots and, through them, everything below
  std::vector<char> live(impl_.nodes.size(), 0);
  const auto mark = [&](int id) { live[as_size(id)] = 1; };
  for (const auto& v : outputs_.values) mark(v.value.id());
  for (const Block& block : blocks_) {
    for (const Share& s : block.shares) mark(s.value);
  }
  for (std::size_t id = live.size(); id-- > 0;) {
    if (!live[id]) continue;
    for (const int input : impl_.nodes[id].inputs) live[as_size(input)] = 1;
  }
  std::map<std::string, std::size_t> vectors;
  for (std::size_t id = 0; id < live.size(); ++id) {
    const Node& n = impl_.nodes[id];
    if (live[id] && n.shape.rows < 0) {
      const Index number = batch_number(n.shape.rows);
      require(static_cast<std::size_t>(number) < plan_.max_rows.size(),
              "Program: the graph uses batch dimension ", number, ", but max_rows has ",
              plan_.max_rows.size(), " entries");
    }
    if (n.op == &kInput) plan_.inputs.push_back({n.name, n.shape, live[id] != 0});
    if (n.op == &kParameter) {
      const auto [it, added] = vectors.emplace(n.name, plan_.vectors.size());
      if (added) plan_.vectors.push_back({n.name, 0, false});
      Plan::Vector& v = plan_.vectors[it->second];
      if (live[id]) {
        v.used = true;
        v.size =
            std::max(v.size, n.attributes.i + n.shape.members * n.shape.rows * n.shape.columns);
      }
    }
  }
  for (const auto& v : outputs_.values) plan_.outputs.push_back({v.name, v.value.shape()});
  for (const auto& g : outputs_.gradients) {
    plan_.outputs.push_back({g.name, Shape{1, 1, g.size}});
  }
  int input = 0;
  for (std::size_t id = 0; id < live.size(); ++id) {
    const Node& n = impl_.nodes[id];
    const int i = static_cast<int>(id);
    if (n.op == &kInput) fixed_[i] = {input++, 0, 0, n.shape.columns, n.shape.rows};
    if (n.op == &kParameter) {
      fixed_[i] = {plan_.first_vector() + static_cast<int>(vectors[n.name]), n.attributes.i, 0,
                   n.shape.columns, n.shape.rows};
    }
    if (n.op == &kConstant && live[id]) {
      fixed_[i] = {plan_.constants_base(), static_cast<Index>(plan_.constants.size()), 0, 1};
      plan_.constants.push_back(n.attributes.a);
    }
    if (n.op == &kRowCount) fixed_[i] = {plan_.row_counts_base(), n.attributes.i, 0, 1};
  }
}

void Lowering::place_outputs() {
  const auto computed = [&](int id) { return step_of_.contains(id) && !fixed_.contains(id); };
  for (std::size_t o = 0; o < outputs_.values.size(); ++o) {
    const int id = outputs_.values[o].value.id();
    if (computed(id)) {
      fixed_[id] = whole(plan_.first_output() + static_cast<int>(o), 0, node(id).shape);
    }
  }
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    if (blocks_[b].overlap) continue;
    const int base = plan_.first_output() + static_cast<int>(outputs_.values.size() + b);
    for (const Share& s : blocks_[b].shares) {
      if (computed(s.value)) fixed_[s.value] = whole(base, s.offset, node(s.value).shape);
    }
  }
}

std::vector<int> Lowering::reads(std::size_t step) const {
  std::vector<int> result;
  for (const int id : schedule_.steps[step]) {
    const auto product = schedule_.products.find(id);
    if (product != schedule_.products.end()) {
      result = node(product->second.matmul).inputs;
      for (const int extra : {product->second.bias, product->second.gate}) {
        if (extra >= 0) result.push_back(extra);
      }
      break;
    }
    for (const int input : node(id).inputs) result.push_back(input);
  }
  for (int& id : result) id = owner(id);
  return result;
}

void Lowering::find_lives() {
  for (std::size_t s = 0; s < schedule_.steps.size(); ++s) {
    for (const int id : schedule_.steps[s]) step_of_[id] = static_cast<int>(s);
  }
  place_outputs();
  // elementwise nodes stay in their tiles unless somebody else reads them
  for (std::size_t s = 0; s < schedule_.steps.size(); ++s) {
    for (const int id : reads(s)) {
      if (step_of_.contains(id) && step_of_[id] != static_cast<int>(s)) stored_.insert(id);
    }
  }
  const int end = static_cast<int>(schedule_.steps.size());
  const auto keep = [&](int id) {
    if (step_of_.contains(owner(id))) stored_.insert(owner(id));
  };
  for (const auto& v : outputs_.values) keep(v.value.id());
  for (const Block& block : blocks_) {
    for (const Share& s : block.shares) keep(s.value);
  }
  for (std::size_t s = 0; s < schedule_.steps.size(); ++s) {
    for (const int id : schedule_.steps[s]) {
      if (fixed_.contains(id)) continue;
      const bool elementwise =
          node(id).op->kind == OpKind::kElementwise && !schedule_.products.contains(id);
      if (elementwise && !stored_.contains(id)) continue;
      buffer_of_[id] = static_cast<int>(buffers_.size());
      buffers_.push_back({planned_size(node(id).shape), static_cast<int>(s), static_cast<int>(s)});
    }
  }
  const auto extend = [&](int id, int step) {
    if (const auto it = buffer_of_.find(id); it != buffer_of_.end()) {
      buffers_[as_size(it->second)].last = std::max(buffers_[as_size(it->second)].last, step);
    }
  };
  for (std::size_t s = 0; s < schedule_.steps.size(); ++s) {
    for (const int id : reads(s)) extend(id, static_cast<int>(s));
  }
  for (const auto& v : outputs_.values) extend(owner(v.value.id()), end);
  for (const Block& block : blocks_) {
    for (const Share& s : block.shares) extend(owner(s.value), end);
  }
}

/// An elementwise result may overwrite an operand that dies with it, if nothing later in the group
/// reads that operand.
void Lowering::find_reuse() {
  for (std::size_t s = 0; s < schedule_.steps.size(); ++s) {
    const std::vector<int>& group = schedule_.steps[s];
    if (node(group[0]).op->kind != OpKind::kElementwise || schedule_.products.contains(group[0])) {
      continue;
    }
    std::map<int, std::size_t> last_read;  // owner -> position in the group
    std::set<int> partial;                 // read through a view or with another shape
    for (std::size_t k = 0; k < group.size(); ++k) {
      for (const int input : node(group[k]).inputs) {
        last_read[owner(input)] = k;
        if (node(owner(input)).shape != node(input).shape) partial.insert(owner(input));
      }
    }
    std::set<int> taken;
    for (std::size_t k = 0; k < group.size(); ++k) {
      const auto mine = buffer_of_.find(group[k]);
      if (mine == buffer_of_.end()) continue;
      for (const auto& [id, last] : last_read) {
        const auto theirs = buffer_of_.find(id);
        if (theirs == buffer_of_.end() || last > k || partial.contains(id)) continue;
        const Buffer& b = buffers_[as_size(theirs->second)];
        if (b.first == static_cast<int>(s) || b.last != static_cast<int>(s)) continue;
        if (node(id).shape != node(group[k]).shape || !taken.insert(id).second) continue;
        buffers_[as_size(mine->second)].reuses = theirs->second;
        break;
      }
    }
  }
}

Place Lowering::place_of(int id) const {
  const Node& n = node(id);
  if (n.op->kind == OpKind::kView) {
    Place p = place_of(n.inputs[0]);
    if (n.op == &kColumns) p.offset += n.attributes.i;
    if (n.op == &kRows) p.offset += n.attributes.i * p.row_stride;
    if (n.op == &kMembers) p.member += n.attributes.i;
    if (n.op == &kReshape) {  // of dense rows: see reshaped()
      p.row_stride = n.shape.columns;
      p.rows = n.shape.rows;
    }
    return p;
  }
  if (const auto it = fixed_.find(id); it != fixed_.end()) return it->second;
  const Buffer& b = buffers_[as_size(buffer_of_.at(id))];
  return whole(plan_.arena_base(), b.offset, n.shape);
}

void Lowering::emit_tiles(const std::vector<int>& group) {
  TileStep step;
  step.shape = node(group[0]).shape;
  std::map<int, int> slot;  // node -> slot, inputs and outputs first
  std::vector<int> inputs;
  std::string label;
  const std::set<int> inside(group.begin(), group.end());
  for (const int id : group) {
    if (!label.empty()) label += ' ';
    label += node(id).op->name;
    for (const int input : operands(id)) {
      if (!inside.contains(input) && slot.emplace(input, static_cast<int>(inputs.size())).second) {
        inputs.push_back(input);
        step.inputs.push_back(operand(input));
      }
    }
  }
  int next = static_cast<int>(inputs.size());
  for (const int id : group) {
    if (!fixed_.contains(id) && !buffer_of_.contains(id)) continue;
    slot[id] = next++;
    step.outputs.push_back(operand(id));
  }
  // temporaries: a slot is free again after its last reader
  std::map<int, std::size_t> last;
  for (std::size_t k = 0; k < group.size(); ++k) {
    for (const int input : operands(group[k])) last[input] = k;
  }
  const int first_temporary = next;
  std::vector<int> free;
  for (std::size_t k = 0; k < group.size(); ++k) {
    const int id = group[k];
    const Node& n = node(id);
    TileStep::Instruction i{n.op, n.attributes, -1, {-1, -1, -1}, 0};
    const std::vector<int> in = operands(id);
    for (std::size_t j = 0; j < in.size(); ++j) {
      i.in[j] = slot.at(in[j]);
      const bool scalar = node(in[j]).shape == Shape{} && step.shape != Shape{};
      i.scalars |= scalar ? 1u << j : 0u;
    }
    if (!slot.contains(id)) {
      if (free.empty()) {
        slot[id] = next++;
      } else {
        slot[id] = free.back();
        free.pop_back();
      }
    }
    i.out = slot[id];
    step.cost += n.op->cost;
    step.instructions.push_back(i);
    std::set<int> released;
    for (const int input : in) {
      if (inside.contains(input) && slot[input] >= first_temporary && last[input] == k &&
          released.insert(input).second) {
        free.push_back(slot[input]);
      }
    }
  }
  step.temporaries = next - first_temporary;
  plan_.steps.push_back({std::move(step), std::move(label)});
}

void Lowering::emit_product(int root, const Product& product) {
  const Node& n = node(product.matmul);
  MatmulStep step;
  step.a = operand(n.inputs[0]);
  step.b = operand(n.inputs[1]);
  step.out = operand(root);
  step.transpose_a = n.attributes.i != 0;
  step.transpose_b = n.attributes.j != 0;
  step.relu = product.relu;
  std::string label = step.transpose_a   ? "matmul aT b"
                      : step.transpose_b ? "matmul a bT"
                                         : "matmul";
  if (product.bias >= 0) {
    step.has_bias = true;
    step.bias = operand(product.bias);
    label += " +bias";
  }
  if (product.relu) label += " relu";
  if (product.gate >= 0) {
    step.has_gate = true;
    step.gate = operand(product.gate);
    label += " gate";
  }
  plan_.steps.push_back({step, std::move(label)});
}

void Lowering::emit_kernel(int id) {
  const Node& n = node(id);
  KernelStep step{n.op, n.attributes, {}, operand(id)};
  std::vector<Shape> shapes;
  for (const int input : n.inputs) {
    step.inputs.push_back(operand(input));
    Shape s = node(input).shape;
    s.rows = rows_of(s, plan_.max_rows);
    shapes.push_back(s);
  }
  if (n.op->scratch != nullptr) {
    Shape out = n.shape;
    out.rows = rows_of(out, plan_.max_rows);
    plan_.scratch = std::max(plan_.scratch, n.op->scratch(shapes, out, n.attributes));
  }
  plan_.steps.push_back({std::move(step), std::string(n.op->name)});
}

void Lowering::emit_tile(const OpDef& op, std::vector<Operand> inputs, const Operand& out,
                         std::string label) {
  TileStep step;
  step.shape = out.shape;
  TileStep::Instruction i{&op, {}, static_cast<int>(inputs.size()), {-1, -1, -1}, 0};
  for (std::size_t j = 0; j < inputs.size(); ++j) {
    i.in[j] = static_cast<int>(j);
    i.scalars |= inputs[j].shape == Shape{} && out.shape != Shape{} ? 1u << j : 0u;
  }
  step.inputs = std::move(inputs);
  step.outputs = {out};
  step.instructions = {i};
  step.cost = op.cost;
  plan_.steps.push_back({std::move(step), std::move(label)});
}

/// Values that could not be computed in place: inputs, slices, a value under a second name.
void Lowering::emit_output_copies() {
  for (std::size_t o = 0; o < outputs_.values.size(); ++o) {
    const int id = outputs_.values[o].value.id();
    const int base = plan_.first_output() + static_cast<int>(o);
    const auto it = fixed_.find(id);
    const bool there =
        node(id).op->kind != OpKind::kView && it != fixed_.end() && it->second.base == base;
    if (there) continue;
    emit_tile(kCopy, {operand(id)}, {whole(base, 0, node(id).shape), node(id).shape}, "copy out");
  }
}

void Lowering::emit_gradient_rest() {
  for (std::size_t b = 0; b < blocks_.size(); ++b) {
    const Block& block = blocks_[b];
    const int base = plan_.first_output() + static_cast<int>(outputs_.values.size() + b);
    const Index size = outputs_.gradients[b].size;
    const auto zero = [&](Index from, Index to) {
      if (to > from)
        plan_.steps.push_back({ZeroStep{{.base = base, .offset = from}, to - from}, "zero"});
    };
    if (block.overlap) {
      zero(0, size);
    } else {
      Index covered = 0;
      for (const Share& s : block.shares) {
        zero(covered, s.offset);
        covered = s.offset + s.size;
      }
      zero(covered, size);
    }
    for (const Share& s : block.shares) {
      const Shape& shape = node(s.parameter).shape;
      const Operand target{whole(base, s.offset, shape), shape};
      const auto it = fixed_.find(s.value);
      const bool there = it != fixed_.end() && it->second.base == base &&
                         it->second.offset == s.offset && node(s.value).op->kind != OpKind::kView;
      if (there) continue;
      if (block.overlap) {
        emit_tile(kAdd, {target, operand(s.value)}, target, "add to gradient");
      } else {
        emit_tile(kCopy, {operand(s.value)}, target, "copy to gradient");
      }
    }
  }
}

Plan Lowering::run() {
  check_outputs();
  differentiate();
  list_bases();
  std::vector<int> roots;
  for (const auto& v : outputs_.values) roots.push_back(v.value.id());
  for (const Block& block : blocks_) {
    for (const Share& s : block.shares) roots.push_back(s.value);
  }
  schedule_ = make_schedule(impl_, roots);
  find_lives();
  find_reuse();
  plan_.arena = plan_buffers(buffers_);
  plan_.buffers = static_cast<int>(buffers_.size());
  for (const std::vector<int>& group : schedule_.steps) {
    if (const auto it = schedule_.products.find(group[0]); it != schedule_.products.end()) {
      emit_product(group[0], it->second);
    } else if (node(group[0]).op->kind == OpKind::kElementwise) {
      emit_tiles(group);
    } else {
      emit_kernel(group[0]);
    }
  }
  emit_output_copies();
  emit_gradient_rest();
  return std::move(plan_);
}

}  // namespace

Plan lower(const Graph& graph, const Outputs& outputs, const ProgramOptions& options) {
  return Lowering(graph, outputs, options).run();
}

}  // namespace palaestra::nn::detail
