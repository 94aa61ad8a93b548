#include <palaestra/agents/sequence/dropout.h>

#include <algorithm>

#include <palaestra/core/text.h>

namespace palaestra::agents::sequence {

Dropout::Factors Dropout::inputs(nn::Graph& graph, std::string_view name,
                                 const nn::Transformer& stack, const nn::Attention& form,
                                 double rate, Index windows) {
  if (rate == 0) return {};
  return {.tokens = nn::input(graph, concat(name, ".tokens"),
                              {1, nn::times_rows(windows, form.length), stack.width}),
          .blocks = nn::dropout_inputs(graph, name, stack, form, windows)};
}

Dropout::Dropout(std::string_view name, const nn::Transformer& stack, const nn::Attention& form,
                 double rate, Index windows)
    : rate_(rate) {
  if (rate == 0) return;
  // the expressions of a graph that nobody runs say how large each is
  nn::Graph graph;
  const Factors factors = inputs(graph, name, stack, form, rate);
  std::size_t total = 0;
  const auto add = [&](std::string input, nn::Expr e) {
    names_.push_back(std::move(input));
    sizes_.push_back(
        static_cast<std::size_t>(windows * nn::batch_times(e.shape().rows) * e.shape().columns));
    total += sizes_.back();
  };
  add(concat(name, ".tokens"), factors.tokens);
  for (std::size_t i = 0; i < factors.blocks.size(); ++i) {
    add(concat(name, ".", i, ".attention"), factors.blocks[i].attention);
    add(concat(name, ".", i, ".attended"), factors.blocks[i].attended);
    add(concat(name, ".", i, ".fed"), factors.blocks[i].fed);
  }
  factors_.assign(total, 1.0f);
}

void Dropout::bind(nn::Program<float>& program) const {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    program.bind_input(program.input(names_[i]), std::span(factors_).subspan(begin, sizes_[i]));
    begin += sizes_[i];
  }
}

void Dropout::draw(Stream& random) {
  if (rate_ > 0) nn::fill_dropout(rate_, random, factors_);
}

void Dropout::keep_all() { std::ranges::fill(factors_, 1.0f); }

}  // namespace palaestra::agents::sequence
