#include <palaestra/nn/graph.h>

#include <algorithm>
#include <bit>
#include <functional>

#include <palaestra/core/error.h>
#include <palaestra/nn/graph_impl.h>
#include <palaestra/nn/op.h>
#include <palaestra/nn/simplify.h>

namespace palaestra::nn {

Graph::Graph() : impl_(std::make_unique<Impl>()) {}
Graph::~Graph() = default;

const Shape& Expr::shape() const { return detail::node_of(*this).shape; }

Graph& Expr::graph() const {
  require(graph_ != nullptr, "Expr: an operand is an empty expression");
  return *graph_;
}

namespace detail {
namespace {

std::size_t mix(std::size_t hash, std::uint64_t value) {
  return (hash ^ value) * 0x9E3779B97F4A7C15u + (hash >> 29);
}

std::size_t hash_of(const Node& n) {
  std::size_t h = mix(0, reinterpret_cast<std::uintptr_t>(n.op));
  for (const Index extent : {n.shape.members, n.shape.rows, n.shape.columns, n.attributes.i,
                             n.attributes.j, n.attributes.k, n.attributes.l}) {
    h = mix(h, static_cast<std::uint64_t>(extent));
  }
  h = mix(h, std::bit_cast<std::uint64_t>(n.attributes.a));
  h = mix(h, std::bit_cast<std::uint64_t>(n.attributes.b));
  for (const int input : n.inputs) {
    h = mix(h, static_cast<std::uint64_t>(input));
  }
  return mix(h, std::hash<std::string>{}(n.name));
}

/// Equality of bits, so that 0.0 and -0.0 stay apart and a NaN equals itself.
bool same(const Node& x, const Node& y) {
  const auto bits = [](double v) { return std::bit_cast<std::uint64_t>(v); };
  return x.op == y.op && x.shape == y.shape && x.inputs == y.inputs && x.name == y.name &&
         bits(x.attributes.a) == bits(y.attributes.a) &&
         bits(x.attributes.b) == bits(y.attributes.b) && x.attributes.i == y.attributes.i &&
         x.attributes.j == y.attributes.j && x.attributes.k == y.attributes.k &&
         x.attributes.l == y.attributes.l;
}

}  // namespace

const Node& node_of(Expr e) {
  require_expr("Expr", e);
  return e.graph().impl().nodes[static_cast<std::size_t>(e.id())];
}

bool is_op(Expr e, const OpDef& op) { return node_of(e).op == &op; }

void require_expr(std::string_view operation, Expr e, const Graph* graph) {
  require(!is_null(e), operation, ": an operand is an empty expression");
  require(graph == nullptr || graph == &e.graph(), operation,
          ": operands belong to different graphs");
}

Expr insert_node(Graph& graph, Node node) {
  Graph::Impl& impl = graph.impl();
  const std::size_t hash = hash_of(node);
  const auto [begin, end] = impl.index.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    if (same(impl.nodes[static_cast<std::size_t>(it->second)], node)) {
      return {&graph, it->second};
    }
  }
  const int id = static_cast<int>(impl.nodes.size());
  impl.nodes.push_back(std::move(node));
  impl.index.emplace(hash, id);
  return {&graph, id};
}

Expr make_node(const OpDef& op, std::span<const Expr> inputs, const Shape& shape,
               const Attributes& attributes, std::string_view name) {
  Graph& graph = inputs.front().graph();
  if (const Expr simpler = simplify(op, inputs, shape, attributes); !is_null(simpler)) {
    return simpler;
  }
  Node node{&op, shape, {}, attributes, std::string(name)};
  for (const Expr e : inputs) {
    node.inputs.push_back(e.id());
  }
  if (op.commutative) {
    std::sort(node.inputs.begin(), node.inputs.end());
  }
  return insert_node(graph, std::move(node));
}

// ---- leaves
// --------------------------------------------------------------------------------------

const OpDef kInput{.name = "input", .kind = OpKind::kLeaf};
const OpDef kParameter{.name = "parameter", .kind = OpKind::kLeaf};
const OpDef kConstant{.name = "constant", .kind = OpKind::kLeaf};
const OpDef kRowCount{.name = "row_count", .kind = OpKind::kLeaf};

}  // namespace detail

namespace {

void require_shape(std::string_view what, const Shape& shape) {
  require(shape.members >= 1 && shape.columns >= 1 && shape.rows != 0, what, " has shape ",
          to_string(shape),
          "; accepted: members and columns of at least 1, rows of at least 1 or a batch dimension");
}

}  // namespace

Expr input(Graph& graph, std::string_view name, Shape shape) {
  require(!name.empty(), "input: the name is empty");
  require_shape(concat("input \"", name, "\""), shape);
  for (const detail::Node& n : graph.impl().nodes) {
    require(n.op != &detail::kInput || n.name != name || n.shape == shape, "input \"", name,
            "\" exists with shape ", to_string(n.shape), "; it cannot be ", to_string(shape));
  }
  return detail::insert_node(graph, {&detail::kInput, shape, {}, {}, std::string(name)});
}

Expr parameter(Graph& graph, std::string_view vector, Index offset, Shape shape) {
  require(!vector.empty(), "parameter: the name of the vector is empty");
  require(offset >= 0, "parameter of \"", vector, "\": offset is ", offset, "; accepted: 0 and up");
  require_shape(concat("parameter of \"", vector, "\""), shape);
  require(shape.rows >= 1, "parameter of \"", vector, "\" has shape ", to_string(shape),
          "; a parameter has a fixed number of rows");
  return detail::insert_node(graph,
                             {&detail::kParameter, shape, {}, {.i = offset}, std::string(vector)});
}

Expr constant(Graph& graph, double value) {
  return detail::insert_node(graph, {&detail::kConstant, Shape{}, {}, {.a = value}, {}});
}

Expr row_count(Expr x) {
  const Index rows = x.shape().rows;
  if (rows > 0) {
    return constant(x.graph(), static_cast<double>(rows));
  }
  const Expr count = detail::insert_node(
      x.graph(), {&detail::kRowCount, Shape{}, {}, {.i = batch_number(rows)}, {}});
  return count * static_cast<double>(batch_times(rows));
}

}  // namespace palaestra::nn
