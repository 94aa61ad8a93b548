#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/core/parallel.h>
#include <palaestra/nn/graph.h>

namespace palaestra::nn {

/// What a program computes: values by name, and gradients with respect to flat parameter vectors.
struct Outputs {
  struct Value {
    std::string name;
    Expr value;
  };
  /// d(loss) / d(vector): one flat block of `size` numbers laid out as the parameters are; numbers
  /// of the vector that the loss does not use get zero.
  struct Gradient {
    std::string name;
    Expr loss;
    std::string vector;
    Index size;
  };
  std::vector<Value> values;
  std::vector<Gradient> gradients;
};

struct ProgramOptions {
  std::vector<Index> max_rows = {256};  ///< planned maximum of each batch dimension
  std::string name = "program";         ///< appears in describe()
};

/// A compiled set of expressions: every buffer planned, elementwise chains fused, no allocation
/// while running. Pure: outputs depend on inputs, parameter vectors and the number of rows alone,
/// to the bit, whatever the number of threads. A program is not thread-safe (it owns its work
/// space); clone() gives another thread its own.
///
/// Rows are independent: row r of a per-row output has the same bits whatever other rows the run
/// holds.
template <class T>
class Program {
 public:
  Program(const Graph& graph, const Outputs& outputs, const ProgramOptions& options = {});
  ~Program();
  Program(Program&&) noexcept;
  Program& operator=(Program&&) noexcept;
  /// The same program with the same inputs and vectors bound, its own work space, and outputs in
  /// its own memory.
  Program clone() const;

  /// Handles, looked up once. Throw UserError naming the known ones.
  int input(std::string_view name) const;
  int vector(std::string_view name) const;
  int output(std::string_view name) const;  ///< values and gradients alike

  /// Binds memory that must outlive the runs; no copy is made. Sizes are checked at run().
  void bind_input(int input, std::span<const T> values);
  void bind_vector(int vector, std::span<const T> values);
  /// Where an output goes. Unbound outputs stay in the program's own memory: see value().
  void bind_output(int output, std::span<T> values);

  /// Runs with the given extents of the batch dimensions, each from 1 to the planned maximum.
  /// Throws UserError for an unbound input or vector, or one that is too short.
  void run(std::span<const Index> rows, Threads threads = Threads{1});
  void run(Index rows, Threads threads = Threads{1}) { run({&rows, 1}, threads); }

  /// An output of the last run.
  std::span<const T> value(int output) const;

  Index flop(std::span<const Index> rows) const;  ///< multiply-adds count two
  /// A table of operations, shapes, memory and FLOP at the rows of the last run (before one: the
  /// planned maximum) and, after profiled runs, of each step's share of the time and its rate.
  std::string describe() const;
  /// Times every step from now on (some 50 ns each); turning it on forgets earlier times.
  void set_profiling(bool on);

 private:
  struct Impl;
  explicit Program(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

extern template class Program<float>;
extern template class Program<double>;

}  // namespace palaestra::nn
