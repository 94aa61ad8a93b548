// From a graph to a plan: gives every scheduled step its operands.

#include <algorithm>

#include <palaestra/nn/lowering.h>

namespace palaestra::nn::detail {

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
    const GradientBlock& block = blocks_[b];
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
      for (const GradientShare& s : block.shares) {
        zero(covered, s.offset);
        covered = s.offset + s.size;
      }
      zero(covered, size);
    }
    for (const GradientShare& s : block.shares) {
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

}  // namespace palaestra::nn::detail
