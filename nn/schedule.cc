#include <palaestra/nn/schedule.h>

#include <algorithm>
#include <set>

namespace palaestra::nn::detail {
namespace {

/// A tile program keeps a pointer per slot on the stack.
constexpr std::size_t kMaxGroup = 40;

class Scheduler {
 public:
  Scheduler(const Graph::Impl& graph, const std::vector<int>& roots) : nodes_(graph.nodes) {
    mark_live(roots);
    fuse_products(roots);
    collect_needs();
  }

  Schedule run();

 private:
  void mark_live(const std::vector<int>& roots);
  void fuse_products(const std::vector<int>& roots);
  void collect_needs();
  bool try_fuse(int id, const std::set<int>& kept);
  /// The unit that computes a value, seen through views; -1 for a leaf.
  int unit_of(int id) const;
  void finish(int unit);
  bool may_join(int id, const std::vector<int>& group) const;

  bool is_elementwise(int id) const {
    return nodes_[as_size(id)].op->kind == OpKind::kElementwise && !schedule_.products.contains(id);
  }

  const std::deque<Node>& nodes_;
  std::vector<char> live_;
  std::vector<int> uses_;
  std::vector<int> root_of_;  // fused nodes -> their product's root
  Schedule schedule_;
  std::map<int, std::set<int>> needs_, users_;
  std::set<int> ready_;
};

void Scheduler::mark_live(const std::vector<int>& roots) {
  live_.assign(nodes_.size(), 0);
  uses_.assign(nodes_.size(), 0);
  for (const int root : roots) {
    live_[as_size(root)] = 1;
    ++uses_[as_size(root)];
  }
  for (std::size_t id = nodes_.size(); id-- > 0;) {
    if (!live_[id]) continue;
    for (const int input : nodes_[id].inputs) {
      live_[as_size(input)] = 1;
      ++uses_[as_size(input)];
    }
  }
}

/// matmul + bias, relu(that), gate(matmul, y): one step each, where nothing else reads the parts.
bool Scheduler::try_fuse(int id, const std::set<int>& kept) {
  const Node& node = nodes_[as_size(id)];
  const auto absorb = [&](int part, Product product) {
    schedule_.products.erase(part);
    schedule_.products[id] = product;
    root_of_[as_size(part)] = id;
    return true;
  };
  const auto free_product = [&](int part) {
    return schedule_.products.contains(part) && uses_[as_size(part)] == 1 && !kept.contains(part) &&
           nodes_[as_size(part)].shape == node.shape;
  };
  if (node.op == &kAdd) {
    for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
      const int part = node.inputs[i];
      const int other = node.inputs[1 - i];
      if (!free_product(part)) continue;
      Product p = schedule_.products[part];
      const Shape& b = nodes_[as_size(other)].shape;
      const bool bare = p.bias < 0 && p.gate < 0 && !p.relu;
      if (bare && b.rows == 1 && b.columns == node.shape.columns) {
        p.bias = other;
        return absorb(part, p);
      }
    }
  }
  if (node.op == &kRelu && free_product(node.inputs[0])) {
    Product p = schedule_.products[node.inputs[0]];
    if (p.gate < 0 && !p.relu) {
      p.relu = true;
      return absorb(node.inputs[0], p);
    }
  }
  if (node.op == &kGate && free_product(node.inputs[0])) {
    Product p = schedule_.products[node.inputs[0]];
    const int y = node.inputs[1];
    if (p.bias < 0 && p.gate < 0 && !p.relu && nodes_[as_size(y)].shape == node.shape) {
      p.gate = y;
      return absorb(node.inputs[0], p);
    }
  }
  return false;
}

void Scheduler::fuse_products(const std::vector<int>& roots) {
  const std::set<int> kept(roots.begin(), roots.end());
  root_of_.resize(nodes_.size());
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const int id = static_cast<int>(i);
    root_of_[i] = id;
    if (!live_[i]) continue;
    if (nodes_[i].op->kind == OpKind::kMatmul) {
      schedule_.products[id] = {.matmul = id};
    } else {
      try_fuse(id, kept);
    }
  }
}

int Scheduler::unit_of(int id) const {
  while (nodes_[as_size(id)].op->kind == OpKind::kView) id = nodes_[as_size(id)].inputs[0];
  if (nodes_[as_size(id)].op->kind == OpKind::kLeaf) return -1;
  while (root_of_[as_size(id)] != id) id = root_of_[as_size(id)];
  return id;
}

void Scheduler::collect_needs() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const OpKind kind = nodes_[i].op->kind;
    if (!live_[i] || kind == OpKind::kLeaf || kind == OpKind::kView) continue;
    const int unit = unit_of(static_cast<int>(i));
    needs_[unit];
    for (const int input : nodes_[i].inputs) {
      const int need = unit_of(input);
      if (need < 0 || need == unit) continue;
      needs_[unit].insert(need);
      users_[need].insert(unit);
    }
  }
}

void Scheduler::finish(int unit) {
  ready_.erase(unit);
  for (const int user : users_[unit]) {
    needs_[user].erase(unit);
    if (needs_[user].empty()) ready_.insert(user);
  }
}

/// A tile holds a piece of a value, so what looks at a slice of it must wait for the whole.
bool Scheduler::may_join(int id, const std::vector<int>& group) const {
  if (!is_elementwise(id) || nodes_[as_size(id)].shape != nodes_[as_size(group[0])].shape)
    return false;
  for (const int input : nodes_[as_size(id)].inputs) {
    const int seen = without_stops(nodes_, input);
    if (nodes_[as_size(seen)].op->kind != OpKind::kView) continue;
    if (std::find(group.begin(), group.end(), unit_of(seen)) != group.end()) return false;
  }
  return true;
}

Schedule Scheduler::run() {
  for (const auto& [unit, needs] : needs_) {
    if (needs.empty()) ready_.insert(unit);
  }
  while (!ready_.empty()) {
    // Other kinds first: what they release joins the next elementwise group. In order of creation,
    // which keeps a value close to its use.
    const auto other =
        std::find_if(ready_.begin(), ready_.end(), [&](int id) { return !is_elementwise(id); });
    if (other != ready_.end()) {
      const int unit = *other;
      schedule_.steps.push_back({unit});
      finish(unit);
      continue;
    }
    std::vector<int> group = {*ready_.begin()};
    finish(group.back());
    while (group.size() < kMaxGroup) {
      const auto next =
          std::find_if(ready_.begin(), ready_.end(), [&](int id) { return may_join(id, group); });
      if (next == ready_.end()) break;
      group.push_back(*next);
      finish(group.back());
    }
    schedule_.steps.push_back(std::move(group));
  }
  return std::move(schedule_);
}

}  // namespace

int without_stops(const std::deque<Node>& nodes, int id) {
  while (nodes[as_size(id)].op == &kStopGradient) id = nodes[as_size(id)].inputs[0];
  return id;
}

Schedule make_schedule(const Graph::Impl& graph, const std::vector<int>& roots) {
  return Scheduler(graph, roots).run();
}

}  // namespace palaestra::nn::detail
