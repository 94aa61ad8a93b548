// From a graph to a plan: gives every value a place.

#include <algorithm>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/nn/lowering.h>

namespace palaestra::nn::detail {

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
    GradientBlock block;
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
    std::stable_sort(
        block.shares.begin(), block.shares.end(),
        [](const GradientShare& a, const GradientShare& b) { return a.offset < b.offset; });
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
  for (const GradientBlock& block : blocks_) {
    for (const GradientShare& s : block.shares) mark(s.value);
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
    for (const GradientShare& s : blocks_[b].shares) {
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
  for (const GradientBlock& block : blocks_) {
    for (const GradientShare& s : block.shares) keep(s.value);
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
  for (const GradientBlock& block : blocks_) {
    for (const GradientShare& s : block.shares) extend(owner(s.value), end);
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

Plan Lowering::run() {
  check_outputs();
  differentiate();
  list_bases();
  std::vector<int> roots;
  for (const auto& v : outputs_.values) roots.push_back(v.value.id());
  for (const GradientBlock& block : blocks_) {
    for (const GradientShare& s : block.shares) roots.push_back(s.value);
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

Plan lower(const Graph& graph, const Outputs& outputs, const ProgramOptions& options) {
  return Lowering(graph, outputs, options).run();
}

}  // namespace palaestra::nn::detail
