#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <palaestra/core/random.h>
#include <palaestra/nn/program.h>
#include <palaestra/nn/transformer.h>

namespace palaestra::agents::sequence {

/// The factors of a stack's dropout: inputs of a program, and the memory that fills them.
class Dropout {
 public:
  /// None, with a rate of 0; else expressions "<name>.tokens" for what enters the stack and those
  /// of nn::dropout_inputs(), for `windows` windows of kBatch.
  struct Factors {
    nn::Expr tokens{};
    std::vector<nn::BlockDropout> blocks{};

    nn::Expr apply(nn::Expr x) const { return tokens.id() < 0 ? x : x * tokens; }
  };
  static Factors inputs(nn::Graph& graph, std::string_view name, const nn::Transformer& stack,
                        const nn::Attention& form, double rate, Index windows = nn::kBatch);

  Dropout() = default;
  Dropout(std::string_view name, const nn::Transformer& stack, const nn::Attention& form,
          double rate, Index windows);

  void bind(nn::Program<float>& program) const;
  void draw(Stream& random);
  /// Factors of 1: nothing is dropped.
  void keep_all();

 private:
  double rate_ = 0;
  std::vector<std::string> names_;
  std::vector<std::size_t> sizes_;
  std::vector<float> factors_;
};

}  // namespace palaestra::agents::sequence
