#pragma once

// Internal to nn: a compiled program, independent of the number type. lower() makes it from a
// graph; execute.h runs it.

#include <string>
#include <variant>
#include <vector>

#include <palaestra/nn/op.h>
#include <palaestra/nn/program.h>

namespace palaestra::nn::detail {

/// Where a value begins: at `offset` numbers, plus `member` whole members, from a base pointer.
/// Bases are, in this order: inputs, vectors, outputs, then the three of Plan.
struct Place {
  int base = -1;
  Index offset = 0;
  Index member = 0;
  Index row_stride = 0;  ///< columns of the value that owns the memory
  Index rows = 1;        ///< and its rows, as in a Shape
};

struct Operand {
  Place place;
  Shape shape;
};

/// A chain of elementwise operations run tile by tile, intermediate results staying in L1.
/// Slots: first the inputs, then the outputs, then temporaries.
struct TileStep {
  struct Instruction {
    const OpDef* op;
    Attributes attributes;
    int out;
    int in[3];
    unsigned scalars;  ///< bit i: operand i is one number
  };
  Shape shape;
  std::vector<Operand> inputs, outputs;
  std::vector<Instruction> instructions;
  int temporaries = 0;
  int cost = 0;  ///< per element, see OpDef::cost
};

/// out = epilogue(op(a) op(b)); the epilogue adds a bias row, then rectifies, or lets through only
/// where `gate` is positive.
struct MatmulStep {
  Operand a, b, out;
  bool transpose_a = false, transpose_b = false;
  bool has_bias = false, has_gate = false, relu = false;
  Operand bias, gate;
};

struct KernelStep {
  const OpDef* op;
  Attributes attributes;
  std::vector<Operand> inputs;
  Operand out;
};

/// Zeros in the parts of a gradient block that no parameter of the loss covers.
struct ZeroStep {
  Place place;
  Index count;
};

struct Step {
  std::variant<TileStep, MatmulStep, KernelStep, ZeroStep> work;
  std::string label;
};

struct Plan {
  struct Input {
    std::string name;
    Shape shape;
    bool used;  ///< an input that no output needs may stay unbound
  };
  struct Vector {
    std::string name;
    Index size;  ///< least number of parameters it must hold
    bool used;
  };
  struct Output {
    std::string name;
    Shape shape;  ///< a gradient block is one row
  };
  std::string name;
  std::vector<Index> max_rows;
  std::vector<Input> inputs;
  std::vector<Vector> vectors;
  std::vector<Output> outputs;
  std::vector<double> constants;
  std::vector<Step> steps;
  Index arena = 0;    ///< numbers of work space for values
  Index scratch = 0;  ///< numbers of work space for a thread of the neediest kernel
  int buffers = 0;    ///< values that were given work space, before sharing

  int first_vector() const { return static_cast<int>(inputs.size()); }
  int first_output() const { return first_vector() + static_cast<int>(vectors.size()); }
  int constants_base() const { return first_output() + static_cast<int>(outputs.size()); }
  int row_counts_base() const { return constants_base() + 1; }
  int arena_base() const { return constants_base() + 2; }
  int bases() const { return constants_base() + 3; }
};

/// The extents of a shape at a run with these rows.
inline Index rows_of(Index extent, std::span<const Index> rows) {
  if (extent > 0) return extent;
  return rows[static_cast<std::size_t>(batch_number(extent))] * batch_times(extent);
}
inline Index rows_of(const Shape& shape, std::span<const Index> rows) {
  return rows_of(shape.rows, rows);
}
inline Index size_of(const Shape& shape, std::span<const Index> rows) {
  return shape.members * rows_of(shape, rows) * shape.columns;
}

/// Compiles. Throws UserError for outputs that do not belong to the graph, two outputs of one name,
/// a gradient block smaller than its parameters, or a batch dimension without a planned maximum.
Plan lower(const Graph& graph, const Outputs& outputs, const ProgramOptions& options);

/// Arithmetic of one step.
Index flop_of(const Step& step, std::span<const Index> rows);

}  // namespace palaestra::nn::detail
